// SPDX-License-Identifier: Apache-2.0
#include "softhv/difftest/deviations.h"

#include <string_view>

#include "arch/bits.h"
#include "softhv/core/cpu_state.h"

namespace softhv::difftest {
namespace {

// FJCVTZS, Arm ARM J1.1 FPToFixedJS: Z is clear for a subnormal that FPCR.FZ flushes to zero, as
// the conversion was not exact. QEMU takes the flushed zero for an exact one.
void correct_fjcvtzs(const difftest_case& c, difftest_outcome& qemu) {
  const u64 operand = c.registers.v[bits(c.words[0], 9, 5)][0];
  const bool subnormal = bits(operand, 62, 52) == 0 && bits(operand, 51, 0) != 0;
  if (subnormal && bit(c.registers.fpcr, 24))
    qemu.registers.nzcv &= ~static_cast<u64>(kFlagZ);
}

// FCVTZS (scalar, fixed-point, half precision) writes 16 bits and clears the rest of Vd. QEMU
// leaves the sign extension to 32 bits.
void correct_fcvtzs_fixed_half(const difftest_case& c, difftest_outcome& qemu) {
  qemu.registers.v[bits(c.words[0], 4, 0)][0] &= 0xffff;
}

} // namespace

void correct_known_deviation(const isa::Row& row, const difftest_case& c, difftest_outcome& qemu) {
  const std::string_view id = row.id;
  if (id == "kFjcvtzs")
    correct_fjcvtzs(c, qemu);
  else if (id == "kFcvtzsFixedSimdHalf" && bit(c.words[0], 28))
    correct_fcvtzs_fixed_half(c, qemu);
}

} // namespace softhv::difftest
