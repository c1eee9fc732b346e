// SPDX-License-Identifier: Apache-2.0
// Lockstep checking: every block is interpreted before its translation runs, from the same state;
// what the interpreter did is undone, and what the translation did compared with it.
//
// The translation of a block has to return to the run loop at its end and at every branch that is
// taken, but for those forward within the block (EmitOptions::chain false). Blocks with
// instructions whose effects cannot be undone (system instructions, accesses to devices, stores to
// translated code) are run once, by the interpreter, and not compared. Memory is undone with the
// other vCPUs of the VM looking on, so only one may run; a difference that comes of what the host
// wrote meanwhile is told apart by trying again.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "softhv/core/cpu.h"
#include "softhv/interp/op.h"
#include "softhv/jit/ir.h"
#include "softhv/jit/lift.h"
#include "softhv/mmu/write_journal.h"

namespace softhv::jit {

class Lockstep {
public:
  // `invalidations` counts how often translated code was forgotten.
  Lockstep(Cpu& cpu, const u64& invalidations);
  ~Lockstep();

  // How many instructions from the block's first on may be run twice; 0: not even that.
  static u32 repeatable(const ir::Block& block);

  // As lift_block(), for a block that add() takes: it ends where the interpreter's does as well.
  static ir::Block lift(const u8* page, u32 offset, Mode mode);

  // Announces the translation of a block, at `code`: all of it repeatable, or one instruction.
  void add(const void* code, const ir::Block& block, Mode mode);
  // Forgets all of them.
  void clear() { blocks_.clear(); }

  // Call with cpu.s.pc at the block whose translation `code` runs next. False: the block has been
  // run, and what comes next has to be looked up.
  bool begin(const void* code);

  // Call when translated code has come back, with the host's floating-point flags collected. False:
  // the engines differ, and report() tells how.
  bool finish();
  [[nodiscard]] const std::string& report() const { return report_; }

  // What a run ends with, besides memory.
  struct Result {
    CpuState s;
    u64 begun = 0; // instructions
    bool exits = false;
    VmExit exit;
  };

private:
  struct Block {
    std::vector<interp::Op> ops; // empty: not repeatable
    std::vector<u32> words;
  };

  void interpret(const Block& block);
  void restore(const CpuState& state);
  void finish_alone();
  bool differs_by_chance(const Result& translated);
  [[nodiscard]] Result result(u64 begun) const;
  [[nodiscard]] bool same_memory() const;

  Cpu& cpu_;
  const u64& invalidations_;
  std::unordered_map<const void*, Block> blocks_;
  const std::unique_ptr<TlbTable> no_tlb_;

  const Block* running_ = nullptr; // its translation, between begin() and finish()
  u64 invalidations_before_ = 0;
  u64 retired_before_ = 0;
  u64 length_ = 0; // instructions that were interpreted
  CpuState before_;
  Result expected_;
  WriteJournal journal_;
  std::string report_;
};

} // namespace softhv::jit
