// SPDX-License-Identifier: Apache-2.0
// Counts the '+' that it is sent, in a register, in RAM and in V8, on as many pages as it counts;
// '?' makes it print the count, or that its places disagree, and how many milliseconds of its own
// time (CNTVCT_EL0) have passed since the last '?'. Ctrl-D ends it.
#include "arch/testing/guest.inc"
#define PAGES (RAM + 0x200000)
    image_header
    mov x0, #3 << 20            // CPACR_EL1.FPEN
    msr cpacr_el1, x0
    isb
    mov x19, #0
    movi v8.2d, #0
    ldr x21, =PAGES
    str xzr, [x21]
    mrs x23, cntvct_el0
    print ready
loop:
    receive_byte
    cmp w0, #4
    b.eq done
    cmp w0, #'+'
    b.eq count
    cmp w0, #'?'
    b.eq tell
    b   loop
count:
    add x19, x19, #1
    ldr x0, [x21]
    add x0, x0, #1
    str x0, [x21]
    mov v8.d[1], x0
    add x1, x21, x19, lsl #12   // page n holds n
    str x19, [x1]
    print counted
    b   loop
tell:
    ldr x0, [x21]
    cmp x0, x19
    b.ne torn
    mov x1, v8.d[1]
    cmp x0, x1
    b.ne torn
    mov x1, x19                 // page n holds n, and the next one nothing
1:  add x2, x21, x1, lsl #12
    cbz x1, 2f
    ldr x3, [x2]
    cmp x3, x1
    b.ne torn
    sub x1, x1, #1
    b   1b
2:  add x2, x19, #1
    add x2, x21, x2, lsl #12
    ldr x3, [x2]
    cbnz x3, torn
    print is
    mov x0, x19
    bl  print_hex
    print after
    mrs x0, cntvct_el0
    sub x1, x0, x23
    mov x23, x0
    mov x2, #24000
    udiv x0, x1, x2
    bl  print_hex
    print end
    b   loop
torn:
    print bad
    b   loop
done:
    power_off
    routines
ready:   .asciz "ready\r\n"
counted: .asciz "counted\r\n"
is:      .asciz "count "
after:   .asciz " ms "
end:     .asciz ".\r\n"
bad:     .asciz "torn\r\n"
