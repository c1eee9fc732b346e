// SPDX-License-Identifier: Apache-2.0
// Whether SIMD&FP instructions trap (Arm ARM, CPACR_EL1.FPEN).
#pragma once

#include "arch/bits.h"
#include "softhv/core/cpu_state.h"

namespace softhv {

inline bool fp_access_trapped(const CpuState& s) {
  const u64 fpen = bits(s.sys.cpacr_el1, 21, 20);
  return fpen == 3 ? false : fpen == 1 ? s.pstate.el == 0 : true;
}

} // namespace softhv
