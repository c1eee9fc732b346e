// SPDX-License-Identifier: Apache-2.0
// Stage-1 translation for one vCPU (Arm ARM D8): table walks, permission checks, and the software
// TLB that caches them. Used by the vCPU's thread only.
#pragma once

#include <memory>

#include "softhv/core/cpu.h"

namespace softhv {

class Mmu {
public:
  explicit Mmu(Cpu& cpu);
  ~Mmu();

  // The entry for an instruction fetch at `pc`, with fetch_tag set. nullptr: the exception has been
  // taken (PC alignment, translation, permission, ...) or the exit recorded.
  TlbEntry* fetch(u64 pc);

  // To be called after any change of EL, PSTATE.PAN, SCTLR_EL1, TCR_EL1, TTBRn_EL1 or CPACR_EL1.
  // Cheap when nothing that matters has changed.
  void context_changed();

  // Forgets every TlbEntry::code.
  void drop_code();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace softhv
