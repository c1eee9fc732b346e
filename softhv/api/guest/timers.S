// SPDX-License-Identifier: Apache-2.0
// Waits in WFI for the virtual timer, then for the physical one, twenty times each. Slot 0 counts
// PPI 27, slot 1 PPI 30. Checks that neither comes early.
#include "softhv/api/guest/guest.h"

#define ROUNDS 20
#define TICKS 2400 // 100 us

  enter
  gic_open
  own_data x20
  add x21, x20, #8
  mov x22, #0
again:
  add x22, x22, #1
  mrs x23, cntvct_el0
  mov x1, #TICKS
  msr cntv_tval_el0, x1
  mov x1, #1
  msr cntv_ctl_el0, x1
  isb
  wait_for x20, x22
  mrs x24, cntvct_el0
  sub x24, x24, x23
  cmp x24, #TICKS
  b.lo early
  mrs x23, cntpct_el0
  add x1, x23, #TICKS
  msr cntp_cval_el0, x1
  mov x1, #1
  msr cntp_ctl_el0, x1
  isb
  wait_for x21, x22
  mrs x24, cntpct_el0
  sub x24, x24, x23
  cmp x24, #TICKS
  b.lo early
  cmp x22, #ROUNDS
  b.ne again
  ldr x0, [x20]
  ldr x1, [x21]
  hvc #0
early:
  hvc #1

irq_handler:
  mrs x10, icc_iar1_el1
  mov x12, #2                 // IMASK
  cmp x10, #27
  b.eq virtual_timer
  cmp x10, #30
  b.eq physical_timer
  mov x0, x10
  hvc #2
virtual_timer:
  msr cntv_ctl_el0, x12
  mov x11, x20
  b count
physical_timer:
  msr cntp_ctl_el0, x12
  mov x11, x21
count:
  ldr x12, [x11]
  add x12, x12, #1
  str x12, [x11]
  isb
  msr icc_eoir1_el1, x10
  eret

  vector_table
