// SPDX-License-Identifier: Apache-2.0
// What lockstep checking says about a difference: the block, disassembled where SoftHV was built
// with Capstone, and every register and every piece of memory in which the engines differ.
#pragma once

#include <span>
#include <string>

#include "softhv/jit/lockstep.h"

namespace softhv::jit {

// Whether two runs ended alike, as far as a guest or a host can tell.
bool same_result(const Lockstep::Result& a, const Lockstep::Result& b);

struct LockstepDifference {
  std::span<const u32> words; // of the block at before.pc
  const CpuState& before;
  const Lockstep::Result& interpreted;
  const Lockstep::Result& translated;
  std::span<const WriteJournal::Write> writes; // of the interpreter, settled; memory as translated
};
std::string describe(const LockstepDifference& difference);

} // namespace softhv::jit
