// SPDX-License-Identifier: Apache-2.0
#include "arch/vcpu_state.h"

#include "arch/sysreg.h"

namespace kindling::arch {

void shift_counter(VcpuState& state, u64 ticks) {
  constexpr u32 kCntpCvalEl0 = sysreg(3, 3, 14, 2, 2);
  state.vtimer_offset += ticks;
  for (RegisterValue& reg : state.system) {
    reg.value += reg.number == kCntpCvalEl0 ? ticks : 0;
  }
}

} // namespace kindling::arch
