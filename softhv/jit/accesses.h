// SPDX-License-Identifier: Apache-2.0
// What the passes that spare looks into the TLB ask of an instruction.
#pragma once

#include "softhv/jit/ir.h"

namespace softhv::jit {

// Bytes that a load or store accesses, of the kinds that do nothing but look, and load or store; 0:
// not one of them.
unsigned bytes_of(const ir::Inst& inst);

bool is_store(const ir::Inst& inst);

// Whether what is known of registers and of the TLB lasts beyond the instruction.
bool keeps_knowledge(const ir::Inst& inst);

// The general registers that an instruction with keeps_knowledge() writes.
struct Written {
  ir::Reg first = kRegSink;
  ir::Reg second = kRegSink;
};
Written written_by(const ir::Inst& inst);

} // namespace softhv::jit
