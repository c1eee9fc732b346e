// SPDX-License-Identifier: Apache-2.0
// Prints without end.
#include "arch/testing/guest.inc"
    image_header
1:  print line
    b   1b
    routines
line: .asciz "the quick brown fox jumps over the lazy dog\r\n"
