// SPDX-License-Identifier: Apache-2.0
// The interpreter's cache of predecoded basic blocks, keyed by physical page and execution mode so
// that context switches flush nothing. One for each vCPU, used by its thread only.
//
// Self-modifying code: stores to a page that holds translated code take the MMU's slow path, which
// advances the page's generation (Stage2::page_info); a block of an older generation is translated
// again before it runs.
#pragma once

#include <atomic>
#include <memory>
#include <unordered_map>
#include <vector>

#include "softhv/interp/op.h"
#include "softhv/mmu/tlb.h"

namespace softhv::interp {

// What an instruction means besides its word: part of the key of a block.
struct Mode {
  u8 el = 1;
  bool fp_trapped = false; // by CPACR_EL1.FPEN at this EL

  [[nodiscard]] u64 key() const { return el | (fp_trapped ? 2U : 0U); }
};

// A run of instructions within one page that is entered at the top only, closed by a terminator op
// that is not part of the guest's code.
struct Block {
  u32 generation = 0;
  u32 size = 0; // guest instructions
  std::unique_ptr<Op[]> ops;
};

struct CodePage {
  u64 ipa = 0;
  Mode mode;
  const u8* host = nullptr;
  const std::atomic<u32>* info = nullptr; // the page's Stage2::page_info
  std::unique_ptr<Block> blocks[kTlbPageSize / 4];
};

class CodeCache {
public:
  // Longest block, in instructions.
  static constexpr u32 kMaxBlock = 128;
  // Pages held before the cache is emptied.
  static constexpr size_t kMaxPages = 4096;

  // The page's blocks; `host` and `info` describe guest memory at `ipa`.
  CodePage& page(u64 ipa, Mode mode, const u8* host, const std::atomic<u32>* info);

  // The block that starts at `offset` bytes into the page, translated if need be. The reference
  // holds until the next call.
  static Block& block(CodePage& page, u32 offset);

  [[nodiscard]] bool full() const { return pages_.size() >= kMaxPages; }
  // The caller drops every pointer to a CodePage (TlbEntry::code) first.
  void clear() { pages_.clear(); }

private:
  std::unordered_map<u64, std::unique_ptr<CodePage>> pages_;
};

} // namespace softhv::interp
