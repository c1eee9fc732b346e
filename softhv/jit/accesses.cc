// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/accesses.h"

namespace softhv::jit {

using ir::Inst;
using ir::Op;

unsigned bytes_of(const Inst& inst) {
  switch (inst.op) {
  case Op::kLoad:
  case Op::kStore: return 1U << inst.size;
  case Op::kLoadPair:
  case Op::kStorePair: return 2U << inst.size;
  case Op::kLoadMultiple:
  case Op::kStoreMultiple: return static_cast<unsigned>(inst.shift) << inst.size;
  default: return 0;
  }
}

bool is_store(const Inst& inst) {
  return inst.op == Op::kStore || inst.op == Op::kStorePair || inst.op == Op::kStoreMultiple;
}

bool keeps_knowledge(const Inst& inst) {
  return inst.op <= Op::kStoreRelease || inst.op == Op::kPageLoad || inst.op == Op::kVector ||
         inst.op == Op::kLoadMultiple || inst.op == Op::kStoreMultiple ||
         inst.op == Op::kLoadReplicate || inst.op == Op::kSysRead || inst.op == Op::kBranchIf ||
         inst.op == Op::kBranchZero || inst.op == Op::kBranchBit;
}

Written written_by(const Inst& inst) {
  switch (inst.op) {
  case Op::kStore:
  case Op::kStoreRelease:
  case Op::kStorePair:
  case Op::kLoadMultiple:
  case Op::kStoreMultiple:
  case Op::kLoadReplicate:
  case Op::kBranchIf:
  case Op::kBranchZero:
  case Op::kBranchBit: return {};
  case Op::kLoad:
  case Op::kLoadAcquire:
  case Op::kPageLoad: return inst.has(ir::kVectorReg) ? Written{} : Written{inst.d};
  case Op::kLoadPair: return inst.has(ir::kVectorReg) ? Written{} : Written{inst.d, inst.d2};
  case Op::kVector:
    return (inst.size & ir::kOperandXDestination) != 0 ? Written{inst.d} : Written{};
  default: return {inst.d};
  }
}

} // namespace softhv::jit
