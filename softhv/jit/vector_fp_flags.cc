// SPDX-License-Identifier: Apache-2.0
// Floating-point instructions that set or read NZCV.
#include "softhv/core/cpu_state.h"
#include "softhv/jit/vector_fp.h"

namespace softhv::jit::vector_fp {
namespace {

// --- Comparisons ---------------------------------------------------------------------------------

// Sets the host's flags: COMISD signals quiet NaNs, UCOMISD does not.
template <bool kSignalsQuiet>
void host_compare(Assembler& as, bool is_double, const Xmm& n, const Xmm& m) {
  if (as.host.avx) {
    if (kSignalsQuiet)
      is_double ? as.vcomisd(n, m) : as.vcomiss(n, m);
    else
      is_double ? as.vucomisd(n, m) : as.vucomiss(n, m);
  } else if (kSignalsQuiet) {
    is_double ? as.comisd(n, m) : as.comiss(n, m);
  } else {
    is_double ? as.ucomisd(n, m) : as.ucomiss(n, m);
  }
}

template <bool kSignalsQuiet>
void compare_to_flags(Assembler& as, bool is_double, const Xmm& n, const Xmm& m) {
  const Xbyak::Reg8 order = reg::kScratch0.cvt8();
  as.xor_(order.cvt32(), order.cvt32()); // SETcc keeps the rest, and would wait for it
  host_compare<kSignalsQuiet>(as, is_double, n, m);
  as.to_interpreter(Cc::kP);
  // "Above" less "below" leaves 1, 0 or -1, and with it SF, ZF and CF as Arm has N, Z and not C.
  as.seta(order);
  as.sbb(order, 0);
  as.mov(as.as_flags(reg::kFlags), 0); // V; keeps the flags
  as.lahf();
}

template <bool kSignalsQuiet>
bool compare(Assembler& as, const VectorOperands& o) {
  const bool with_zero = bit(o.word, 3);
  if (with_zero)
    zero(as, kT0);
  compare_to_flags<kSignalsQuiet>(as, bit(o.word, 22), o.n, with_zero ? kT0 : o.m);
  return true;
}

// --- Conditions ----------------------------------------------------------------------------------

// NZCV in reg::kFlags' format; bits 31:28 of `nzcv`.
constexpr u32 packed_flags(u32 nzcv) {
  return ((nzcv & kFlagN) != 0 ? 0x8000U : 0) | ((nzcv & kFlagZ) != 0 ? 0x4000U : 0) |
         ((nzcv & kFlagC) != 0 ? 0 : 0x0100U) | ((nzcv & kFlagV) != 0 ? 1U : 0);
}

constexpr bool is_always(unsigned condition) {
  return condition >= 14;
}

// The host's flags from reg::kFlags, and what in them says that the condition holds (Arm ARM
// C1.2.4). Not for AL and NV.
Cc test_condition(Assembler& as, unsigned condition) {
  constexpr Cc kConditions[] = {Cc::kE, Cc::kAe, Cc::kS, Cc::kO, Cc::kA, Cc::kGe, Cc::kG};
  as.cmp(reg::kFlags.cvt8(), 0x81); // overflows from 1
  as.sahf();
  const Cc holds = kConditions[condition >> 1];
  return (condition & 1) != 0 ? invert(holds) : holds;
}

unsigned condition_of(u32 word) {
  return static_cast<unsigned>(bits(word, 15, 12));
}

template <bool kSignalsQuiet>
bool compare_if(Assembler& as, const VectorOperands& o) {
  const unsigned condition = condition_of(o.word);
  const bool is_double = bit(o.word, 22);
  if (is_always(condition)) {
    compare_to_flags<kSignalsQuiet>(as, is_double, o.n, o.m);
    return true;
  }
  const Assembler::Fixup otherwise = as.jump_forward(invert(test_condition(as, condition)));
  compare_to_flags<kSignalsQuiet>(as, is_double, o.n, o.m);
  const Assembler::Fixup done = as.jump_forward();
  as.bind(otherwise);
  as.mov(as.as_flags(reg::kFlags), packed_flags(static_cast<u32>(o.imm) << 28));
  as.bind(done);
  return true;
}

// By way of general registers, which have conditional moves.
bool select(Assembler& as, const VectorOperands& o) {
  const unsigned condition = condition_of(o.word);
  const bool is_double = bit(o.word, 22);
  move_to_general(as, reg::kScratch0, o.n, is_double);
  if (!is_always(condition)) {
    move_to_general(as, reg::kScratch1, o.m, is_double);
    as.move_if(invert(test_condition(as, condition)), reg::kScratch0, reg::kScratch1);
  }
  move_from_general(as, o.d, reg::kScratch0, is_double);
  return true;
}

// --- FJCVTZS -------------------------------------------------------------------------------------

// What fits 32 bits. Z says that the double was that integer, and not minus zero.
bool convert_javascript(Assembler& as, const VectorOperands& o) {
  const Xbyak::Reg32 integer = reg::kScratch0.cvt32();
  zero(as, kT0);
  if (as.host.avx) {
    as.vcvttsd2si(integer, o.n);
    as.vcvtsi2sd(kT0, kT0, integer);
  } else {
    as.cvttsd2si(integer, o.n);
    as.cvtsi2sd(kT0, integer);
  }
  as.cmp(integer, 1);
  as.to_interpreter(Cc::kO);
  bit_xor(as, kT0, kT0, o.n);
  move_to_general(as, reg::kScratch1, kT0, true);
  as.mov(as.as_flags(reg::kFlags), packed_flags(0));
  as.test(reg::kScratch1, reg::kScratch1);
  as.mov(reg::kScratch1.cvt32(), packed_flags(kFlagZ));
  as.cmove(as.as_flags(reg::kFlags), as.as_flags(reg::kScratch1));
  as.mov(o.x.cvt32(), integer);
  return true;
}

using enum isa::InstId;

constexpr VectorRow kRows[] = {
    {kFcmp, compare<false>, kUsesFpcr | kWritesFlags},
    {kFcmpe, compare<true>, kUsesFpcr | kWritesFlags},
    {kFccmp, compare_if<false>, kUsesFpcr | kReadsFlags | kWritesFlags},
    {kFccmpe, compare_if<true>, kUsesFpcr | kReadsFlags | kWritesFlags},
    {kFcsel, select, kReadsFlags},
    {kFjcvtzs, convert_javascript, kUsesFpcr | kWritesFlags},
};

} // namespace

std::span<const VectorRow> flags_rows() {
  return kRows;
}

} // namespace softhv::jit::vector_fp
