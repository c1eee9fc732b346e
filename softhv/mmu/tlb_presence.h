// SPDX-License-Identifier: Apache-2.0
// Which ASIDs one vCPU's TLB may hold entries of, for those who invalidate them: most processes
// have run on few vCPUs, and the others need not be asked. All methods but concerned() are for the
// vCPU's thread.
#pragma once

#include <array>
#include <atomic>

#include "softhv/core/shootdown.h"

namespace softhv {

// Each slot of the TLB holds entries of one ASID, and the vCPU uses those of one slot at a time.
// What is cached in another slot may be invalidated late, when the vCPU turns to that slot: until
// then it cannot be used.
class TlbPresence {
public:
  static constexpr size_t kSlots = 8;

  TlbPresence();

  // The slot, which is empty, is for this ASID from now on.
  void assign(size_t slot, u16 asid);

  // The slot is the one in use from now on. True: empty it first.
  [[nodiscard]] bool use(size_t slot);

  // There is an entry that an invalidation by ASID reaches outside the slots of that ASID: a global
  // one for an address of TTBR0_EL1, or one of TTBR1_EL1 that is not. To be told before the
  // descriptor is read; false: it had been before.
  bool note_unconfined();
  void clear_unconfined() { unconfined_.store(false, std::memory_order_seq_cst); }

  // Any thread, after it has changed descriptors: whether the vCPU has to carry out `request`
  // before its next access. Otherwise it will have done in time by itself.
  [[nodiscard]] bool concerned(const ShootdownRequest& request);

private:
  static constexpr u32 kUnassigned = 1 << 16; // no ASID is like it
  static constexpr u32 kStale = 1 << 17;      // to be emptied before use

  std::array<std::atomic<u32>, kSlots> slots_; // each an ASID and flags
  std::atomic<size_t> used_{0};
  std::atomic<bool> unconfined_{false};
};

} // namespace softhv
