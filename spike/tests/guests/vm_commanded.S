// SPDX-License-Identifier: Apache-2.0
// Reports the boot time. Then counts in memory the bytes that it receives, and prints the count each
// time; resets the machine for 'r' and powers off for 'o'.
#include "arch/testing/guest.inc"
    image_header
    ldr x0, =0x091ff000
    mov w1, #123
    strb w1, [x0]
    ldr x19, =RAM + 0x200000
    print ready
loop:
    receive_byte
    cmp w0, #'r'
    b.eq reset
    cmp w0, #'o'
    b.eq off
    ldr x0, [x19]
    add x0, x0, #1
    str x0, [x19]
    bl  print_hex
    print line_end
    b   loop
reset:
    ldr w0, =PSCI_SYSTEM_RESET
    hvc #0
    b   .
off:
    power_off
    routines
ready: .asciz "counting\r\n"
line_end: .asciz "\r\n"
