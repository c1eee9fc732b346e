// SPDX-License-Identifier: Apache-2.0
// Programs of smp_test.cc. x19: this vCPU's number, x20: a shared page, x21 and x22: a page to
// execute from and to write code to, x23: rounds. The result is counted in x0; HVC #0x200 ends.

        b       patch_code
        b       move_pages
        b       change_spaces

// vCPU 0 writes mov x0, #n; ret and publishes n in [x20]; vCPU 1 calls it and answers in [x20, #64].
patch_code:
        mov     x9, #1
        mov     x10, #0
        cbnz    x19, 2f

1:      movz    w1, #0xd280, lsl #16
        orr     w1, w1, w9, lsl #5      // mov x0, #n
        str     w1, [x22]
        movz    w1, #0xd65f, lsl #16
        movk    w1, #0x03c0             // ret
        str     w1, [x22, #4]
        dc      cvau, x22
        dsb     ish
        ic      ivau, x22
        dsb     ish
        stlr    x9, [x20]
        add     x2, x20, #64
3:      yield
        ldar    x3, [x2]
        cmp     x3, x9
        b.ne    3b
        add     x9, x9, #1
        cmp     x9, x23
        b.ls    1b
        mov     x0, #0
        hvc     #0x200

2:      yield
        ldar    x3, [x20]
        cmp     x3, x9
        b.ne    2b
        isb
        blr     x21
        cmp     x0, x9
        cinc    x10, x10, ne
        add     x2, x20, #64
        stlr    x9, [x2]
        add     x9, x9, #1
        cmp     x9, x23
        b.ls    2b
        mov     x0, x10
        hvc     #0x200

// Page n of the two at x20 + 0x10000 belongs to vCPU n, its descriptor is at x20 + 0x20000 + 8 * (16
// + n). The descriptor toggles between the frames whose first words are 0x2000 and 0x3000.
move_pages:
        mov     x10, #0
        mov     x9, #0
        add     x11, x20, #0x10, lsl #12
        add     x11, x11, x19, lsl #12          // the page
        add     x12, x20, #0x20, lsl #12
        and     x13, x11, #0x1ff000             // its index in the last-level table
        add     x12, x12, x13, lsr #9           // its descriptor
        lsr     x14, x11, #12
1:      ldr     x1, [x12]
        eor     x1, x1, #0x1000
        str     xzr, [x12]
        dsb     ishst
        tlbi    vae1is, x14
        dsb     ish
        str     x1, [x12]
        dsb     ishst
        isb
        ldr     x2, [x11]
        and     x3, x1, #0x3000
        and     x2, x2, #0x3000
        cmp     x2, x3
        cinc    x10, x10, ne
        add     x9, x9, #1
        cmp     x9, x23
        b.lo    1b
        mov     x0, x10
        hvc     #0x200

// vCPU 0 has the page at [x21] of ASID 1 (descriptor at [x22]) show frame x25 or x26 in turn, each
// with the round's number in its first word (written at x27, x28), and publishes the number in [x20].
// vCPU 1 changes between ASID 1 (TTBR0_EL1 in x25) and another (x26) and reads the page in the former.
change_spaces:
        mov     x9, #0
        mov     x10, #0
        cbnz    x19, 2f

        mov     x14, #(1 << 48)
        orr     x14, x14, x21, lsr #12
1:      add     x9, x9, #1
        tst     x9, #1
        csel    x1, x25, x26, eq
        csel    x2, x27, x28, eq
        str     x9, [x2]
        dmb     ish
        str     x1, [x22]
        dsb     ishst
        tlbi    vae1is, x14
        dsb     ish
        stlr    x9, [x20]
        cmp     x9, x23
        b.lo    1b
        mov     x0, #0
        hvc     #0x200

2:      ldar    x1, [x20]
        msr     ttbr0_el1, x25
        isb
        ldr     x2, [x21]
        msr     ttbr0_el1, x26
        isb
        cmp     x2, x1
        cinc    x10, x10, lo
        cmp     x1, x23
        b.lo    2b
        mov     x0, x10
        hvc     #0x200
