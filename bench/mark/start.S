// SPDX-License-Identifier: Apache-2.0
// Entry of the mark program, with the header of an arm64 Image (Linux Documentation/arch/arm64/
// booting.rst), so that any loader of kernels starts it. Position independent at 2 MiB steps.
//
// Started by a kernel loader (x0 is the device tree's address): measures every workload, prints the
// results on the UART at 0x09000000, powers off.
// Started with a workload's number in x0 (below 4096) and iterations in x1: runs it and stops at
// HVC #0 with the result in x1.

  .section .head, "ax"
  .globl _start
_start:
  b 1f
  .word 0
  .quad 0                       // text_offset
  .quad __image_size
  .quad 0xa                     // little endian, 4 KiB pages, anywhere in RAM
  .quad 0, 0, 0
  .ascii "ARM\x64"
  .word 0

1:
  mov x20, x0
  mov x21, x1
  adrp x2, stack_top
  add x2, x2, :lo12:stack_top
  mov sp, x2

  // Identity map by 1 GiB blocks: device memory below 1 GiB, normal memory in the next one.
  adrp x2, page_table
  mov x3, #0x401                // block, AF, attribute 0
  orr x3, x3, #(3 << 53)        // never executed
  str x3, [x2]
  mov x3, #0x40000000
  mov x4, #0x705                // block, AF, inner shareable, attribute 1
  orr x3, x3, x4
  str x3, [x2, #8]
  mov x3, #0xff00               // attribute 0: Device-nGnRnE, 1: normal write-back
  msr mair_el1, x3
  // TCR_EL1: 39-bit addresses, 4 KiB, write-back and inner-shareable walks; TTBR1 off.
  ldr x3, =(25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2 << 32)
  msr tcr_el1, x3
  msr ttbr0_el1, x2
  isb
  tlbi vmalle1
  dsb nsh
  isb
  mrs x3, sctlr_el1
  mov x4, #0x1005               // I, C, M
  orr x3, x3, x4
  bic x3, x3, #2                // A: unaligned access is allowed
  msr sctlr_el1, x3
  isb

  cmp x20, #4096
  b.hs 2f
  mov w0, w20
  mov x1, x21
  bl mark_run
  mov x1, x0
  mov x0, #0
  hvc #0
  b .

2:
  bl mark_report
  ldr w0, =0x84000008           // PSCI SYSTEM_OFF
  hvc #0
  b .

  .text
  // uint64_t mark_loop(uint64_t iterations): kMarkLoopInstructions a turn.
  .globl mark_loop
  .type mark_loop, %function
mark_loop:
  mov x1, #1
  mov x2, #2
  mov x3, #3
  cbz x0, 4f
3:
  add x1, x1, x0
  eor x2, x2, x1, lsl #3
  add x3, x3, x2
  ror x3, x3, #7
  cmp x2, x3
  csinc x1, x2, x1, ls
  subs x0, x0, #1
  b.ne 3b
4:
  eor x0, x1, x2
  eor x0, x0, x3
  ret

  .bss
  .balign 4096
page_table:
  .skip 4096
  .skip 16384
stack_top:
