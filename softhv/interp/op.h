// SPDX-License-Identifier: Apache-2.0
// Op: one predecoded instruction of a basic block, and the function that executes it.
#pragma once

#include "arch/types.h"

namespace softhv {
struct Cpu;
}

namespace softhv::interp {

struct Op;

// Executes *op and returns the op to run next: `op + 1`, or nullptr when control leaves the block.
// Before returning nullptr a handler has set cpu.s.pc (raise(), exit_to_host() and a failed
// load()/store() do that themselves). A handler that falls through may end in `return next(cpu,
// op)` instead, which saves the way through the interpreter's loop.
using Handler = const Op* (*)(Cpu& cpu, const Op* op);

struct Op {
  Handler fn = nullptr;
  u64 imm = 0;   // the pattern's 'i' bits, most significant first, until translate_X changes it
  u32 word = 0;  // the instruction
  u16 index = 0; // position in the block: its address is cpu.block_pc + 4 * index
  u8 rd = 0;     // operands, as indices into CpuState::x or ::v (isa/table.h tells which letter
  u8 rn = 0;     //   of the pattern goes where)
  u8 rm = 0;
  u8 ra = 0;
  u16 aux = 0; // free for translate_X
  u32 aux2 = 0;
};
static_assert(sizeof(Op) == 32);

// Executes the op after *op, in the manner of a handler. Compilers that optimise make this a jump;
// else the stack holds one frame for each op of a block, whose length is bounded.
inline const Op* next(Cpu& cpu, const Op* op) {
  return op[1].fn(cpu, op + 1);
}

} // namespace softhv::interp
