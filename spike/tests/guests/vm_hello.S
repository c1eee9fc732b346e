// SPDX-License-Identifier: Apache-2.0
// Says hello, whether X0 points to a device tree, and powers off by SMC.
#include "arch/testing/guest.inc"
    image_header
    print hello
    ldr w0, [x28]
    ldr w1, =0xedfe0dd0 // the tree's magic number as a little-endian word
    cmp w0, w1
    b.ne 1f
    print tree
1:  ldr w0, =PSCI_SYSTEM_OFF
    smc #0
    b   .
    routines
hello: .asciz "hello from the guest\r\n"
tree:  .asciz "device tree found\r\n"
