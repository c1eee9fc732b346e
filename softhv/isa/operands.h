// SPDX-License-Identifier: Apache-2.0
// The operands of an instruction, where the letters of its row's pattern say they are.
#pragma once

#include "softhv/isa/table.h"

namespace softhv::isa {

// Registers are indices into CpuState::x or ::v: number 31 of a general-purpose register is
// kRegSp, kRegZero (read) or kRegSink (written).
struct Operands {
  u8 rd = 0;
  u8 rn = 0;
  u8 rm = 0;
  u8 ra = 0;
  u64 imm = 0; // the 'i' bits, most significant first
};

Operands decode_operands(const Row& row, u32 word);

} // namespace softhv::isa
