// SPDX-License-Identifier: Apache-2.0
// Turns on vCPUs 1, 2 and 3, checks what CPU_ON and AFFINITY_INFO answer on the way, waits for each
// to have counted itself, and for each to be off again.
#include "arch/testing/guest.inc"
#define COUNTER (RAM + 0x200000)
    image_header
    mov x20, #1                 // of the next vCPU
1:  ldr w0, =PSCI_CPU_ON
    mov x1, x20
    adr x2, secondary
    add x3, x20, #100           // context
    hvc #0
    cbnz x0, failed
    add x20, x20, #1
    cmp x20, #4
    b.ne 1b
    // All have counted: 101 + 102 + 103.
    ldr x19, =COUNTER
2:  ldar x0, [x19]
    cmp x0, #306
    b.ne 2b
    // The first one waits to be let go, so it is still on.
    ldr w0, =PSCI_CPU_ON
    mov x1, #1
    adr x2, secondary
    hvc #0
    cmn x0, #4                  // ALREADY_ON
    b.ne failed
    ldr w0, =PSCI_CPU_ON
    mov x1, #4                  // there is no such vCPU
    adr x2, secondary
    hvc #0
    cmn x0, #2                  // INVALID_PARAMETERS
    b.ne failed
    mov x0, #1
    add x1, x19, #8
    stlr x0, [x1]               // let it go
    mov x20, #1
3:  ldr w0, =PSCI_AFFINITY_INFO
    mov x1, x20
    mov x2, #0
    hvc #0
    cmp x0, #1                  // OFF
    b.ne 3b
    add x20, x20, #1
    cmp x20, #4
    b.ne 3b
    // One of them may be turned on again.
    ldr w0, =PSCI_CPU_ON
    mov x1, #2
    adr x2, secondary
    mov x3, #1000
    hvc #0
    cbnz x0, failed
    mov x1, #1306
4:  ldar x0, [x19]
    cmp x0, x1
    b.ne 4b
    print good
    power_off
failed:
    mov x19, x0
    print bad
    mov x0, x19
    bl  print_hex
    power_off

secondary:                      // x0: the context
    ldr x19, =COUNTER
5:  ldaxr x1, [x19]
    add x1, x1, x0
    stlxr w2, x1, [x19]
    cbnz w2, 5b
    cmp x0, #101
    b.ne 7f
    add x19, x19, #8
6:  ldar x1, [x19]
    cbz x1, 6b
7:  ldr w0, =PSCI_CPU_OFF
    hvc #0
    b   .
    routines
good: .asciz "all vCPUs counted\r\n"
bad:  .asciz "CPU_ON answered "
