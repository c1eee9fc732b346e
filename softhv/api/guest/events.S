// SPDX-License-Identifier: Apache-2.0
// WFE: SEV between two vCPUs, SEVL, and the event stream.
#include "softhv/api/guest/guest.h"

#define ROUNDS 500

  enter
  own_data x20
  eor x1, x27, #1
  add x21, x26, x1, lsl #8    // the other's data
  mov x22, #0
  sevl
  wfe                         // consumes the local event
again:
  add x22, x22, #1
  str x22, [x20]
  dsb sy
  sev
wait:
  ldr x1, [x21]
  cmp x1, x22
  b.hs arrived
  wfe
  b wait
arrived:
  cmp x22, #ROUNDS
  b.ne again
  // No more events come from the other: the stream must end this WFE (bit 4 of the counter).
  mov x1, #(1 << 2 | 4 << 4)
  msr cntkctl_el1, x1
  isb
  wfe
  wfe
  wfe
  mov x0, x22
  hvc #0

irq_handler:
  hvc #1

  vector_table
