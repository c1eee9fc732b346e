// SPDX-License-Identifier: Apache-2.0
// What comes at which instruction. Slots 0 and 1: the counter read twice in straight code, five
// instructions apart. Slot 2: how many instructions a store to the interrupt controller was ahead
// of the interrupt that it raised. Slot 3: the counter at a timer's interrupt less its deadline.
#include "softhv/api/guest/guest.h"

  enter
  gic_open
  own_data x20
  mrs x1, cntpct_el0
  nop
  nop
  nop
  nop
  mrs x2, cntpct_el0
  stp x1, x2, [x20]
  msr daifclr, #2
  adr x21, after
  mov x1, #8                   // SGI 3
  nop
  str w1, [x28, #0x200]        // GICR_ISPENDR0
after:
  nop
  nop
  nop
  nop
  mov x21, #0
  mrs x22, cntpct_el0
  add x22, x22, #1000
  msr cntp_cval_el0, x22
  mov x1, #1
  msr cntp_ctl_el0, x1
5:
  add x3, x3, #1
  nop
  nop
  b 5b

irq_handler:
  mrs x12, cntpct_el0
  mrs x10, icc_iar1_el1
  cmp x10, #3
  b.ne timer
  mrs x11, elr_el1
  sub x11, x11, x21
  lsr x11, x11, #2
  str x11, [x20, #16]
  msr icc_eoir1_el1, x10
  eret
timer:
  sub x12, x12, x22
  str x12, [x20, #24]
  hvc #0

  vector_table
