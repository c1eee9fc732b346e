// SPDX-License-Identifier: Apache-2.0
// What the passes that spare looks into the TLB ask of an instruction.
#pragma once

#include "softhv/jit/ir.h"
#include "softhv/jit/op_traits.h"

namespace softhv::jit {

// Bytes that a load or store accesses, of the kinds that do nothing but look, and load or store; 0:
// not one of them.
inline unsigned bytes_of(const ir::Inst& inst) {
  if (!has_trait(inst, trait::kAccesses))
    return 0;
  switch (inst.op) {
  case ir::Op::kLoad:
  case ir::Op::kStore: return 1U << inst.size;
  case ir::Op::kLoadPair:
  case ir::Op::kStorePair: return 2U << inst.size;
  default: return static_cast<unsigned>(inst.shift) << inst.size;
  }
}

inline bool is_store(const ir::Inst& inst) {
  return has_trait(inst, trait::kStores);
}

// Whether what is known of registers and of the TLB lasts beyond the instruction.
inline bool keeps_knowledge(const ir::Inst& inst) {
  return has_trait(inst, trait::kKeepsKnowledge);
}

// The general registers that an instruction with keeps_knowledge() writes.
struct Written {
  ir::Reg first = kRegSink;
  ir::Reg second = kRegSink;
};
inline Written written_by(const ir::Inst& inst) {
  Written written;
  if (inst.op == ir::Op::kVector) {
    if ((inst.size & ir::kOperandXDestination) != 0)
      written.first = inst.d;
  } else if (!inst.has(ir::kVectorReg)) {
    if (has_trait(inst, trait::kWritesD))
      written.first = inst.d;
    if (has_trait(inst, trait::kWritesD2))
      written.second = inst.d2;
  }
  return written;
}

} // namespace softhv::jit
