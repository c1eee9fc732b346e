// SPDX-License-Identifier: Apache-2.0
// Floating-point arithmetic: sums, products, quotients, roots, maxima; scalar, vector, of pairs and
// across lanes, and by element.
#include "softhv/jit/vector_fp.h"

namespace softhv::jit::vector_fp {
namespace {

// Where the two sources of an operation are.
enum class Source : u8 {
  kRegisters, // Vn and Vm
  kElement,   // Vn and an element of Vm
  kPairs,     // vector: the even and the odd lanes of Vm:Vn; scalar: lanes 0 and 1 of Vn
};

// Orders of shuffle32().
constexpr u8 kEven = 0x88, kOdd = 0xdd, kSwapNeighbours = 0xb1;

// The element of Vm, in every lane that counts: H:L is its index for singles, H for doubles.
Xmm element(Assembler& as, Lanes l, const VectorOperands& o, const Xmm& d) {
  const bool h = bit(o.word, 11);
  const bool low = bit(o.word, 21);
  const auto index = static_cast<u8>(l.is_double ? h : h << 1 | low);
  if (!l.packed() && index == 0)
    return o.m;
  if (!l.is_double)
    shuffle32(as, d, o.m, static_cast<u8>(index * 0x55));
  else if (index == 0)
    double_low(as, d, o.m);
  else
    shuffle32(as, d, o.m, kHighTwice);
  return d;
}

Pair pairs(Assembler& as, Lanes l, const VectorOperands& o) {
  if (!l.packed()) {
    shuffle32(as, kT1, o.n, l.is_double ? kHighTwice : 0x55);
    return {o.n, kT1};
  }
  if (l.is_double) {
    low_halves(as, kT0, o.n, o.m);
    high_halves(as, kT1, o.n, o.m);
  } else if (l.count == Lanes::kAll) {
    apply(as, kShufps, kT0, o.n, o.m, kEven);
    apply(as, kShufps, kT1, o.n, o.m, kOdd);
  } else {
    low_halves(as, kT2, o.n, o.m);
    shuffle32(as, kT0, kT2, kEven);
    shuffle32(as, kT1, kT2, kOdd);
  }
  return {kT0, kT1};
}

// In operands, kT0 (the first) or kT1 (the second).
Pair sources(Assembler& as, Lanes l, const VectorOperands& o, Source source,
             Upper upper = Upper::kZeros) {
  switch (source) {
  case Source::kPairs: return pairs(as, l, o);
  case Source::kElement:
    return {operand(as, l, o.n, kT0, Upper::kLowAgain), element(as, l, o, kT1)};
  default: break;
  }
  const Xmm a = operand(as, l, o.n, kT0, upper);
  return {a, o.n.getIdx() == o.m.getIdx() ? a : operand(as, l, o.m, kT1, upper)};
}

enum class After : u8 { kNothing, kNegate, kMagnitude };

void change_sign(Assembler& as, Lanes l, After after) {
  if (after == After::kNegate)
    bit_xor(as, kT0, kT0, as.constant(l.sign()));
  else if (after == After::kMagnitude)
    bit_and(as, kT0, kT0, as.constant(~l.sign()));
}

template <Kind kKind, HostBinary kOperation, Check kCheck, Source kSource = Source::kRegisters,
          After kAfter = After::kNothing>
bool binary(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<kKind>(o.word);
  const bool divides = kOperation == static_cast<HostBinary>(div); // not zero by zero
  const Pair p = sources(as, l, o, kSource, divides ? Upper::kLowAgain : Upper::kZeros);
  kOperation(as, l, kT0, p.a, p.b);
  check(as, l, kT0, kCheck);
  change_sign(as, l, kAfter);
  finish(as, l, o.d, kT0);
  return true;
}

template <Kind kKind>
bool square_root(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<kKind>(o.word);
  const Xmm n = operand(as, l, o.n, kT0);
  if (!as.host.avx) {
    HOST_FORMS(sqrt, kT0, n)
  } else if (l.packed()) {
    l.is_double ? as.vsqrtpd(kT0, n) : as.vsqrtps(kT0, n);
  } else {
    l.is_double ? as.vsqrtsd(kT0, n, n) : as.vsqrtss(kT0, n, n);
  }
  check(as, l, kT0, Check::kNan);
  finish(as, l, o.d, kT0);
  return true;
}

// --- Maxima and minima ---------------------------------------------------------------------------

template <Kind kKind, Extremum kWhich, Source kSource = Source::kRegisters>
bool extremum_of_two(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<kKind>(o.word);
  const Pair p = sources(as, l, o, kSource);
  leave_if_unordered(as, l, p.a, p.b);
  extremum(as, l, p, kWhich);
  finish(as, l, o.d, kT0);
  return true;
}

// Four singles.
template <Extremum kWhich>
bool extremum_across(Assembler& as, const VectorOperands& o) {
  const Lanes l{.is_double = false, .count = Lanes::kAll};
  leave_if_unordered(as, l, o.n, o.n);
  shuffle32(as, kT1, o.n, kSwapHalves);
  extremum(as, l, {o.n, kT1}, kWhich);
  shuffle32(as, kT1, kT0, kSwapNeighbours);
  extremum(as, l, {kT0, kT1}, kWhich);
  finish(as, {.is_double = false, .count = Lanes::kOne}, o.d, kT0);
  return true;
}

// --- Multiply-add --------------------------------------------------------------------------------

// d = +-(a * b) +- d, rounded once.
using HostFused = void (*)(Assembler&, Lanes, const Xmm& d, const Xmm& a, const Xmm& b);
#define HOST_FUSED(name)                                                                           \
  void name(Assembler& as, Lanes l, const Xmm& d, const Xmm& a, const Xmm& b) {                    \
    HOST_FORMS(v##name##231, d, a, b)                                                              \
  }
HOST_FUSED(fmadd)
HOST_FUSED(fmsub)
HOST_FUSED(fnmadd)
HOST_FUSED(fnmsub)
#undef HOST_FUSED

template <HostFused kOperation>
bool multiply_add(Assembler& as, const VectorOperands& o) {
  if (!as.host.fma)
    return false;
  const Lanes l = lanes_of<Kind::kScalar>(o.word);
  move(as, kT0, o.a);
  kOperation(as, l, kT0, o.n, o.m);
  check(as, l, kT0, Check::kNanOrTiny);
  finish(as, l, o.d, kT0);
  return true;
}

template <Kind kKind, HostFused kOperation, Source kSource = Source::kRegisters>
bool accumulate(Assembler& as, const VectorOperands& o) {
  if (!as.host.fma)
    return false;
  const Lanes l = lanes_of<kKind>(o.word);
  constexpr bool kByElement = kSource == Source::kElement;
  constexpr Upper kUpper = kByElement ? Upper::kLowAgain : Upper::kZeros;
  const Xmm m = kByElement ? element(as, l, o, kT1) : operand(as, l, o.m, kT1);
  const Xmm n = operand(as, l, o.n, kT2, kUpper);
  move(as, kT0, operand(as, l, o.d, kT0, kUpper));
  kOperation(as, l, kT0, n, m);
  check(as, l, kT0, Check::kNanOrTiny);
  finish(as, l, o.d, kT0);
  return true;
}

// --- Steps of Newton and Raphson, and FMULX ------------------------------------------------------

// To the interpreter unless every |x| is below 2^63 (singles) or 2^511 (doubles): products then
// neither overflow nor are infinity times zero. Uses kT2 and kScratch0.
void leave_unless_moderate(Assembler& as, Lanes l, const Xmm& x) {
  leave_unless_below(as, l, x, {0x5f00'0000, 0x5fe0'0000}, kT2);
}

// FRECPS: 2 - n * m; FRSQRTS: (3 - n * m) / 2; rounded once. Neither can be tiny.
enum class Step : u8 { kReciprocal, kRoot };

template <Kind kKind, Step kStep>
bool newton_step(Assembler& as, const VectorOperands& o) {
  if (!as.host.fma)
    return false;
  constexpr bool kIsRoot = kStep == Step::kRoot;
  const Lanes l = lanes_of<kKind>(o.word);
  const Pair p = sources(as, l, o, Source::kRegisters);
  leave_unless_moderate(as, l, p.a);
  leave_unless_moderate(as, l, p.b);
  as.vmovaps(kT2, as.constant(kIsRoot ? l.fill(0x4040'0000, 0x4008'0000'0000'0000)
                                      : l.fill(0x4000'0000, 0x4000'0000'0000'0000)));
  fnmadd(as, l, kT2, p.a, p.b);
  if (kIsRoot)
    mul(as, l, kT2, kT2, as.constant(l.fill(0x3f00'0000, 0x3fe0'0000'0000'0000)));
  finish(as, l, o.d, kT2);
  return true;
}

template <Kind kKind, Source kSource = Source::kRegisters>
bool multiply_extended(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<kKind>(o.word);
  const Pair p = sources(as, l, o, kSource);
  leave_unless_moderate(as, l, p.a);
  leave_unless_moderate(as, l, p.b);
  mul(as, l, kT0, p.a, p.b);
  check(as, l, kT0, Check::kNanOrTiny);
  finish(as, l, o.d, kT0);
  return true;
}

using enum isa::InstId;
constexpr auto kScalar = Kind::kScalar;
constexpr auto kVector = Kind::kVector;
constexpr auto kTiny = Check::kNanOrTiny;
constexpr u8 kAccumulates = kUsesFpcr | kReadsD;

constexpr VectorRow kRows[] = {
    {kFaddScalar, binary<kScalar, add, Check::kNan>, kUsesFpcr},
    {kFaddVector, binary<kVector, add, Check::kNan>, kUsesFpcr},
    {kFaddpScalar, binary<kScalar, add, Check::kNan, Source::kPairs>, kUsesFpcr},
    {kFaddpVector, binary<kVector, add, Check::kNan, Source::kPairs>, kUsesFpcr},
    {kFsubScalar, binary<kScalar, sub, Check::kNan>, kUsesFpcr},
    {kFsubVector, binary<kVector, sub, Check::kNan>, kUsesFpcr},
    {kFabdScalar, binary<kScalar, sub, Check::kNan, Source::kRegisters, After::kMagnitude>,
     kUsesFpcr},
    {kFabdVector, binary<kVector, sub, Check::kNan, Source::kRegisters, After::kMagnitude>,
     kUsesFpcr},
    {kFmulScalar, binary<kScalar, mul, kTiny>, kUsesFpcr},
    {kFmulVector, binary<kVector, mul, kTiny>, kUsesFpcr},
    {kFmulElementScalar, binary<kScalar, mul, kTiny, Source::kElement>, kUsesFpcr},
    {kFmulElementVector, binary<kVector, mul, kTiny, Source::kElement>, kUsesFpcr},
    {kFnmulScalar, binary<kScalar, mul, kTiny, Source::kRegisters, After::kNegate>, kUsesFpcr},
    {kFmulxScalar, multiply_extended<kScalar>, kUsesFpcr},
    {kFmulxVector, multiply_extended<kVector>, kUsesFpcr},
    {kFmulxElementScalar, multiply_extended<kScalar, Source::kElement>, kUsesFpcr},
    {kFmulxElementVector, multiply_extended<kVector, Source::kElement>, kUsesFpcr},
    {kFdivScalar, binary<kScalar, div, Check::kNan>, kUsesFpcr},
    {kFdivVector, binary<kVector, div, Check::kNan>, kUsesFpcr},
    {kFsqrtScalar, square_root<kScalar>, kUsesFpcr},
    {kFsqrtVector, square_root<kVector>, kUsesFpcr},

    {kFmadd, multiply_add<fmadd>, kUsesFpcr},
    {kFmsub, multiply_add<fnmadd>, kUsesFpcr},
    {kFnmadd, multiply_add<fnmsub>, kUsesFpcr},
    {kFnmsub, multiply_add<fmsub>, kUsesFpcr},
    {kFmlaVector, accumulate<kVector, fmadd>, kAccumulates},
    {kFmlaElementScalar, accumulate<kScalar, fmadd, Source::kElement>, kAccumulates},
    {kFmlaElementVector, accumulate<kVector, fmadd, Source::kElement>, kAccumulates},
    {kFmlsVector, accumulate<kVector, fnmadd>, kAccumulates},
    {kFmlsElementScalar, accumulate<kScalar, fnmadd, Source::kElement>, kAccumulates},
    {kFmlsElementVector, accumulate<kVector, fnmadd, Source::kElement>, kAccumulates},
    {kFrecpsScalar, newton_step<kScalar, Step::kReciprocal>, kUsesFpcr},
    {kFrecpsVector, newton_step<kVector, Step::kReciprocal>, kUsesFpcr},
    {kFrsqrtsScalar, newton_step<kScalar, Step::kRoot>, kUsesFpcr},
    {kFrsqrtsVector, newton_step<kVector, Step::kRoot>, kUsesFpcr},

#define EXTREMUM(name, which)                                                                      \
  {kF##name##Scalar, extremum_of_two<kScalar, which>, kUsesFpcr},                                  \
      {kF##name##Vector, extremum_of_two<kVector, which>, kUsesFpcr},                              \
      {kF##name##pScalar, extremum_of_two<kScalar, which, Source::kPairs>, kUsesFpcr},             \
      {kF##name##pVector, extremum_of_two<kVector, which, Source::kPairs>, kUsesFpcr},             \
      {kF##name##v, extremum_across<which>, kUsesFpcr},
    EXTREMUM(max, Extremum::kMax)   //
    EXTREMUM(min, Extremum::kMin)   //
    EXTREMUM(maxnm, Extremum::kMax) //
    EXTREMUM(minnm, Extremum::kMin) //
#undef EXTREMUM
};

} // namespace

std::span<const VectorRow> arith_rows() {
  return kRows;
}

} // namespace softhv::jit::vector_fp
