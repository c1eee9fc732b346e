// SPDX-License-Identifier: Apache-2.0
// A guest that writes a byte to the console every 100 us of its counter, and waits for nothing else: the
// first byte of one that goes on from a snapshot tells when it runs. A PL011 takes the bytes where our UART
// does, so that it runs on other machines too.
#include "arch/testing/guest.inc"

    image_header
    mrs x19, cntfrq_el0
    mov x0, #10000
    udiv x19, x19, x0
    mov w0, #'r'
tick:
    send_byte
    mrs x20, cntvct_el0
    mov w0, #'.'
1:  mrs x1, cntvct_el0
    sub x1, x1, x20
    cmp x1, x19
    b.lo 1b
    b   tick

    routines
