// SPDX-License-Identifier: Apache-2.0
#include "softhv/core/attention.h"

#include "softhv/core/interrupts.h"
#include "softhv/core/shootdown.h"
#include "softhv/system/debug.h"

namespace softhv {

AttentionResult serve_attention(Cpu& cpu) {
  cpu.debug->instruction_done();
  // Debug stays requested until before_instruction() finds nothing armed.
  const u32 reasons = cpu.attention.fetch_and(kAttentionDebug, std::memory_order_seq_cst);
  if ((reasons & kAttentionShootdown) != 0)
    shootdown_serve(cpu);
  if ((reasons & kAttentionExit) != 0) {
    // Interrupts and debug events are looked at again when the vCPU is run again.
    cpu.request(reasons & (kAttentionInterrupt | kAttentionDebug));
    cpu.exit = {.reason = ExitReason::kCanceled};
    cpu.exit_pending = true;
    return AttentionResult::kContinue;
  }
  if ((reasons & kAttentionInterrupt) != 0 && deliver_pending_interrupt(cpu))
    return AttentionResult::kContinue;
  if ((reasons & kAttentionDebug) == 0)
    return (reasons & kAttentionAlone) != 0 ? AttentionResult::kStep : AttentionResult::kContinue;
  switch (cpu.debug->before_instruction()) {
  case debug::DebugUnit::Action::kNothing:
    cpu.attention.fetch_and(~kAttentionDebug, std::memory_order_seq_cst);
    break;
  case debug::DebugUnit::Action::kTaken: break;
  case debug::DebugUnit::Action::kStep: return AttentionResult::kStep;
  }
  return AttentionResult::kContinue;
}

} // namespace softhv
