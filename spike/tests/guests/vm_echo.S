// SPDX-License-Identifier: Apache-2.0
// Sends back every byte until Ctrl-D, then powers off.
#include "arch/testing/guest.inc"
    image_header
    print ready
loop:
    receive_byte
    cmp w0, #4
    b.eq done
    send_byte
    b   loop
done:
    print bye
    power_off
    routines
ready: .asciz "echo ready\r\n"
bye:   .asciz "\r\necho done\r\n"
