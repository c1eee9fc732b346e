// SPDX-License-Identifier: Apache-2.0
// Registers of a block's own. A hot loop keeps the guest registers that it uses most in host
// registers, in place of guest registers that all other code keeps there (registers.h): these are
// exchanged when it is entered, and again on every way out.
#pragma once

#include <vector>

#include "softhv/jit/ir.h"
#include "softhv/jit/registers.h"

namespace softhv::jit {

// A host register that holds another guest register than usual.
struct Exchange {
  i8 host;
  ir::Reg usual;
  ir::Reg own;
  bool written; // by the block's operations
};

struct OwnRegisters {
  RegisterMap map = kRegisterMap;
  std::vector<Exchange> general;
  std::vector<Exchange> vector;

  [[nodiscard]] bool empty() const { return general.empty() && vector.empty(); }
};

// The registers that are worth it for `block`, of which a loop begins with the first instruction.
// `vectors`: whether SIMD&FP registers are held at all.
OwnRegisters choose_registers(const ir::Block& block, bool vectors);

} // namespace softhv::jit
