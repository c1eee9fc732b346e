// SPDX-License-Identifier: Apache-2.0
// Page: what has been translated from one page of guest code.
//
// Keyed by physical address and mode, so that changes of address space forget nothing. The
// software TLB's entries point to pages (TlbEntry::code); translated code goes through them to
// other pages.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <unordered_map>
#include <vector>

#include "softhv/jit/lift.h"
#include "softhv/mmu/mmu.h"

namespace softhv::jit {

// A jump to another page: a comparison of CpuCore::code_epochs with an immediate, a conditional
// jump to where it is led when they differ, an addition to CpuCore::code_page, and the jump.
// Linked, it has the number of the epoch in which both pages were where they had to be, and leads
// straight to its target.
struct Link {
  static constexpr u32 kEpochBeforeEnd = 4 + 6 + 11 + 5; // where the immediate is, from the end
};
inline constexpr u32 kUnlinked = 1U << 31; // more than any epoch's number

// What translated code knows of a page, at its address. Standard layout, so that it can address it
// by offsets.
struct PageEntries {
  // By the address of an instruction: the code that starts there. A routine that has it translated
  // where there is none.
  const void* entries[kTlbPageSize / 4];
};

struct Page : PageEntries {
  // Other code, by the offset of its first instruction.
  using Places = std::unordered_map<u32, const void*>;
  Places alone;       // no accesses share a look into the TLB
  Places loops;       // what is best for a loop, once it has made many rounds
  Places plain_loops; // the same without looks made before the loop, one of which has failed

  std::vector<u32> links_here; // where the jumps end that are linked to this page's code
  bool aliased = false;        // at two addresses in one epoch: no links from here or to here

  // Where it was found last, by Mmu::code_space().
  struct Place {
    u32 epoch = 0;
    u64 va = 0;
  };
  std::array<Place, Mmu::kCodeSpaces> places;

  u64 ipa = 0;
  Mode mode;
  const u8* host = nullptr;
  std::atomic<u32>* info = nullptr; // the page's Stage2Page::info
  u32 generation = 0;               // of the guest's code that was translated
  u32 epoch = 0;                    // Cpu::code_epoch when it was last compared
  bool empty = true;                // all entries are alike
  std::unique_ptr<u8[]> contents;   // what was translated, where the host may change it unannounced
};

} // namespace softhv::jit
