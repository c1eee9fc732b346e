// SPDX-License-Identifier: Apache-2.0
// The syndrome of a trapped system instruction.
#pragma once

#include "arch/bits.h"

namespace softhv::interp {

// ISS of EC 0x18 for an MSR, MRS or SYS word: Op0, Op2, Op1, CRn, Rt, CRm, Direction (1: a read).
constexpr u32 system_access_syndrome(u32 word) {
  const auto field = [&](unsigned hi, unsigned lo) { return static_cast<u32>(bits(word, hi, lo)); };
  return field(20, 19) << 20 | field(7, 5) << 17 | field(18, 16) << 14 | field(15, 12) << 10 |
         field(4, 0) << 5 | field(11, 8) << 1 | field(21, 21);
}

} // namespace softhv::interp
