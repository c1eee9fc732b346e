// SPDX-License-Identifier: Apache-2.0
// The interpreter's cache of predecoded basic blocks, keyed by physical page and execution mode so
// that context switches flush nothing. One for each vCPU, used by its thread only.
//
// Self-modifying code: the first store to a page that holds translated code takes the MMU's slow
// path, which takes the page out of code use and advances its generation (Stage2Page::info); a
// block of an older generation is translated again before it runs. What the host writes on its own
// is noticed when the vCPU is run again or the page is mapped anew: check() compares its contents.
#pragma once

#include <array>
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
  u32 size = 0;              // guest instructions
  std::unique_ptr<Op[]> ops; // null: not translated
};

struct CodePage {
  u64 ipa = 0;
  Mode mode;
  const u8* host = nullptr;
  std::atomic<u32>* info = nullptr; // the page's Stage2Page::info
  u32 generation = 0;               // of `contents`
  u32 epoch = 0;                    // Cpu::code_epoch when `contents` was last compared
  std::unique_ptr<u8[]> contents;   // the page as it was when the oldest block was translated
  Block blocks[kTlbPageSize / 4];   // by the address of their first instruction
};

class CodeCache {
public:
  // Longest block, in instructions.
  static constexpr u32 kMaxBlock = 128;
  // Pages held before the cache is emptied.
  static constexpr size_t kMaxPages = 4096;

  // The page's blocks; `host` and `info` describe guest memory at `ipa`.
  CodePage& page(u64 ipa, Mode mode, const u8* host, std::atomic<u32>* info);

  // Drops the blocks if the page no longer has the contents they were translated from.
  static void check(CodePage& page);

  // The block that starts at `offset` bytes into the page; nullptr when it has not been translated
  // or is out of date.
  static const Block* find(const CodePage& page, u32 offset) {
    const Block& block = page.blocks[offset / 4];
    const u32 generation = page.info->load(std::memory_order_acquire);
    return block.generation == generation && block.ops != nullptr ? &block : nullptr;
  }

  // Translates it as of `generation`, which Mmu::mark_code returned. The result is null when the
  // block was translated before and is still what the page holds.
  static const Block* translate(CodePage& page, u32 offset, u32 generation);

  [[nodiscard]] bool full() const { return pages_.size() >= kMaxPages; }
  // The caller drops every pointer to a CodePage (TlbEntry::code) first.
  void clear() {
    pages_.clear();
    recent_.fill(nullptr);
  }

private:
  static constexpr size_t kRecent = 512;

  std::array<CodePage*, kRecent> recent_{}; // in front of pages_
  std::unordered_map<u64, std::unique_ptr<CodePage>> pages_;
};

} // namespace softhv::interp
