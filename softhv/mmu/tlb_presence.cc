// SPDX-License-Identifier: Apache-2.0
// Every method stores, then looks: the vCPU says what it is about to use and then reads descriptors
// or the stale mark; the other side has changed descriptors, sets the mark, and then looks at what
// the vCPU uses. One of the two sees the other.
#include "softhv/mmu/tlb_presence.h"

#include "arch/bits.h"

namespace softhv {
namespace {

// Whether what `request` names is in the slots of its ASID, but for what note_unconfined() tells.
bool confined(const ShootdownRequest& request) {
  using Kind = ShootdownRequest::Kind;
  return request.kind == Kind::kAsid ||
         (request.kind == Kind::kVa && !kindling::arch::bit(request.va, 55));
}

} // namespace

TlbPresence::TlbPresence() {
  for (std::atomic<u32>& slot : slots_)
    slot.store(kUnassigned, std::memory_order_relaxed);
}

void TlbPresence::assign(size_t slot, u16 asid) {
  slots_[slot].store(asid, std::memory_order_seq_cst);
}

bool TlbPresence::use(size_t slot) {
  used_.store(slot, std::memory_order_seq_cst);
  const bool stale = (slots_[slot].fetch_and(~kStale, std::memory_order_seq_cst) & kStale) != 0;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return stale;
}

bool TlbPresence::note_unconfined() {
  const bool first = !unconfined_.exchange(true, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return first;
}

bool TlbPresence::concerned(const ShootdownRequest& request) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!confined(request) || unconfined_.load(std::memory_order_seq_cst))
    return true;
  for (size_t i = 0; i < kSlots; ++i) {
    if ((slots_[i].load(std::memory_order_seq_cst) & ~kStale) != request.asid)
      continue;
    if (used_.load(std::memory_order_seq_cst) == i)
      return true;
    slots_[i].fetch_or(kStale, std::memory_order_seq_cst);
    if (used_.load(std::memory_order_seq_cst) == i)
      return true;
  }
  return false;
}

} // namespace softhv
