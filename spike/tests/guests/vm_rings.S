// SPDX-License-Identifier: Apache-2.0
// Sets the first disk's queue up many times over with rings that make no sense: descriptors,
// indices and sometimes addresses are pseudo-random. Says how many times the device asked to be
// reset, which has to happen; the monitor has to live through all of it.
#include "arch/testing/guest.inc"
#define DISK 0x09002000
#define RINGS (RAM + 0x300000)
.macro random               // x20
    eor x20, x20, x20, lsl #13
    eor x20, x20, x20, lsr #7
    eor x20, x20, x20, lsl #17
.endm
    image_header
    ldr x19, =DISK
    ldr x20, =0x243f6a8885a308d3
    ldr w21, =300           // rounds
    mov x22, #0             // needs reset
    ldr w0, [x19]
    ldr w1, =0x74726976     // "virt"
    cmp w0, w1
    b.ne none
round:
    str wzr, [x19, #0x70]
    mov w0, #3              // ACKNOWLEDGE, DRIVER
    str w0, [x19, #0x70]
    str wzr, [x19, #0x24]
    random
    and w0, w20, #0x30000000 // INDIRECT_DESC, EVENT_IDX or not
    str w0, [x19, #0x20]
    mov w0, #1
    str w0, [x19, #0x24]
    str w0, [x19, #0x20]    // VERSION_1
    mov w0, #11
    str w0, [x19, #0x70]    // FEATURES_OK

    // 8 descriptors, the available ring at +0x100, the used ring at +0x200.
    ldr x23, =RINGS
    mov w24, #8
    mov x25, x23
1:  random
    and x0, x20, #0xffffff
    ldr x1, =RAM
    add x0, x0, x1          // in RAM, mostly
    tbz x20, #60, 2f
    mov x0, x20             // or anywhere
2:  str x0, [x25]
    random
    and w0, w20, #0xfff
    tbz x20, #61, 3f
    mov w0, w20
3:  str w0, [x25, #8]
    random
    and w0, w20, #7
    strh w0, [x25, #12]
    ubfx w0, w20, #8, #4    // next: up to 15 of 8
    strh w0, [x25, #14]
    add x25, x25, #16
    subs w24, w24, #1
    b.ne 1b
    add x25, x23, #0x100
    str wzr, [x25], #2
    random
    and w0, w20, #15        // up to 15 new buffers in a ring of 8
    strh w0, [x25], #2
    mov w24, #8
4:  random
    and w0, w20, #15
    strh w0, [x25], #2
    subs w24, w24, #1
    b.ne 4b

    str wzr, [x19, #0x30]
    mov w0, #8
    str w0, [x19, #0x38]
    add x0, x23, #0
    random
    tbz x20, #62, 5f
    and x0, x20, #0xffffffffff
5:  str w0, [x19, #0x80]
    lsr x0, x0, #32
    str w0, [x19, #0x84]
    add x0, x23, #0x100
    str w0, [x19, #0x90]
    str wzr, [x19, #0x94]
    add x0, x23, #0x200
    tbz x20, #59, 6f
    add x0, x0, #3          // misaligned
6:  str w0, [x19, #0xa0]
    str wzr, [x19, #0xa4]
    mov w0, #1
    str w0, [x19, #0x44]    // ready
    mov w0, #15
    str w0, [x19, #0x70]    // DRIVER_OK
    dmb sy
    str wzr, [x19, #0x50]   // notify
    str wzr, [x19, #0x50]
    ldr w0, [x19, #0x60]
    str w0, [x19, #0x64]
    ldr w0, [x19, #0x70]
    tbz w0, #6, 7f
    add x22, x22, #1
7:  subs w21, w21, #1
    b.ne round
    cbz x22, none
    print done
    power_off
none:
    print nothing
    power_off
    routines
done:    .asciz "broken rings: the device asked for resets\r\n"
nothing: .asciz "broken rings went unnoticed\r\n"
