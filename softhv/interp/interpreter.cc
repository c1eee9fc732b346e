// SPDX-License-Identifier: Apache-2.0
#include "softhv/interp/interpreter.h"

#include "softhv/core/attention.h"
#include "softhv/core/budget.h"
#include "softhv/fp/host_environment.h"
#include "softhv/interp/code_cache.h"
#include "softhv/interp/translator.h"
#include "softhv/mmu/code_bytes.h"
#include "softhv/mmu/mmu.h"
#include "softhv/system/exception.h"
#include "softhv/system/fp_trap.h"

namespace softhv::interp {
namespace {

Mode mode_of(const Cpu& cpu) {
  return {.el = cpu.s.pstate.el, .fp_trapped = fp_access_trapped(cpu.s)};
}

// The page that holds cpu.s.pc, or nullptr when fetching from it raised an exception or exit.
CodePage* code_page(Cpu& cpu) {
  const u64 pc = cpu.s.pc;
  const TlbEntry& cached = cpu.tlb->entry_for(pc);
  const auto code_of = [](const TlbEntry& e) { return static_cast<CodePage*>(e.code); };
  if (cached.fetch_tag == (pc & (kTlbPageMask | 3)) && cached.code != nullptr &&
      code_of(cached)->epoch == cpu.code_epoch) [[likely]]
    return code_of(cached);
  TlbEntry* entry = cpu.mmu->fetch(pc);
  if (entry == nullptr)
    return nullptr;
  if (entry->code == nullptr || code_of(*entry)->epoch != cpu.code_epoch) {
    if (cpu.code->full()) {
      cpu.mmu->drop_code();
      cpu.code->clear();
      cpu.statistics.code_cache_flushes.add();
    }
    const u8* host = reinterpret_cast<const u8*>((cpu.s.pc & kTlbPageMask) + entry->host_addend);
    CodePage& page = cpu.code->page(entry->ipa, mode_of(cpu), host, entry->info);
    // What has been executed since it was last looked at cannot have become other code without the
    // guest mapping it anew.
    if (page.epoch != cpu.code_epoch || cpu.mmu->fetch_walked()) {
      CodeCache::check(page);
      page.epoch = cpu.code_epoch;
    }
    entry->code = &page;
  }
  return code_of(*entry);
}

void count(Cpu& cpu, const Block* translated) {
  if (translated == nullptr)
    return;
  cpu.statistics.blocks_translated.add();
  cpu.statistics.instructions_translated.add(translated->size);
  cpu.statistics.code_bytes.add((translated->size + 1U) * sizeof(Op));
}

// Runs the block of `size` instructions from `first` on, which starts at cpu.s.pc.
void execute(Cpu& cpu, const Op* first, u32 size) {
  cpu.block_pc = cpu.s.pc;
  cpu.last = first + size - 1;
  for (const Op* op = first; op != nullptr;)
    op = op->fn(cpu, op);
  cpu.retired += static_cast<u64>(cpu.last - first) + 1;
}

} // namespace

void run(Cpu& cpu) {
  const fp::HostEnvironment environment;
  while (!cpu.exit_pending && budget(cpu) != 0) {
    if (cpu.attention.load(std::memory_order_acquire) != 0) [[unlikely]] {
      if (serve_attention(cpu) == AttentionResult::kStep && !cpu.exit_pending)
        step(cpu);
      continue;
    }
    CodePage* page = code_page(cpu);
    if (page == nullptr) [[unlikely]] {
      ++cpu.retired;
      continue;
    }
    const u32 offset = cpu.s.pc & (kTlbPageSize - 1);
    const Block* block = CodeCache::find(*page, offset);
    if (block == nullptr) [[unlikely]] {
      // Marking may serve requests that unmap the page: everything is looked up again.
      count(cpu, CodeCache::translate(*page, offset, cpu.mmu->mark_code(page->ipa, page->info)));
      continue;
    }
    if (block->size > budget(cpu)) [[unlikely]] {
      step(cpu);
      continue;
    }
    cpu.code_info = page->info;
    execute(cpu, block->ops.get(), block->size);
  }
}

void step(Cpu& cpu) {
  const fp::HostEnvironment environment;
  const TlbEntry* entry = cpu.mmu->fetch(cpu.s.pc);
  if (entry == nullptr) {
    ++cpu.retired;
    return;
  }
  const u32 word = read_code_word(reinterpret_cast<const u8*>(cpu.s.pc + entry->host_addend));
  Op ops[2];
  translate(word, mode_of(cpu), ops[0]);
  ops[1] = terminator(1);
  cpu.alone = true;
  execute(cpu, ops, 1);
  cpu.alone = false;
}

} // namespace softhv::interp
