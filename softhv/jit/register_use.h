// SPDX-License-Identifier: Apache-2.0
// Which guest registers an operation reads and writes.
#pragma once

#include "softhv/jit/ir.h"

namespace softhv::jit {

// Sets of registers, by bits: general ones by index into CpuState::x (X0 to X30 and SP), others by
// index into CpuState::v.
struct RegisterSet {
  u32 general = 0;
  u32 vector = 0;

  void add_general(ir::Reg r) { general |= r < 32 ? 1U << r : 0; }
  void add_vector(ir::Reg r) { vector |= 1U << (r & 31); }
};

struct RegisterUse {
  RegisterSet reads;
  RegisterSet writes;
};

// What the operation itself does, but for the link register of calls. An instruction that is
// interpreted may do anything.
RegisterUse use_of(const ir::Inst& inst);

} // namespace softhv::jit
