// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/register_use.h"

#include "softhv/jit/vector.h"

namespace softhv::jit {
namespace {

using ir::Inst;
using ir::Op;
using ir::Reg;

void add_data(RegisterSet& set, const Inst& inst, Reg r) {
  inst.has(ir::kVectorReg) ? set.add_vector(r) : set.add_general(r);
}

RegisterUse use_of_vector(const Inst& inst) {
  const auto has = [&](u8 operand) { return (inst.size & operand) != 0; };
  RegisterUse use;
  if (has(ir::kOperandN))
    use.reads.add_vector(inst.a);
  if (has(ir::kOperandM))
    use.reads.add_vector(inst.b);
  if (has(ir::kOperandA))
    use.reads.add_vector(inst.d2);
  if ((inst.vector->traits & kTable) != 0)
    for (u8 i = 1; i < 4; ++i)
      use.reads.add_vector(static_cast<Reg>(inst.a + i));
  if (has(ir::kOperandXSource))
    use.reads.add_general(inst.a);
  if (has(ir::kOperandD)) {
    use.writes.add_vector(inst.d);
    if ((inst.vector->traits & kReadsD) != 0)
      use.reads.add_vector(inst.d);
  }
  if (has(ir::kOperandXDestination))
    use.writes.add_general(inst.d);
  return use;
}

// One behind the other: d, d + 1, ...
void add_several(RegisterSet& set, const Inst& inst) {
  for (u8 i = 0; i < inst.shift; ++i)
    set.add_vector(static_cast<Reg>(inst.d + i));
}

RegisterUse use_of_pair_swap(const Inst& inst) {
  RegisterUse use;
  use.reads.add_general(inst.a);
  for (u8 i = 0; i < 2; ++i) {
    use.reads.add_general(static_cast<Reg>(inst.d + i));
    use.reads.add_general(static_cast<Reg>(inst.d2 + i));
    use.writes.add_general(static_cast<Reg>(inst.d + i));
  }
  return use;
}

} // namespace

RegisterUse use_of(const Inst& inst) {
  RegisterUse use;
  switch (inst.op) {
  case Op::kVector: return use_of_vector(inst);
  case Op::kCompareSwapPair: return use_of_pair_swap(inst);
  case Op::kInterpret:
  case Op::kInterpretAndLeave:
  case Op::kBranch:
  case Op::kBranchIf:
  case Op::kCall: return use;
  case Op::kBranchZero:
  case Op::kBranchBit:
  case Op::kIndirect:
  case Op::kIndirectCall:
  case Op::kReturn: use.reads.add_general(inst.a); return use;
  default: break;
  }
  const bool known = inst.has(ir::kFollows); // the address, but for an index or what moves
  if (!known || inst.moves == inst.a)
    use.reads.add_general(inst.a);
  if (!known || inst.moves == ir::kNone || inst.moves == inst.b)
    use.reads.add_general(inst.b);
  switch (inst.op) {
  case Op::kLoad:
  case Op::kLoadAcquire:
  case Op::kPageLoad: add_data(use.writes, inst, inst.d); break;
  case Op::kDivU:
  case Op::kDivS:
  case Op::kLoadPair:
  case Op::kExclusiveLoadPair:
    add_data(use.writes, inst, inst.d);
    add_data(use.writes, inst, inst.d2);
    break;
  case Op::kStorePair: add_data(use.reads, inst, inst.d2); [[fallthrough]];
  case Op::kStore:
  case Op::kStoreAsEl0:
  case Op::kStoreRelease: add_data(use.reads, inst, inst.d); break;
  case Op::kLoadMultiple: add_several(use.writes, inst); break;
  case Op::kStoreMultiple: add_several(use.reads, inst); break;
  case Op::kLoadReplicate: use.writes.add_vector(inst.d); break;
  case Op::kInsert:
  case Op::kInsertLow:
    use.reads.add_general(inst.d);
    use.writes.add_general(inst.d);
    break;
  case Op::kCompareIf:
  case Op::kCompareNegatedIf:
  case Op::kSysWrite:
  case Op::kWriteFlags:
  case Op::kWriteFpsr:
  case Op::kWriteDaif:
  case Op::kZeroBlock:
  case Op::kCacheCheck:
  case Op::kCodeCacheCheck: break;
  case Op::kCompareSwap: use.reads.add_general(inst.d); [[fallthrough]];
  default: // d2 is an operand of those that have one
    use.reads.add_general(inst.d2);
    use.writes.add_general(inst.d);
    break;
  }
  return use;
}

} // namespace softhv::jit
