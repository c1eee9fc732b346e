// SPDX-License-Identifier: Apache-2.0
// Branches (Arm ARM C4.1.89).
#include "arch/bits.h"
#include "softhv/jit/lift.h"

namespace softhv::jit {
namespace {

using isa::InstId;
using kindling::arch::bits;
using kindling::arch::sign_extend;
using Op = ir::Op;

ir::Inst& add_branch(Lift& l, Op op, unsigned imm_width) {
  ir::Inst& inst = l.add(op);
  inst.imm = l.offset() + 4 * sign_extend(l.o.imm, imm_width);
  return inst;
}

template <Op kOp>
bool branch(Lift& l) {
  add_branch(l, kOp, 26);
  return true;
}

bool branch_if(Lift& l) {
  ir::Inst& inst = add_branch(l, Op::kBranchIf, 19);
  inst.cond = static_cast<u8>(bits(l.word, 3, 0));
  return true;
}

template <bool kNegate>
bool compare_and_branch(Lift& l) {
  ir::Inst& inst = add_branch(l, Op::kBranchZero, 19);
  inst.a = l.o.rd;
  if (kNegate)
    inst.flags |= ir::kNegate;
  return true;
}

template <bool kNegate>
bool test_and_branch(Lift& l) {
  ir::Inst& inst = add_branch(l, Op::kBranchBit, 14);
  inst.a = l.o.rd;
  inst.shift = static_cast<u8>((bits(l.word, 31, 31) << 5) | bits(l.word, 23, 19));
  if (kNegate)
    inst.flags |= ir::kNegate;
  return true;
}

template <Op kOp>
bool indirect(Lift& l) {
  l.add(kOp);
  return true;
}

constexpr LiftRow kRows[] = {
    {InstId::kB, branch<Op::kBranch>},
    {InstId::kBl, branch<Op::kCall>},
    {InstId::kBCond, branch_if},
    {InstId::kCbz, compare_and_branch<false>},
    {InstId::kCbnz, compare_and_branch<true>},
    {InstId::kTbz, test_and_branch<false>},
    {InstId::kTbnz, test_and_branch<true>},
    {InstId::kBr, indirect<Op::kIndirect>},
    {InstId::kBlr, indirect<Op::kIndirectCall>},
    {InstId::kRet, indirect<Op::kReturn>},
};

} // namespace

std::span<const LiftRow> branch_rows() {
  return kRows;
}

} // namespace softhv::jit
