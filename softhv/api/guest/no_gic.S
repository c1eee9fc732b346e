// SPDX-License-Identifier: Apache-2.0
// For a VM without a GIC: HVC #1 after each interrupt with 1 (IRQ) or 2 (FIQ) in x0; HVC #0 at the end
// of each WFI, which the host steps over.
#include "softhv/api/guest/guest.h"

  mov x26, #RAM_BASE
  add x26, x26, #DATA
  adr x1, vectors
  msr vbar_el1, x1
  isb
again:
  wfi
  mov x0, #0
  msr daifclr, #3
  isb
  msr daifset, #3
  hvc #0
  b again

  .balign 2048
vectors:
  .org vectors + 0x280
  mov x0, #1
  hvc #1
  eret
  .org vectors + 0x300
  mov x0, #2
  hvc #1
  eret
