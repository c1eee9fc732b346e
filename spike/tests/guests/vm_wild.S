// SPDX-License-Identifier: Apache-2.0
// Jumps to where there is no memory with vectors that are nowhere either: an exception without end.
#include "arch/testing/guest.inc"
    image_header
    print wild
    mov x0, #0x10000
    br  x0
    routines
wild: .asciz "going wild\r\n"
