// SPDX-License-Identifier: Apache-2.0
// The interrupt inputs of a vCPU. By the vCPU's thread.
#pragma once

#include "softhv/core/cpu.h"

namespace softhv {

// Whether a line is high that PSTATE does not mask.
inline bool interrupt_deliverable(const Cpu& cpu) {
  const u32 lines = cpu.interrupt_lines.load(std::memory_order_seq_cst);
  const u32 daif = cpu.s.pstate.daif;
  return ((lines & kLineFiq) != 0 && (daif & kDaifF) == 0) ||
         ((lines & kLineIrq) != 0 && (daif & kDaifI) == 0);
}

// At a block boundary, after kAttentionInterrupt has been cleared: looks at the timers, then takes
// FIQ or IRQ if its line is high and unmasked. Without a GIC an expired virtual timer that is not
// masked records the exit VTIMER_ACTIVATED instead. Returns whether either happened.
bool deliver_pending_interrupt(Cpu& cpu);

// PSTATE.{I,F} changed: asks for attention when a line is high that is now unmasked.
void interrupt_mask_changed(Cpu& cpu);

} // namespace softhv
