// SPDX-License-Identifier: Apache-2.0
// Floating-point comparisons that make masks. The host's raise what Arm's do, and need no check:
// both know a quiet kind and one that signals quiet NaNs as well.
#include "softhv/jit/vector_fp.h"

namespace softhv::jit::vector_fp {
namespace {

enum class Test : u8 { kEq, kGe, kGt };

// Whether a `test` b, the host having "less" only.
void mask_of(Assembler& as, Lanes l, const Xmm& d, const Xmm& a, const Xmm& b, Test test) {
  const bool swaps = test != Test::kEq;
  const Xmm& first = swaps ? b : a;
  const Xmm& second = swaps ? a : b;
  const Xmm result = target(as, l, d, second);
  compare(as, l, result, first, second,
          test == Test::kEq   ? Compare::kEq
          : test == Test::kGe ? Compare::kLe
                              : Compare::kLt);
  finish(as, l, d, result);
}

template <Kind kKind, Test kTest>
bool compare_registers(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<kKind>(o.word);
  const Xmm n = operand(as, l, o.n, kT1);
  mask_of(as, l, o.d, n, operand(as, l, o.m, kT2), kTest);
  return true;
}

template <Kind kKind, Test kTest>
bool compare_magnitudes(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<kKind>(o.word);
  const u64 magnitude = ~l.sign();
  bit_and(as, kT1, operand(as, l, o.n, kT1), as.constant(magnitude));
  bit_and(as, kT2, operand(as, l, o.m, kT2), as.constant(magnitude));
  mask_of(as, l, o.d, kT1, kT2, kTest);
  return true;
}

enum class Zero : u8 { kSecond, kFirst };

template <Kind kKind, Test kTest, Zero kZero>
bool compare_with_zero(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<kKind>(o.word);
  const Xmm n = operand(as, l, o.n, kT1);
  zero(as, kT2);
  if (kZero == Zero::kSecond)
    mask_of(as, l, o.d, n, kT2, kTest);
  else
    mask_of(as, l, o.d, kT2, n, kTest);
  return true;
}

using enum isa::InstId;
constexpr auto kScalar = Kind::kScalar;
constexpr auto kVector = Kind::kVector;

#define BOTH(name, emit, ...)                                                                      \
  {kF##name##Scalar, emit<kScalar, __VA_ARGS__>, kUsesFpcr}, {                                     \
    kF##name##Vector, emit<kVector, __VA_ARGS__>, kUsesFpcr                                        \
  }
constexpr VectorRow kRows[] = {
    BOTH(cmeq, compare_registers, Test::kEq),
    BOTH(cmge, compare_registers, Test::kGe),
    BOTH(cmgt, compare_registers, Test::kGt),
    BOTH(acge, compare_magnitudes, Test::kGe),
    BOTH(acgt, compare_magnitudes, Test::kGt),
    BOTH(cmeqZero, compare_with_zero, Test::kEq, Zero::kSecond),
    BOTH(cmgeZero, compare_with_zero, Test::kGe, Zero::kSecond),
    BOTH(cmgtZero, compare_with_zero, Test::kGt, Zero::kSecond),
    BOTH(cmleZero, compare_with_zero, Test::kGe, Zero::kFirst),
    BOTH(cmltZero, compare_with_zero, Test::kGt, Zero::kFirst),
};
#undef BOTH

} // namespace

std::span<const VectorRow> compare_rows() {
  return kRows;
}

} // namespace softhv::jit::vector_fp
