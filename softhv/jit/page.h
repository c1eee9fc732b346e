// SPDX-License-Identifier: Apache-2.0
// Page: what has been translated from one page of guest code.
//
// Keyed by physical address and mode, so that changes of address space forget nothing. The
// software TLB's entries point to pages (TlbEntry::code); translated code goes through them to
// other pages.
#pragma once

#include <atomic>
#include <memory>
#include <unordered_map>

#include "softhv/jit/lift.h"
#include "softhv/mmu/tlb.h"

namespace softhv::jit {

struct Page {
  // By the address of an instruction: the code that starts there. A routine that has it translated
  // where there is none. Translated code indexes this.
  const void* entries[kTlbPageSize / 4];

  // Code in which no accesses share a look into the TLB, by the offset of its first instruction.
  std::unordered_map<u32, const void*> alone;

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
