// SPDX-License-Identifier: Apache-2.0
// Spins, without WFI and without leaving the block, until a timer interrupt ends the loop.
#include "softhv/api/guest/guest.h"

  enter
  gic_open
  own_data x20
  mov x22, #10
again:
  mov x1, #2400
  msr cntv_tval_el0, x1
  mov x1, #1
  msr cntv_ctl_el0, x1
  mov x23, #0
  msr daifclr, #2
spin:
  cbz x23, spin
  msr daifset, #2
  subs x22, x22, #1
  b.ne again
  hvc #0

irq_handler:
  mrs x10, icc_iar1_el1
  mov x12, #0
  msr cntv_ctl_el0, x12
  msr icc_eoir1_el1, x10
  mov x23, #1
  eret

  vector_table
