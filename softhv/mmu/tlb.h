// SPDX-License-Identifier: Apache-2.0
// The software TLB's fast path: what a load, store or fetch looks at first. One direct-mapped table
// for each translation regime and context; misses go to softhv/mmu/access.h's slow path.
#pragma once

#include <atomic>

#include "arch/types.h"

namespace softhv {

inline constexpr unsigned kTlbPageBits = 12; // every entry covers 4 KiB, whatever the granule
inline constexpr u64 kTlbPageSize = 1ULL << kTlbPageBits;
inline constexpr u64 kTlbPageMask = ~(kTlbPageSize - 1);

// A tag equals the page's virtual address when that access is allowed on the fast path. No page has
// this address, so it never matches.
inline constexpr u64 kTlbInvalid = ~0ULL;

// Owned by one vCPU thread; other threads ask for invalidation through core/shootdown.h.
struct alignas(64) TlbEntry {
  u64 read_tag = kTlbInvalid;
  u64 write_tag = kTlbInvalid; // also invalid while the page holds translated code or is watched
  u64 fetch_tag = kTlbInvalid;
  u64 host_addend = 0;  // host address = virtual address + host_addend
  u64 ipa = 0;          // of the page
  void* code = nullptr; // the engine's, for the code in the page; dropped with the entry
  u64 attributes = 0;   // private to softhv/mmu
  std::atomic<u32>* info = nullptr; // the page's Stage2Page::info

  [[nodiscard]] bool in_use() const { return (read_tag & write_tag & fetch_tag) != kTlbInvalid; }
};

inline constexpr unsigned kTlbIndexBits = 12;
inline constexpr unsigned kTlbEntries = 1U << kTlbIndexBits;

// Which permissions apply. EL1 accesses with PSTATE.PAN set have a table of their own, so that
// changing PAN changes a pointer and flushes nothing.
enum class Regime : u8 { kEl0 = 0, kEl1 = 1, kEl1Pan = 2 };
inline constexpr unsigned kRegimes = 3;

struct TlbTable {
  TlbEntry entries[kTlbEntries];

  static u64 index_of(u64 va) { return (va >> kTlbPageBits) & (kTlbEntries - 1); }
  TlbEntry& entry_for(u64 va) { return entries[index_of(va)]; }
  [[nodiscard]] const TlbEntry& entry_for(u64 va) const { return entries[index_of(va)]; }
};

// What is looked into instead of a table that has not been made: every look misses.
inline constexpr TlbTable kEmptyTlbTable{};

} // namespace softhv
