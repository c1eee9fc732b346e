// SPDX-License-Identifier: Apache-2.0
#include "softhv/interp/code_cache.h"

#include <algorithm>

#include "softhv/interp/translator.h"
#include "softhv/mmu/code_bytes.h"

namespace softhv::interp {
namespace {

Block translate_block(const CodePage& page, u32 offset, u32 generation) {
  Op ops[CodeCache::kMaxBlock + 1];
  const u32 limit =
      std::min<u32>(CodeCache::kMaxBlock, static_cast<u32>((kTlbPageSize - offset) / 4));
  u32 n = 0;
  for (bool ends = false; n < limit && !ends; ++n) {
    ops[n].index = static_cast<u16>(n);
    ends = translate(read_code_word(page.host + offset + 4ULL * n), page.mode, ops[n]);
  }
  ops[n] = terminator(static_cast<u16>(n));
  Block block{.generation = generation, .size = n, .ops = std::make_unique<Op[]>(n + 1U)};
  std::copy_n(ops, n + 1, block.ops.get());
  return block;
}

// Whether an outdated block is still what the page holds: a store hit data beside it.
bool unchanged(const CodePage& page, u32 offset, const Block& block) {
  if (block.ops == nullptr)
    return false;
  for (u32 n = 0; n < block.size; ++n)
    if (block.ops[n].word != read_code_word(page.host + offset + 4ULL * n))
      return false;
  return true;
}

void drop_blocks(CodePage& page) {
  page.contents.reset();
  for (Block& block : page.blocks)
    block = {};
}

} // namespace

CodePage& CodeCache::page(u64 ipa, Mode mode, const u8* host, std::atomic<u32>* info) {
  const u64 key = ipa | mode.key();
  CodePage*& recent = recent_[((ipa >> kTlbPageBits) * 4 + mode.key()) % kRecent];
  if (recent != nullptr && (recent->ipa | recent->mode.key()) == key && recent->host == host &&
      recent->info == info)
    return *recent;
  std::unique_ptr<CodePage>& slot = pages_[key];
  if (slot == nullptr)
    slot = std::make_unique<CodePage>();
  // Another mapping of this address brings other contents and another count of changes.
  if (slot->info != nullptr && (slot->host != host || slot->info != info))
    drop_blocks(*slot);
  slot->ipa = ipa;
  slot->mode = mode;
  slot->host = host;
  slot->info = info;
  recent = slot.get();
  return *slot;
}

void CodeCache::check(CodePage& page) {
  if (page.contents != nullptr && !same_code(page.contents.get(), page.host))
    drop_blocks(page);
}

const Block* CodeCache::translate(CodePage& page, u32 offset, u32 generation) {
  Block& block = page.blocks[offset / 4];
  if (page.contents == nullptr || page.generation != generation) {
    if (page.contents == nullptr)
      page.contents = std::make_unique<u8[]>(kTlbPageSize);
    copy_code(page.contents.get(), page.host);
    page.generation = generation;
  }
  const bool known = unchanged(page, offset, block);
  if (known)
    block.generation = generation;
  else
    block = translate_block(page, offset, generation);
  for (u32 n = 0; n < block.size; ++n)
    link_branch(block.ops[n], block.size, generation);
  return known ? nullptr : &block;
}

} // namespace softhv::interp
