// SPDX-License-Identifier: Apache-2.0
// Two vCPUs send each other SGIs in turn and sleep in WFI between. Slot 0 counts what a vCPU got.
#include "softhv/api/guest/guest.h"

#define ROUNDS 1000

  enter
  gic_open
  own_data x20
  mov x21, #0
  eor x22, x27, #1
  mov x23, #1
  lsl x23, x23, x22            // target list: the other one
  orr x23, x23, #(3 << 24)     // SGI 3
  mov x24, #ROUNDS
  cbnz x27, responder
initiator:
  add x21, x21, #1
  msr icc_sgi1r_el1, x23
  wait_for x20, x21
  cmp x21, x24
  b.ne initiator
  b finished
responder:
  add x21, x21, #1
  wait_for x20, x21
  msr icc_sgi1r_el1, x23
  cmp x21, x24
  b.ne responder
finished:
  ldr x0, [x20]
  hvc #0

irq_handler:
  mrs x10, icc_iar1_el1
  cmp x10, #3
  b.ne spurious
  own_data x12
  ldr x11, [x12]
  add x11, x11, #1
  str x11, [x12]
  msr icc_eoir1_el1, x10
  eret
spurious:
  mov x0, x10
  hvc #1

  vector_table
