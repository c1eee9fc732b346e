// SPDX-License-Identifier: Apache-2.0
// The frontend: instruction words to the intermediate form. Rows of the instruction table without
// an entry here are interpreted.
#pragma once

#include <span>

#include "softhv/isa/operands.h"
#include "softhv/jit/ir.h"

namespace softhv::jit {

// What an instruction means besides its word: part of the key of a block.
struct Mode {
  u8 el = 1;
  bool sp_el0 = false;      // EL1 with PSTATE.SP clear
  bool fp_trapped = false;  // by CPACR_EL1.FPEN at this EL
  bool fpcr_default = true; // FPCR is 0

  bool operator==(const Mode&) const = default;
};
inline constexpr unsigned kModes = 16;
inline unsigned index_of(Mode mode) {
  return mode.el | (mode.fp_trapped ? 2U : 0U) | (mode.fpcr_default ? 0U : 4U) |
         (mode.sp_el0 ? 8U : 0U);
}

// One instruction on its way into a block.
struct Lift {
  ir::Block& block;
  const isa::Row& row;
  const u32 word;
  const isa::Operands o;
  const Mode mode;
  const u16 index;

  [[nodiscard]] i64 offset() const { return block.offset + 4LL * index; } // in the page
  [[nodiscard]] bool wide() const { return word >> 31 != 0; }

  // Appends an operation with d, a and b from the operands; kWide as the word's bit 31 says.
  ir::Inst& add(ir::Op op);
  // The same with these operands, 64 bits wide.
  ir::Inst& add_wide(ir::Op op, ir::Reg d, ir::Reg a, ir::Reg b, i64 imm = 0);
};

// Returns false having added nothing for an encoding that is better interpreted.
using LiftFunction = bool (*)(Lift& lift);

struct LiftRow {
  isa::InstId id;
  LiftFunction lift;
};

// The rows, by family.
std::span<const LiftRow> data_rows();
std::span<const LiftRow> memory_rows();
std::span<const LiftRow> branch_rows();
std::span<const LiftRow> system_rows();

// Makes `block` the one that starts `offset` bytes into `page`, kTlbPageSize bytes of guest memory.
// `limit` is kMaxBlock at most.
void lift_block(ir::Block& block, const u8* page, u32 offset, Mode mode, u32 limit = kMaxBlock);
inline ir::Block lift_block(const u8* page, u32 offset, Mode mode, u32 limit = kMaxBlock) {
  ir::Block block;
  lift_block(block, page, offset, mode, limit);
  return block;
}

// Makes `block` the loop that begins `offset` bytes into `page`: from there to the last branch that
// leads back into it, with branches forward over others. False: none of 128 instructions at most
// begins there; `block` is of no use then.
bool lift_loop(ir::Block& block, const u8* page, u32 offset, Mode mode);

// Whether some row of the JIT's own covers the instruction.
bool has_lift(isa::InstId id);

} // namespace softhv::jit
