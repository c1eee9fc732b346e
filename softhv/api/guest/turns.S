// SPDX-License-Identifier: Apache-2.0
// Two vCPUs count one shared word up while their timers interrupt them, send each other SGIs, and
// wait now and then. What they see of the time, of each other, and of where they are interrupted
// goes into a hash, slot 1: it tells every difference in order or time. Slot 0 counts interrupts.
#include "softhv/api/guest/guest.h"

#define ROUNDS 300
#define TICKS 601
#define SHARED 0x1000

.macro mix reg // into x25
  ror x25, x25, #7
  eor x25, x25, \reg
  add x25, x25, x25, lsl #3
.endm

  enter
  gic_open
  own_data x20
  mov x25, #0
  add x21, x26, #SHARED
  eor x1, x27, #1
  mov x22, #1
  lsl x22, x22, x1
  orr x22, x22, #(3 << 24)     // SGI 3 to the other
  mov x1, #TICKS
  msr cntv_tval_el0, x1
  mov x1, #1
  msr cntv_ctl_el0, x1
  msr daifclr, #2
again:
  mov x1, #1
  ldadd x1, x2, [x21]
  mix x2
  tbnz x2, #3, 1f
  mrs x3, cntvct_el0
  mix x3
1:
  and x3, x2, #0x3ff
  cbnz x3, 2f
  msr icc_sgi1r_el1, x22
  wfi
2:
  and x3, x2, #0xff
  cbnz x3, 3f
  ldxr x3, [x21]               // what a lock does that waits for the other
  wfe
3:
  ldr x3, [x20]
  cmp x3, #ROUNDS
  b.lo again
  msr daifset, #2
  str x25, [x20, #8]
  mov x0, x25
  hvc #0

irq_handler:
  mrs x10, icc_iar1_el1
  mix x10
  mrs x11, elr_el1
  mix x11
  cmp x10, #27
  b.ne 4f
  mov x11, #TICKS
  msr cntv_tval_el0, x11
  ldr x11, [x20]
  add x11, x11, #1
  str x11, [x20]
4:
  msr icc_eoir1_el1, x10
  eret

  vector_table
