// SPDX-License-Identifier: Apache-2.0
#include "softhv/core/interrupts.h"

#include "softhv/system/exception.h"
#include "softhv/timer/generic_timer.h"

namespace softhv {
namespace {

// Arm ARM has no priority between FIQ and IRQ; FIQ first, as hardware does.
bool take_interrupt(Cpu& cpu) {
  const u32 lines = cpu.interrupt_lines.load(std::memory_order_seq_cst);
  if ((lines & kLineFiq) != 0 && (cpu.s.pstate.daif & kDaifF) == 0) {
    take_asynchronous(cpu, AsyncException::kFiq);
    return true;
  }
  if ((lines & kLineIrq) != 0 && (cpu.s.pstate.daif & kDaifI) == 0) {
    take_asynchronous(cpu, AsyncException::kIrq);
    return true;
  }
  return false;
}

bool exit_for_virtual_timer(Cpu& cpu) {
  if (cpu.gic != nullptr || cpu.timer->virtual_masked() || !cpu.timer->virtual_asserted())
    return false;
  cpu.timer->set_virtual_masked(true);
  cpu.exit = VmExit{.reason = ExitReason::kVtimerActivated};
  cpu.exit_pending = true;
  return true;
}

} // namespace

bool deliver_pending_interrupt(Cpu& cpu) {
  if (exit_for_virtual_timer(cpu))
    return true;
  cpu.timer->update();
  return take_interrupt(cpu);
}

void interrupt_mask_changed(Cpu& cpu) {
  if (cpu.interrupt_lines.load(std::memory_order_relaxed) != 0 && interrupt_deliverable(cpu))
    cpu.request(kAttentionInterrupt);
}

} // namespace softhv
