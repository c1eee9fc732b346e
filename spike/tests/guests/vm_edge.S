// SPDX-License-Identifier: Apache-2.0
// Makes the UART's interrupt (INTID 32) edge-triggered, waits for a byte, which it leaves unread so that
// the wire stays high, and takes the edge away (GICD_ICPENDR1). From then on it prints '.' every 10 ms,
// and "again" if there is another edge, which there must not be.
#include "arch/testing/guest.inc"
#define GICD 0x3fbf0000
#define GICD_ISPENDR1 0x204
#define GICD_ICPENDR1 0x284
#define GICD_ICFGR2 0xc08
#define UART_IER 1
#define UART_LSR 5
#define TEN_MS 240000
    image_header
    ldr x20, =GICD
    mov w0, #2                  // EnableGrp1
    str w0, [x20]
    mov w0, #0xaaaaaaaa
    str w0, [x20, #GICD_ICFGR2]
    ldr x21, =UART
    mov w0, #1                  // received data
    strb w0, [x21, #UART_IER]
    print ready
1:  ldrb w0, [x21, #UART_LSR]
    tbz w0, #0, 1b
2:  ldr w0, [x20, #GICD_ISPENDR1]
    tbz w0, #0, 2b
    mov w0, #1
    str w0, [x20, #GICD_ICPENDR1]
    print taken
    ldr x23, =TEN_MS
loop:
    mrs x22, cntvct_el0
3:  ldr w0, [x20, #GICD_ISPENDR1]
    tbnz w0, #0, edge
    mrs x1, cntvct_el0
    sub x1, x1, x22
    cmp x1, x23
    b.lo 3b
    mov w0, #'.'
    send_byte
    b   loop
edge:
    print again
    b   .
    routines
ready:
    .asciz "ready\n"
taken:
    .asciz "taken\n"
again:
    .asciz "again\n"
