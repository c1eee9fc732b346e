// SPDX-License-Identifier: Apache-2.0
// Half precision (FEAT_FP16) in singles, four lanes at a time, where that is exact: a single has
// more than twice the bits of a half and two, so that rounding sums, products, quotients and roots
// twice is as good as once (S. Figueroa, "When is double rounding innocuous?"). Not so fused sums.
// A scalar is four equal lanes.
#include "softhv/jit/vector_fp.h"

namespace softhv::jit::vector_fp {
namespace {

constexpr Lanes kSingles{.is_double = false, .count = Lanes::kAll};

// d = four halves of x as singles. A signalling NaN raises Invalid, as it does in all that follows.
template <Kind kKind>
void widen(Assembler& as, const Xmm& d, const Xmm& x, int part) {
  Xmm halves = x;
  if (kKind == Kind::kScalar) {
    as.vpshuflw(d, x, 0);
    halves = d;
  } else if (part != 0) {
    shuffle32(as, d, x, kHighTwice);
    halves = d;
  }
  as.vcvtph2ps(d, halves);
}

// kT0 = its four singles as halves, in the low half.
enum class Result : u8 { kNumbers, kMasks };

template <Result kResult>
void narrow(Assembler& as) {
  if (kResult == Result::kMasks) {
    as.vpackssdw(kT0, kT0, kT0);
    return;
  }
  as.vcvtps2ph(kT0, kT0, kToNearest);
  leave_if_tiny_half(as);
}

// kT0 = f(kT0) or f(kT0, kT1), of singles.
using InSingles = void (*)(Assembler&);

template <Kind kKind, InSingles kFunction, int kOperands, Result kResult = Result::kNumbers>
bool in_singles(Assembler& as, const VectorOperands& o) {
  if (!as.host.f16c)
    return false;
  const int parts = kKind == Kind::kVector && bit(o.word, 30) ? 2 : 1;
  for (int part = 0; part < parts; ++part) {
    widen<kKind>(as, kT0, o.n, part);
    if (kOperands == 2)
      widen<kKind>(as, kT1, o.m, part);
    kFunction(as);
    narrow<kResult>(as);
    if (parts == 2 && part == 0)
      move_to_general(as, reg::kScratch1, kT0, true);
  }
  if (parts == 2) {
    move_from_general(as, kT1, reg::kScratch1, true);
    low_halves(as, o.d, kT1, kT0);
  } else {
    bit_and(as, o.d, kT0, as.constant(kKind == Kind::kScalar ? 0xffff : ~u64{0}, 0));
  }
  return true;
}

template <HostBinary kOperation, u64 kClear = 0, u64 kInvert = 0>
void arithmetic(Assembler& as) {
  kOperation(as, kSingles, kT0, kT0, kT1);
  check(as, kSingles, kT0, Check::kNan);
  if (kClear != 0)
    bit_and(as, kT0, kT0, as.constant(~kClear));
  if (kInvert != 0)
    bit_xor(as, kT0, kT0, as.constant(kInvert));
}
constexpr u64 kSigns = 0x8000'0000'8000'0000;

void square_root(Assembler& as) {
  as.vsqrtps(kT0, kT0);
  check(as, kSingles, kT0, Check::kNan);
}

template <Extremum kWhich>
void extremum_of_two(Assembler& as) {
  leave_if_unordered(as, kSingles, kT0, kT1);
  extremum(as, kSingles, {kT0, kT1}, kWhich);
}

template <Mode kMode, bool kQuiet = true>
void round_to_integral(Assembler& as) {
  round(as, kSingles, kT0, kT0, kMode, kQuiet);
}

void round_away_to_integral(Assembler& as) {
  leave_unless_below(as, kSingles, kT0, {.single = 0x4780'0000, .double_top = 0}, kT1); // 2^16
  round_away(as, kSingles, kT2, kT0);
  bit_and(as, kT0, kT0, as.constant(kSigns));
  bit_or(as, kT0, kT0, kT2);
}

enum class Order : u8 { kAsIs, kSwapped };

template <Compare kHow, Order kOrder, u64 kClear = 0>
void compare_registers(Assembler& as) {
  if (kClear != 0) {
    bit_and(as, kT0, kT0, as.constant(~kClear));
    bit_and(as, kT1, kT1, as.constant(~kClear));
  }
  if (kOrder == Order::kAsIs) {
    compare(as, kSingles, kT0, kT0, kT1, kHow);
  } else {
    compare(as, kSingles, kT0, kT1, kT0, kHow);
  }
}

template <Compare kHow, Order kOrder>
void compare_with_zero(Assembler& as) {
  zero(as, kT1);
  compare_registers<kHow, kOrder>(as);
}

using enum isa::InstId;
constexpr auto kScalar = Kind::kScalar;
constexpr auto kVector = Kind::kVector;
constexpr auto kMasks = Result::kMasks;
constexpr auto kAsIs = Order::kAsIs;
constexpr auto kSwapped = Order::kSwapped;

#define BOTH(scalar, vector, operands, function, ...)                                              \
  {scalar, in_singles<kScalar, function, operands __VA_OPT__(, ) __VA_ARGS__>, kUsesFpcr}, {       \
    vector, in_singles<kVector, function, operands __VA_OPT__(, ) __VA_ARGS__>, kUsesFpcr          \
  }
#define ONE(name, function) BOTH(kF##name##ScalarHalf, kF##name##VectorHalf, 1, function)
#define TWO(name, function) BOTH(kF##name##ScalarHalf, kF##name##VectorHalf, 2, function)
#define COMPARE(name, how, order, ...)                                                             \
  BOTH(kF##name##ScalarHalf, kF##name##VectorHalf, 2,                                              \
       (compare_registers<how, order __VA_OPT__(, ) __VA_ARGS__>), kMasks)
#define COMPARE_ZERO(name, how, order)                                                             \
  BOTH(kF##name##ZeroScalarHalf, kF##name##ZeroVectorHalf, 1, (compare_with_zero<how, order>),     \
       kMasks)
constexpr VectorRow kRows[] = {
    TWO(add, arithmetic<add>),
    TWO(sub, arithmetic<sub>),
    TWO(mul, arithmetic<mul>),
    TWO(div, arithmetic<div>),
    TWO(abd, (arithmetic<sub, kSigns>)),
    {kFnmulScalarHalf, in_singles<kScalar, arithmetic<mul, 0, kSigns>, 2>, kUsesFpcr},
    ONE(sqrt, square_root),
    TWO(max, extremum_of_two<Extremum::kMax>),
    TWO(min, extremum_of_two<Extremum::kMin>),
    TWO(maxnm, extremum_of_two<Extremum::kMax>),
    TWO(minnm, extremum_of_two<Extremum::kMin>),
    ONE(rintn, round_to_integral<Mode::kNearest>),
    ONE(rintp, round_to_integral<Mode::kUp>),
    ONE(rintm, round_to_integral<Mode::kDown>),
    ONE(rintz, round_to_integral<Mode::kZero>),
    ONE(rinti, round_to_integral<Mode::kNearest>),
    ONE(rintx, (round_to_integral<Mode::kNearest, false>)),
    ONE(rinta, round_away_to_integral),
    COMPARE(cmeq, Compare::kEq, kAsIs),
    COMPARE(cmge, Compare::kLe, kSwapped),
    COMPARE(cmgt, Compare::kLt, kSwapped),
    COMPARE(acge, Compare::kLe, kSwapped, kSigns),
    COMPARE(acgt, Compare::kLt, kSwapped, kSigns),
    COMPARE_ZERO(cmeq, Compare::kEq, kAsIs),
    COMPARE_ZERO(cmge, Compare::kLe, kSwapped),
    COMPARE_ZERO(cmgt, Compare::kLt, kSwapped),
    COMPARE_ZERO(cmle, Compare::kLe, kAsIs),
    COMPARE_ZERO(cmlt, Compare::kLt, kAsIs),
};
#undef BOTH
#undef ONE
#undef TWO
#undef COMPARE
#undef COMPARE_ZERO

} // namespace

std::span<const VectorRow> half_rows() {
  return kRows;
}

} // namespace softhv::jit::vector_fp
