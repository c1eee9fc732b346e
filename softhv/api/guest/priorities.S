// SPDX-License-Identifier: Apache-2.0
// Nested interrupts by priority, with EOImode 0 and then 1. SGI 1 has priority 0xc0, SGI 2 0x80, SGI 3
// 0x80 as well. The handler of SGI 1 sends 2 and 3 to itself with interrupts open: 2 must preempt it,
// 3 must wait until 2 has ended. A trace of what happened is written to slot 0 onwards: for every
// handler its INTID and the running priority on entry, and 0x100 + INTID on exit.
#include "softhv/api/guest/guest.h"

  enter
  gic_open
  mov w1, #0xc0
  strb w1, [x28, #0x401]
  mov w1, #0x80
  strb w1, [x28, #0x402]
  strb w1, [x28, #0x403]
  own_data x20                // next entry of the trace
  mov x21, #RAM_BASE
  add x21, x21, #0x10000
  mov sp, x21
  mov x22, #0                 // EOImode
pass:
  lsl x1, x22, #1
  msr icc_ctlr_el1, x1
  isb
  mov x23, #0                 // handlers done
  msr daifclr, #2
  mov x1, #(1 << 24)
  orr x1, x1, #1
  msr icc_sgi1r_el1, x1
wait:
  cmp x23, #3
  b.lo wait
  msr daifset, #2
  mrs x1, icc_rpr_el1
  str x1, [x20], #8
  add x22, x22, #1
  cmp x22, #2
  b.lo pass
  hvc #0

irq_handler:
  mrs x10, icc_iar1_el1
  mrs x11, icc_rpr_el1
  stp x10, x11, [x20], #16
  mrs x11, elr_el1
  mrs x12, spsr_el1
  stp x11, x12, [sp, #-16]!
  stp x10, xzr, [sp, #-16]!
  cmp x10, #1
  b.ne leave
  msr daifclr, #2
  mov x11, #((3 << 24) & 0xffff0000)
  orr x11, x11, #1
  msr icc_sgi1r_el1, x11
  mov x11, #((2 << 24) & 0xffff0000)
  orr x11, x11, #1
  msr icc_sgi1r_el1, x11
  isb
settle:
  cmp x23, #2                 // both have run inside this handler
  b.lo settle
  msr daifset, #2
leave:
  ldp x10, xzr, [sp], #16
  ldp x11, x12, [sp], #16
  msr elr_el1, x11
  msr spsr_el1, x12
  add x13, x10, #0x100
  str x13, [x20], #8
  add x23, x23, #1
  msr icc_eoir1_el1, x10
  cbz x22, done
  msr icc_dir_el1, x10
done:
  isb
  eret

  vector_table
