// SPDX-License-Identifier: Apache-2.0
// Does what no guest should: loads and stores at pseudo-random physical addresses in every size,
// accesses whose syndrome describes nothing, undefined instructions, calls with random numbers,
// jumps to where there is no memory. Ends in peace if the monitor and its vectors are sound.
#include "arch/testing/guest.inc"
    image_header
    adr x0, vectors
    msr vbar_el1, x0
    isb
    mov x0, #3 << 20
    msr cpacr_el1, x0
    isb
    mov x27, #0
    mov x25, #0

    // An access to nothing is an external abort, as the first word of its syndrome says.
    mov x19, #0x8000000
    ldr w0, [x19]
    cbz x27, quiet
    and w0, w26, #0x3f
    cmp w0, #0x10
    b.ne quiet
    print aborted

    ldr x20, =0x123456789abcdef // xorshift
    ldr w21, =4000
1:  eor x20, x20, x20, lsl #13
    eor x20, x20, x20, lsr #7
    eor x20, x20, x20, lsl #17
    // Device windows, the holes around them and the interrupt controller, but never the console's
    // transmitter: the first 2 KiB of the first window.
    ubfx x22, x20, #8, #31
    tbnz x20, #60, 2f
    and x22, x22, #0xfffff
    ldr x23, =0x09000000
    orr x22, x22, x23
    tst x22, #0xff000
    b.ne 2f
    orr x22, x22, #0x800
2:  ldr x23, =RAM
    cmp x22, x23
    b.hs 6f
    ubfx x23, x20, #40, #3
    cmp x23, #0
    b.eq 3f
    cmp x23, #1
    b.eq 4f
    cmp x23, #2
    b.eq 5f
    and x22, x22, #~7
    ldr x0, [x22]
    ldrh w0, [x22, #2]
    ldp x0, x1, [x22]
    ldr q0, [x22]
    b   6f
3:  and x22, x22, #~3
    ldr w0, [x22]
    ldrsb x0, [x22, #1]!
    b   6f
4:  and x22, x22, #~7
    strb w20, [x22]
    strh w20, [x22, #2]
    b   6f
5:  and x22, x22, #~7
    str w20, [x22, #4]
    stp x20, x20, [x22]
    ldadd x20, x0, [x22]
    dc  zva, x22
6:  subs w21, w21, #1
    b.ne 1b
    print mmio

    .inst 0x00000000
    .inst 0xffffffff
    .inst 0xd51fffff            // MSR of a register that nobody has
    .inst 0x04000000            // SVE
    brk #1
    smc #0x1234
    hvc #0xffff
    ldr w0, =0xc4000099
    hvc #0
    cmn x0, #1                  // NOT_SUPPORTED
    b.ne quiet
    print undefined

    // Jumps to nowhere come back here by the vectors.
    adr x24, 7f
    mov x25, #0x10000
    br  x25
7:  adr x24, 8f
    ldr x25, =0x7fff0000
    br  x25
8:  mov x25, #0
    print survived
    power_off
quiet:
    print no_abort
    power_off
    routines
aborted:   .asciz "external abort taken\r\n"
mmio:      .asciz "random accesses done\r\n"
undefined: .asciz "undefined instructions done\r\n"
survived:  .asciz "survived\r\n"
no_abort:  .asciz "something went by without an exception\r\n"
    skipping_vectors
