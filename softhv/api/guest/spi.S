// SPDX-License-Identifier: Apache-2.0
// Asks the host to drive SPI 40 (level) with HVC #1 and 41 (edge) with HVC #2, sleeps until it has come,
// and has the line of 40 lowered by HVC #3 in the handler. Slots 0 and 1 count.
#include "softhv/api/guest/guest.h"

#define ROUNDS 50

  enter
  gic_open
  mov x1, #GICD
  mov w2, #0x300
  str w2, [x1, #0x104]        // enable 40 and 41
  mov w2, #-1
  str w2, [x1, #0x84]
  mov w2, #(2 << 18)
  str w2, [x1, #0xc08]        // 41 is edge-triggered
  own_data x20
  add x21, x20, #8
  mov x22, #0
again:
  add x22, x22, #1
  hvc #1
  wait_for x20, x22
  hvc #2
  wait_for x21, x22
  cmp x22, #ROUNDS
  b.ne again
  // Nothing is left over.
  msr daifclr, #2
  isb
  mov x3, #1000
4:
  subs x3, x3, #1
  b.ne 4b
  ldr x0, [x20]
  ldr x1, [x21]
  hvc #0

irq_handler:
  mrs x10, icc_iar1_el1
  sub x11, x10, #40
  cmp x11, #1
  b.hi unexpected
  cbnz x11, count
  hvc #3
count:
  ldr x12, [x20, x11, lsl #3]
  add x12, x12, #1
  str x12, [x20, x11, lsl #3]
  msr icc_eoir1_el1, x10
  eret
unexpected:
  mov x0, x10
  hvc #4

  vector_table
