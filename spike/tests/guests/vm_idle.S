// SPDX-License-Identifier: Apache-2.0
// Reports the boot time, and then sleeps for ever.
#include "arch/testing/guest.inc"
    image_header
    ldr x0, =0x091ff000
    mov w1, #123
    strb w1, [x0]
    strb w1, [x0]               // once is enough
    print idle
1:  wfi
    b   1b
    routines
idle: .asciz "idling\r\n"
