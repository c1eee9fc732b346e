// SPDX-License-Identifier: Apache-2.0
// A guest that writes to memory when it is told to, with the MMU on, and answers 'd' when it has.
// It turns on whatever vCPUs there are and says 'r'. Then each byte on the console is a command:
//
//   '1', '8'     100 or 800 pages are written to, as many by each vCPU, and all vCPUs are idle then
//   'a', 'h'     the same, and all vCPUs go on writing to them for ever
//   'w'          8 MiB of memory are written to, 64 times, by the first vCPU
//   'o'          power off
#include "arch/testing/guest.inc"
#define TABLE (RAM + 0x200000)
#define SHARED (RAM + 0x210000)     // command, vCPUs that are done, vCPUs that there are
#define PAGES (RAM + 0x400000)
#define AREA (RAM + 0x1000000)
#define AREA_SIZE 0x800000

    image_header
    ldr x1, =TABLE
    ldr x2, =0x00000401             // 0: Device-nGnRnE, AF
    str x2, [x1]
    ldr x2, =RAM + 0x705            // Normal, inner shareable, AF
    str x2, [x1, #8]
    dsb sy
    mmu_on TABLE
    ldr x19, =SHARED
    mov x20, #1                     // of the next vCPU
1:  ldr w0, =PSCI_CPU_ON
    mov x1, x20
    adr x2, secondary
    mov x3, x20
    hvc #0
    cbnz x0, 2f
    add x20, x20, #1
    b   1b
2:  str x20, [x19, #16]
    sub x21, x20, #1
3:  ldar x0, [x19]                  // each has taken one from it
    add x0, x0, x21
    cbnz x0, 3b
    mov w0, #'r'
    send_byte
    mov x20, #0                     // which vCPU this is
command:
    receive_byte
    cmp w0, #'o'
    b.ne 4f
    power_off
4:  cmp w0, #'w'
    b.eq fill
    add x1, x19, #8
    stlr xzr, [x1]
    stlr x0, [x19]
    sev
    b   work

secondary:                          // x0: which one
    mov x20, x0
    mmu_on TABLE
    ldr x19, =SHARED
5:  ldaxr x0, [x19]
    sub x0, x0, #1
    stlxr w1, x0, [x19]
    cbnz w1, 5b
wait:
    ldar x0, [x19]
    cmp x0, #0
    b.gt work
    wfe
    b   wait

work:                               // x0: the command
    and x1, x0, #15                 // hundreds of pages
    mov x2, #100
    mul x1, x1, x2
    ldr x2, [x19, #16]
    udiv x1, x1, x2                 // pages of each vCPU
    mul x2, x1, x20
    ldr x3, =PAGES
    add x3, x3, x2, lsl #12
    mov x22, x3
    mov x23, x1
6:  str x0, [x3]
    add x3, x3, #4096
    subs x1, x1, #1
    b.ne 6b
    add x2, x19, #8
7:  ldaxr x1, [x2]
    add x1, x1, #1
    stlxr w3, x1, [x2]
    cbnz w3, 7b
    cbnz x20, done
    ldr x3, [x19, #16]
8:  ldar x1, [x2]
    cmp x1, x3
    b.ne 8b
    mov x24, x0
    mov w0, #'d'
    send_byte
    mov x0, x24
done:
    tbnz x0, #4, idle               // a digit
9:  mov x1, x23
    mov x3, x22
10: str x1, [x3]
    add x3, x3, #4096
    subs x1, x1, #1
    b.ne 10b
    b   9b
idle:
    wfi
    b   idle

fill:
    mov x4, #64
11: ldr x1, =AREA
    ldr x2, =AREA_SIZE
12: stp x2, x4, [x1], #16
    stp x2, x4, [x1], #16
    subs x2, x2, #32
    b.ne 12b
    subs x4, x4, #1
    b.ne 11b
    mov w0, #'d'
    send_byte
    b   command

    routines
