// SPDX-License-Identifier: Apache-2.0
// Says whether RAM is as it should be at power-on, soils it, and then resets for 'r' and powers off
// for 'o'.
#include "arch/testing/guest.inc"
    image_header
    ldr x19, =RAM + 0x200000
    ldr x20, [x19]
    cbnz x20, 1f
    print clean
    b   2f
1:  print soiled
2:  mov x20, #1
    str x20, [x19]
    receive_byte
    cmp w0, #'r'
    b.ne 3f
    ldr w0, =PSCI_SYSTEM_RESET
    hvc #0
    b   .
3:  power_off
    routines
clean:  .asciz "started with clean RAM\r\n"
soiled: .asciz "started with soiled RAM\r\n"
