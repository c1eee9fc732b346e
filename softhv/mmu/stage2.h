// SPDX-License-Identifier: Apache-2.0
// Stage 2: the guest's physical address space (IPA) as hv_vm_map, hv_vm_protect and hv_vm_unmap lay
// it out over host memory. Shared by all vCPUs of a VM.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <shared_mutex>
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
  // Bit 0: some vCPU may hold translated code of this page, so stores to it take the slow path.
  // The other bits count its changes. Lives as long as the mapping.
  std::atomic<u32>* info = nullptr;
};

inline constexpr u32 kPageHoldsCode = 1;
inline constexpr u32 kPageGeneration = 2; // added to advance the generation

// Lookups may run beside each other and beside changes; changes exclude each other. A change makes
// itself known to vCPUs through core/shootdown.h, which is the caller's work.
class Stage2 {
public:
  enum class Status : u8 { kOk, kUnaligned, kOverlap, kNotMapped };

  // Ranges are multiples of 4 KiB. map() refuses to overlap; unmap() and protect() demand that the
  // whole range is mapped.
  Status map(void* host, u64 ipa, u64 size, u64 permissions);
  Status unmap(u64 ipa, u64 size);
  Status protect(u64 ipa, u64 size, u64 permissions);

  // The page that holds `ipa`, if mapped.
  [[nodiscard]] std::optional<Stage2Page> lookup(u64 ipa) const;

private:
  struct Region;
  mutable std::shared_mutex mutex_;
  std::vector<std::shared_ptr<Region>> regions_; // sorted by IPA, disjoint
};

} // namespace softhv
