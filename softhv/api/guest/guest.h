// SPDX-License-Identifier: Apache-2.0
// Assembler macros of the test guests. A program is loaded at RAM_BASE and entered at its first
// byte by every vCPU with its number in x0, at EL1h with interrupts masked and the MMU off. x27 is
// the vCPU's number, x28 its SGI_base, x26 RAM_BASE + DATA.
#define RAM_BASE 0x40000000
#define DATA 0x8000
#define GICD 0x3fe00000
#define GICR 0x30000000

// The vCPU's own words of data: slot n is at DATA + 0x100 * vCPU + 8 * n.
.macro own_data reg
  add \reg, x26, x27, lsl #8
.endm

.macro enter
  mov x27, x0
  mov x26, #RAM_BASE
  add x26, x26, #DATA
  adr x1, vectors
  msr vbar_el1, x1
  isb
.endm

// Group 1 enabled, every SGI and PPI open at priority 0xa0, every priority let through.
.macro gic_open
  mov x1, #GICD
  mov w2, #0x12
  str w2, [x1]
  mov x28, #GICR
  add x28, x28, x27, lsl #17
  str wzr, [x28, #0x14]
  add x28, x28, #0x10000
  mov w2, #-1
  str w2, [x28, #0x80]
  str w2, [x28, #0x100]
  add x3, x28, #0x400
  mov w2, #0xa0a0
  movk w2, #0xa0a0, lsl #16
  mov x4, #8
1:
  str w2, [x3], #4
  subs x4, x4, #1
  b.ne 1b
  mov x2, #7
  msr icc_sre_el1, x2
  isb
  mov x2, #0xff
  msr icc_pmr_el1, x2
  mov x2, #1
  msr icc_igrpen1_el1, x2
  isb
.endm

// Sleeps until the word at [addr] is at least `count`, taking interrupts meanwhile.
.macro wait_for addr, count
2:
  msr daifset, #2
  ldr x9, [\addr]
  cmp x9, \count
  b.hs 3f
  wfi
  msr daifclr, #2
  isb
  b 2b
3:
  msr daifclr, #2
.endm

// A vector table whose IRQ from the current EL with SP_ELx goes to irq_handler, and everything else to
// HVC #0xdead with ESR in x0, ELR in x1 and the vector's offset in x2.
.macro vector offset
  .balign 128
  .if \offset == 0x280
  b irq_handler
  .else
  mrs x0, esr_el1
  mrs x1, elr_el1
  mov x2, #\offset
  hvc #0xdead
  .endif
.endm

.macro vector_table
  .balign 2048
vectors:
  .irp offset, 0x000, 0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380
  vector \offset
  .endr
  .irp offset, 0x400, 0x480, 0x500, 0x580, 0x600, 0x680, 0x700, 0x780
  vector \offset
  .endr
.endm
