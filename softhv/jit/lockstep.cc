// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/lockstep.h"

#include <algorithm>

#include "softhv/core/budget.h"
#include "softhv/fp/host_environment.h"
#include "softhv/interp/interpreter.h"
#include "softhv/interp/translator.h"
#include "softhv/isa/decoder.h"
#include "softhv/jit/lockstep_report.h"
#include "softhv/mmu/mmu.h"

namespace softhv::jit {
namespace {

// Besides memory and CpuState, system instructions change or read what is elsewhere.
bool is_repeatable(const ir::Inst& inst, u32 word) {
  if (inst.op != ir::Op::kInterpret && inst.op != ir::Op::kInterpretAndLeave)
    return true;
  const isa::Row* row = isa::decode(word);
  return row != nullptr && (row->traits & isa::kTraitSystem) == 0;
}

bool leaves_block(u32 word, Mode mode, interp::Op& op) {
  return interp::translate(word, {.el = mode.el, .fp_trapped = mode.fp_trapped}, op);
}

bool same_write(const WriteJournal::Write& a, const WriteJournal::Write& b) {
  return a.host == b.host && a.size == b.size;
}

} // namespace

Lockstep::Lockstep(Cpu& cpu, const u64& invalidations)
    : cpu_(cpu), invalidations_(invalidations), no_tlb_(std::make_unique<TlbTable>()) {}
Lockstep::~Lockstep() = default;

u32 Lockstep::repeatable(const ir::Block& block) {
  for (const ir::Inst& inst : block.insts)
    if (!is_repeatable(inst, block.words[inst.index]))
      return inst.index;
  return static_cast<u32>(block.words.size());
}

ir::Block Lockstep::lift(const u8* page, u32 offset, Mode mode) {
  ir::Block block = lift_block(page, offset, mode);
  const u32 most = std::max(repeatable(block), 1U);
  u32 count = 0;
  for (bool leaves = false; count < most && !leaves; ++count) {
    interp::Op op;
    leaves = leaves_block(block.words[count], mode, op);
  }
  return count == block.words.size() ? block : lift_block(page, offset, mode, count);
}

void Lockstep::add(const void* code, const ir::Block& block, Mode mode) {
  Block& added = blocks_[code];
  added = {};
  added.words = block.words;
  if (repeatable(block) == 0)
    return;
  for (const u32 word : block.words) {
    interp::Op& op = added.ops.emplace_back();
    op.index = static_cast<u16>(added.ops.size() - 1);
    leaves_block(word, mode, op);
    // The translation stays in the block when it branches forward.
    if (static_cast<i64>(op.imm) > 4LL * op.index)
      interp::link_branch(op, static_cast<u32>(block.words.size()), 0);
  }
  added.ops.push_back(interp::terminator(static_cast<u16>(added.ops.size())));
}

// Runs the block from cpu.s on, with every write in the journal.
void Lockstep::interpret(const Block& block) {
  const fp::HostEnvironment environment;
  journal_.clear();
  cpu_.journal = &journal_;
  cpu_.tlb = no_tlb_.get();
  cpu_.tlb_unprivileged = no_tlb_.get();
  cpu_.block_pc = cpu_.s.pc;
  cpu_.last = &block.ops[block.ops.size() - 2];
  const u64 retired = cpu_.retired;
  for (const interp::Op* op = block.ops.data(); op != nullptr;)
    op = op->fn(cpu_, op);
  length_ = static_cast<u64>(cpu_.last - block.ops.data()) + 1 + cpu_.retired - retired;
  cpu_.retired = retired;
  cpu_.journal = nullptr;
  cpu_.mmu->context_changed();
}

void Lockstep::restore(const CpuState& state) {
  cpu_.s = state;
  cpu_.exit_pending = false;
  cpu_.mmu->context_changed();
}

Lockstep::Result Lockstep::result(u64 begun) const {
  Result r{.s = cpu_.s, .begun = begun, .exits = cpu_.exit_pending, .exit = {}};
  if (r.exits)
    r.exit = cpu_.exit;
  return r;
}

// The instruction that needs a device is done in the ordinary way, which counts it.
void Lockstep::finish_alone() {
  cpu_.exit_pending = false;
  --cpu_.retired;
  interp::step(cpu_);
}

bool Lockstep::begin(const void* code) {
  const Block& block = blocks_.at(code);
  running_ = nullptr;
  if (block.ops.empty()) {
    cpu_.statistics.lockstep_unchecked.add();
    return true;
  }
  const u64 invalidations = invalidations_;
  before_ = cpu_.s;
  interpret(block);
  if (journal_.left_memory() || invalidations != invalidations_) {
    cpu_.statistics.lockstep_unchecked.add(length_);
    cpu_.retired += length_;
    if (journal_.left_memory())
      finish_alone();
    return false;
  }
  expected_ = result(length_);
  journal_.settle();
  journal_.undo();
  restore(before_);
  invalidations_before_ = invalidations;
  retired_before_ = cpu_.retired;
  running_ = &block;
  return true;
}

bool Lockstep::same_memory() const {
  for (const WriteJournal::Write& write : journal_.writes())
    if (std::memcmp(write.host, write.after, write.size) != 0)
      return false;
  return true;
}

// Whether another run of the interpreter ends as the translation did: the host changed memory that
// the block reads. Afterwards memory and state are as the translation left them.
bool Lockstep::differs_by_chance(const Result& translated) {
  WriteJournal first = journal_;
  std::vector<WriteJournal::Write> found = journal_.writes();
  for (WriteJournal::Write& write : found)
    std::memcpy(write.after, write.host, write.size);
  journal_.undo();
  restore(before_);
  interpret(*running_);
  const Result again = result(length_);
  const auto& writes = journal_.writes();
  bool alike =
      same_result(again, translated) && writes.size() == found.size() && !journal_.left_memory();
  journal_.settle();
  for (size_t i = 0; alike && i < found.size(); ++i)
    alike = same_write(writes[i], found[i]) &&
            std::memcmp(writes[i].after, found[i].after, found[i].size) == 0;
  journal_.undo();
  for (const WriteJournal::Write& write : found)
    std::memcpy(write.host, write.after, write.size);
  restore(translated.s);
  cpu_.exit_pending = translated.exits;
  cpu_.exit = translated.exit;
  journal_ = std::move(first);
  return alike;
}

bool Lockstep::finish() {
  if (running_ == nullptr)
    return true;
  // The translation stops early when its page is no longer what it was.
  const bool comparable = invalidations_before_ == invalidations_;
  (comparable ? cpu_.statistics.lockstep_checked : cpu_.statistics.lockstep_unchecked).add(length_);
  const Result translated =
      result(counts_instructions(cpu_) ? cpu_.retired - retired_before_ : expected_.begun);
  if (comparable && !(same_result(translated, expected_) && same_memory()) &&
      !differs_by_chance(translated)) {
    report_ = describe({.words = running_->words,
                        .before = before_,
                        .interpreted = expected_,
                        .translated = translated,
                        .writes = journal_.writes()});
    running_ = nullptr;
    return false;
  }
  running_ = nullptr;
  return true;
}

} // namespace softhv::jit
