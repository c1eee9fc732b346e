// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/lift.h"

#include <algorithm>
#include <array>
#include <bitset>

#include "softhv/isa/decoder.h"
#include "softhv/jit/passes.h"
#include "softhv/jit/vector.h"
#include "softhv/mmu/code_bytes.h"
#include "softhv/mmu/tlb.h"

namespace softhv::jit {
namespace {

using isa::InstId;
using isa::Row;

constexpr size_t kRows = static_cast<size_t>(InstId::kCount);

struct Entry {
  LiftFunction lift = nullptr;
  const VectorRow* vector = nullptr;
  u8 operands = 0; // of the vector row: ir::kOperand...
};

u8 operands_of(const Row& row) {
  u8 operands = 0;
  for (unsigned i = 0; i < 32; ++i) {
    switch (row.pattern[i]) {
    case 'e': operands |= ir::kOperandD; break;
    case 'f': operands |= ir::kOperandN; break;
    case 'g': operands |= ir::kOperandM; break;
    case 'h': operands |= ir::kOperandA; break;
    case 'n': operands |= ir::kOperandXSource; break;
    case 'd': operands |= ir::kOperandXDestination; break;
    default: break;
    }
  }
  return operands;
}

const std::array<Entry, kRows>& entries() {
  static const std::array<Entry, kRows> table = [] {
    std::array<Entry, kRows> t;
    for (const auto rows : {data_rows(), memory_rows(), branch_rows(), system_rows()})
      for (const LiftRow& row : rows)
        t[static_cast<size_t>(row.id)].lift = row.lift;
    for (const auto rows : {vector_integer_rows(), vector_fp_rows()})
      for (const VectorRow& row : rows)
        t[static_cast<size_t>(row.id)].vector = &row;
    for (size_t i = 0; i < kRows; ++i)
      if (t[i].vector != nullptr)
        t[i].operands = operands_of(isa::rows()[i]);
    return t;
  }();
  return table;
}

void add_vector(Lift& lift, const Entry& entry) {
  ir::Inst& inst = lift.add(ir::Op::kVector);
  inst.flags = (entry.vector->traits & kWritesFlags) != 0 ? ir::kSetsFlags : 0;
  inst.vector = entry.vector;
  inst.imm = static_cast<i64>(lift.o.imm);
  inst.d2 = lift.o.ra;
  inst.size = entry.operands;
  // With 16-bit elements the register's top bit is one of the element's number.
  if ((entry.vector->traits & kElement) != 0 && ((lift.word >> 22) & 3) == 1)
    inst.b &= 15;
}

bool lift_row(Lift& lift) {
  static const Entry* const table = entries().data();
  const Entry& entry = table[static_cast<size_t>(isa::id_of(lift.row))];
  if (entry.lift != nullptr)
    return entry.lift(lift);
  if (entry.vector == nullptr)
    return false;
  if ((entry.vector->traits & kUsesFpcr) != 0 && !lift.mode.fpcr_default)
    return false;
  add_vector(lift, entry);
  return true;
}

void add_interpret(ir::Block& block, u16 index, bool leaves) {
  ir::Inst inst;
  inst.op = leaves ? ir::Op::kInterpretAndLeave : ir::Op::kInterpret;
  inst.index = index;
  block.insts.push_back(inst);
}

// The direct branch that the last instruction, number `n`, became; else nullptr. It may have become
// nothing.
const ir::Inst* branch_at(const ir::Block& block, u32 n) {
  if (block.insts.empty() || block.insts.back().index != n || !is_branch(block.insts.back()))
    return nullptr;
  return &block.insts.back();
}

// Returns whether the block ends with the instruction.
bool lift_word(ir::Block& block, u32 word, Mode mode, u16 index) {
  const Row* row = isa::decode(word);
  if (row == nullptr || ((row->traits & isa::kTraitFp) != 0 && mode.fp_trapped)) {
    add_interpret(block, index, true);
    block.falls_through = false;
    return true;
  }
  const bool branch =
      (row->traits & isa::kTraitBranch) != 0 && (row->traits & isa::kTraitCond) == 0;
  Lift lift{.block = block,
            .row = *row,
            .word = word,
            .o = isa::decode_operands(*row, word),
            .mode = mode,
            .index = index};
  if (lift_row(lift)) {
    if (const ir::Inst* to = branch_at(block, index); to != nullptr)
      block.note_branch(to->imm);
    block.falls_through = !branch;
    return branch;
  }
  const bool leaves = branch || (row->traits & isa::kTraitEnds) != 0;
  add_interpret(block, index, leaves);
  block.falls_through = !leaves;
  return leaves;
}

void start(ir::Block& block, u32 offset) {
  block.offset = offset;
  block.words.clear();
  block.insts.clear();
  block.looks.clear();
  block.runs.clear();
  block.windows = 0;
  block.straight = false;
  block.entered.reset();
  block.falls_through = true;
}

// Whether the last two, of one instruction, are d = (d & constant) | constant (MOVK), and the first
// is d = constant.
bool is_patched(const ir::Inst& first, const ir::Inst& keep, const ir::Inst& set) {
  return keep.op == ir::Op::kAnd && set.op == ir::Op::kOr && keep.index == set.index &&
         keep.b == ir::kNone && set.b == ir::kNone && !keep.has(ir::kSetsFlags) &&
         keep.d == keep.a && set.d == keep.d && set.a == keep.d && first.op == ir::Op::kMove &&
         first.a == ir::kNone && first.d == keep.d;
}

// Whether `product` and `rest` (MSUB) are what the division before leaves over.
bool is_remainder(const ir::Inst& division, const ir::Inst& product, const ir::Inst& rest) {
  const auto is_of = [&](ir::Reg a, ir::Reg b) { return product.a == a && product.b == b; };
  return (division.op == ir::Op::kDivU || division.op == ir::Op::kDivS) &&
         division.d2 == kRegSink && division.d != division.a && division.d != division.b &&
         product.op == ir::Op::kMul && product.d == ir::kTemp0 &&
         (is_of(division.d, division.b) || is_of(division.b, division.d)) &&
         rest.op == ir::Op::kSub && rest.index == product.index && rest.a == division.a &&
         rest.b == ir::kTemp0 && rest.has(ir::kWide) == division.has(ir::kWide);
}

// A constant that is patched is another constant, and a division gives its remainder as well,
// unless a branch leads to the instruction that asks for it.
void fold(ir::Block& block) {
  const auto is_entered = [&](u16 first, u16 last) {
    for (u16 i = first + 1; i <= last; ++i)
      if (block.is_entered(i))
        return true;
    return false;
  };
  auto& insts = block.insts;
  size_t kept = 0;
  for (size_t i = 0; i < insts.size(); ++i, ++kept) {
    const bool follows = kept != 0 && i + 1 < insts.size();
    if (follows && is_remainder(insts[kept - 1], insts[i], insts[i + 1]) &&
        !is_entered(insts[kept - 1].index, insts[i].index)) {
      insts[kept - 1].d2 = insts[i + 1].d;
      --kept;
      ++i;
    } else if (follows && is_patched(insts[kept - 1], insts[i], insts[i + 1]) &&
               !is_entered(insts[kept - 1].index, insts[i].index)) {
      const ir::Inst& set = insts[i + 1];
      const u64 value =
          (static_cast<u64>(insts[kept - 1].imm & insts[i].imm)) | static_cast<u64>(set.imm);
      ir::Inst constant = insts[kept - 1];
      constant.index = set.index;
      constant.imm = static_cast<i64>(set.has(ir::kWide) ? value : static_cast<u32>(value));
      insts[kept] = constant;
      ++i;
    } else if (kept != i) {
      insts[kept] = insts[i];
    }
  }
  insts.resize(kept);
}

} // namespace

ir::Inst& Lift::add(ir::Op op) {
  ir::Inst inst;
  inst.op = op;
  inst.d = o.rd;
  inst.a = o.rn;
  inst.b = o.rm;
  inst.index = index;
  inst.flags = wide() ? ir::kWide : 0;
  block.insts.push_back(inst);
  return block.insts.back();
}

ir::Inst& Lift::add_wide(ir::Op op, ir::Reg d, ir::Reg a, ir::Reg b, i64 imm) {
  ir::Inst& inst = add(op);
  inst.flags = ir::kWide;
  inst.d = d;
  inst.a = a;
  inst.b = b;
  inst.imm = imm;
  return inst;
}

void lift_block(ir::Block& block, const u8* page, u32 offset, Mode mode, u32 limit) {
  start(block, offset);
  const u32 end = std::min(limit, static_cast<u32>(kTlbPageSize - offset) / 4);
  for (u32 n = 0; n < end; ++n) {
    const u32 word = read_code_word(page + offset + 4ULL * n);
    block.words.push_back(word);
    if (lift_word(block, word, mode, static_cast<u16>(n)))
      break;
  }
  fold(block);
}

bool lift_loop(ir::Block& block, const u8* page, u32 offset, Mode mode) {
  start(block, offset);
  const u32 end = std::min(kMaxBlock, static_cast<u32>(kTlbPageSize - offset) / 4);
  std::bitset<kMaxBlock> ahead; // targets of branches
  u32 length = 0;               // up to the last branch that leads back into the loop
  bool falls_through = true;    // from there
  for (u32 n = 0; n < end; ++n) {
    const u32 word = read_code_word(page + offset + 4ULL * n);
    block.words.push_back(word);
    const bool ends = lift_word(block, word, mode, static_cast<u16>(n));
    if (const ir::Inst* branch = branch_at(block, n); branch != nullptr) {
      const i64 target = (branch->imm - offset) / 4;
      if (branch->imm >= offset && (target == 0 || target < length)) {
        length = n + 1;
        falls_through = !ends;
      } else if (target > n && target < end) {
        ahead.set(static_cast<size_t>(target));
      }
    }
    if (ends && (ahead >> (n + 1)).none())
      break;
  }
  block.words.resize(length);
  std::erase_if(block.insts, [&](const ir::Inst& inst) { return inst.index >= length; });
  block.find_entered();
  block.falls_through = falls_through;
  fold(block);
  return length != 0;
}

bool has_lift(isa::InstId id) {
  const Entry& entry = entries()[static_cast<size_t>(id)];
  return entry.lift != nullptr || entry.vector != nullptr;
}

} // namespace softhv::jit
