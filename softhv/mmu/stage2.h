// SPDX-License-Identifier: Apache-2.0
// Stage 2: the guest's physical address space (IPA) as hv_vm_map, hv_vm_protect and hv_vm_unmap lay
// it out over host memory. Shared by all vCPUs of a VM.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <vector>

#include "arch/types.h"

namespace softhv {

inline constexpr u64 kStage2Read = 1;  // HV_MEMORY_READ
inline constexpr u64 kStage2Write = 2; // HV_MEMORY_WRITE
inline constexpr u64 kStage2Exec = 4;  // HV_MEMORY_EXEC

// One 4 KiB page of guest memory.
struct Stage2Page {
  u8* host = nullptr;
  u64 permissions = 0; // kStage2Read | ...
  // Three words that live as long as the mapping.
  //
  // info[0], bit 0: some vCPU may hold translated code of this page, so nobody has a write fast
  // path to it. The other bits count its changes.
  // info[1]: the vCPUs that may have a write fast path to it, one bit each (Cpu::index).
  // info[2]: the round of mmu/write_watch.h in which it was last written to.
  //
  // A vCPU that wants to write sets its bit in info[1], then looks at info[0] and takes the page
  // out of code use (Mmu::make_writable); one that wants to translate sets bit 0, then looks at
  // info[1] and shoots the writers down (Mmu::mark_code). Both orders are sequentially consistent,
  // so that at least one of the two sees the other.
  std::atomic<u32>* info = nullptr;
};

inline constexpr u32 kPageHoldsCode = 1;
inline constexpr u32 kPageGeneration = 2; // added to advance the generation

// Lookups may run beside each other and beside changes; changes exclude each other. A change makes
// itself known to vCPUs through core/shootdown.h, which is the caller's work and has to be done
// before the next change: the storage behind Stage2Page::info of an unmapped page is kept until
// then, since a vCPU may still look at it.
class Stage2 {
public:
  enum class Status : u8 { kOk, kUnaligned, kOverlap, kNotMapped, kNoMemory };

  // Ranges are multiples of 4 KiB. map() refuses to overlap; unmap() and protect() demand that the
  // whole range is mapped.
  Status map(void* host, u64 ipa, u64 size, u64 permissions);
  Status unmap(u64 ipa, u64 size);
  Status protect(u64 ipa, u64 size, u64 permissions);

  // Sets every page's info[2] to 0.
  void forget_writes();

  // The page that holds `ipa`, if mapped.
  [[nodiscard]] std::optional<Stage2Page> lookup(u64 ipa) const;

  // Calls `visit` with those of `ipas` that are mapped and their pages. For less than as many
  // lookups cost; `visit` must not use this.
  using Visit = std::function<void(u64 ipa, const Stage2Page& page)>;
  void for_each_mapped(std::span<const u64> ipas, const Visit& visit) const;

private:
  struct Backing; // what one map() call laid out
  struct Region {
    u64 ipa = 0;
    u64 size = 0;
    u64 first_page = 0; // of the backing
    std::shared_ptr<Backing> backing;
  };
  using Regions = std::vector<Region>;

  [[nodiscard]] Regions::const_iterator find(u64 ipa) const;
  [[nodiscard]] static Stage2Page page_of(const Region& region, u64 ipa);
  [[nodiscard]] bool covered(u64 ipa, u64 size) const;

  mutable std::shared_mutex mutex_;
  Regions regions_; // sorted by IPA, disjoint
  std::vector<std::shared_ptr<Backing>> retired_;
};

} // namespace softhv
