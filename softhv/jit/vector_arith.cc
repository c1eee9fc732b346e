// SPDX-License-Identifier: Apache-2.0
// AdvSIMD integer arithmetic on lanes of one size: sums, products, comparisons, minima and maxima.
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {
namespace {

using isa::InstId;

// d = f(n, m) on lanes of the size. d may be n or m; where m is kT1 the function is fit for "by
// element", else it uses kT0 and kT1 freely.
using LaneFunction = void (*)(Assembler&, unsigned size, const Xmm& d, const Xmm& n, const Xmm& m);

template <LaneFunction kFunction>
bool three_same(Assembler& as, const VectorOperands& o) {
  const unsigned size = is_scalar(o.word) ? 3 : size_of(o.word);
  kFunction(as, size, o.d, o.n, o.m);
  clear_rest(as, o.d, extent(o.word, size));
  return true;
}

template <LaneFunction kFunction, const auto& kAccumulate> // kAdd or kSub
bool accumulate(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  kFunction(as, size, kT0, o.n, o.m);
  apply(as, kAccumulate[size], o.d, o.d, kT0);
  clear_rest(as, o.d, extent(o.word, size));
  return true;
}

template <const auto& kOps>
void direct(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& m) {
  apply(as, kOps[size], d, n, m);
}

// --- Products ------------------------------------------------------------------------------------

constexpr Binary kMultiply[] = {{}, SOFTHV_BINARY(pmullw, true), SOFTHV_BINARY(pmulld, true)};

// Bytes as the even and the odd ones of 16-bit lanes.
void multiply_bytes(Assembler& as, const Xmm& d, const Xmm& n, const Xmm& m) {
  const Xbyak::Address even = as.constant(0x00ff'00ff'00ff'00ff);
  const Xbyak::Address odd = as.constant(0xff00'ff00'ff00'ff00);
  apply(as, kShiftRight[1], kT1, m, 8);
  apply(as, kPand, kT2, n, odd);
  apply(as, kMultiply[1], kT1, kT1, kT2);
  apply(as, kMultiply[1], kT0, n, m);
  apply(as, kPand, kT0, kT0, even);
  apply(as, kPor, d, kT0, kT1);
}

void multiply(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& m) {
  if (size == 0)
    multiply_bytes(as, d, n, m);
  else
    apply(as, kMultiply[size], d, n, m);
}

bool multiply_element(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  broadcast_element(as, kT1, o);
  multiply(as, size, o.d, o.n, kT1);
  clear_rest(as, o.d, extent(o.word, size));
  return true;
}

template <const auto& kAccumulate>
bool accumulate_element(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  broadcast_element(as, kT1, o);
  multiply(as, size, kT1, o.n, kT1);
  apply(as, kAccumulate[size], o.d, o.d, kT1);
  clear_rest(as, o.d, extent(o.word, size));
  return true;
}

// Over {0,1}[x]: Horner's rule, from the top bit of m down.
bool multiply_polynomial(Assembler& as, const VectorOperands& o) {
  const Xmm& m = kT1;
  const Xmm& term = kT2;
  zero(as, kT0);
  move(as, m, o.m);
  for (unsigned i = 0; i < 8; ++i) {
    if (i != 0)
      apply(as, kAdd[0], kT0, kT0, kT0);
    zero(as, term);
    apply(as, kGreater[0], term, term, m);
    apply(as, kPand, term, term, o.n);
    apply(as, kPxor, kT0, kT0, term);
    apply(as, kAdd[0], m, m, m);
  }
  move(as, o.d, kT0);
  clear_rest(as, o.d, extent(o.word, 0));
  return true;
}

// --- Dot products --------------------------------------------------------------------------------

constexpr Binary kMultiplyAddPairs = SOFTHV_BINARY(pmaddwd, true);

// Bytes extended to 16 bits: the even ones, then the odd ones.
void even_bytes(Assembler& as, bool is_signed, const Xmm& d, const Xmm& n) {
  if (is_signed) {
    apply(as, kShiftLeft[1], d, n, 8);
    apply(as, kShiftRightSigned[1], d, d, 8);
  } else {
    apply(as, kPand, d, n, as.constant(0x00ff'00ff'00ff'00ff));
  }
}
void odd_bytes(Assembler& as, bool is_signed, const Xmm& d, const Xmm& n) {
  apply(as, is_signed ? kShiftRightSigned[1] : kShiftRight[1], d, n, 8);
}

template <bool kSigned, bool kByElement>
bool dot_product(Assembler& as, const VectorOperands& o) {
  const auto index = bits(o.word, 11, 11) << 1 | bits(o.word, 21, 21);
  const auto m = [&](const Xmm& scratch) -> const Xmm& {
    if (!kByElement)
      return o.m;
    shuffle32(as, scratch, o.m, static_cast<u8>(0x55 * index));
    return scratch;
  };
  even_bytes(as, kSigned, kT1, m(kT1));
  even_bytes(as, kSigned, kT0, o.n);
  apply(as, kMultiplyAddPairs, kT0, kT0, kT1);
  odd_bytes(as, kSigned, kT1, m(kT1));
  odd_bytes(as, kSigned, kT2, o.n);
  apply(as, kMultiplyAddPairs, kT1, kT1, kT2);
  apply(as, kAdd[2], kT0, kT0, kT1);
  apply(as, kAdd[2], o.d, o.d, kT0);
  clear_rest(as, o.d, extent(o.word, 2));
  return true;
}

// --- Comparisons ---------------------------------------------------------------------------------

void invert(Assembler& as, const Xmm& d, const Xmm& n) {
  const Xmm& mask = n.getIdx() == kT0.getIdx() ? kT1 : kT0;
  ones(as, mask);
  apply(as, kPxor, d, n, mask);
}

void greater_equal(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& m) {
  if (size == 3) {
    apply(as, kGreater[3], kT0, m, n);
    invert(as, d, kT0);
  } else {
    apply(as, kMaxSigned[size], kT0, n, m);
    apply(as, kEqual[size], d, kT0, n);
  }
}

void higher(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& m) {
  flip_signs(as, size, kT0, n);
  flip_signs(as, size, kT1, m);
  apply(as, kGreater[size], d, kT0, kT1);
}

void higher_same(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& m) {
  if (size == 3) {
    higher(as, size, kT0, m, n);
    invert(as, d, kT0);
  } else {
    apply(as, kMaxUnsigned[size], kT0, n, m);
    apply(as, kEqual[size], d, kT0, n);
  }
}

void test_bits(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& m) {
  const bool same = n.getIdx() == m.getIdx();
  if (!same)
    apply(as, kPand, kT0, n, m);
  zero(as, kT1);
  apply(as, kEqual[size], kT0, same ? n : kT0, kT1);
  apply(as, kEqual[size], d, kT0, kT1);
}

// With zero; these ignore m.
void equal_zero(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& /*m*/) {
  zero(as, kT0);
  apply(as, kEqual[size], d, n, kT0);
}
void greater_zero(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& /*m*/) {
  zero(as, kT0);
  apply(as, kGreater[size], d, n, kT0);
}
void greater_equal_zero(Assembler& as, unsigned size, const Xmm& d, const Xmm& n,
                        const Xmm& /*m*/) {
  ones(as, kT0);
  apply(as, kGreater[size], d, n, kT0);
}
void less_zero(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& /*m*/) {
  if (size == 1 || size == 2) {
    apply(as, kShiftRightSigned[size], d, n, static_cast<u8>((8U << size) - 1));
  } else {
    zero(as, kT0);
    apply(as, kGreater[size], d, kT0, n);
  }
}
void less_equal_zero(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& /*m*/) {
  move(as, kT0, as.constant(replicate(size, 1)));
  apply(as, kGreater[size], d, kT0, n);
}

// --- Differences, means, signs -------------------------------------------------------------------

template <const auto& kMax, const auto& kMin>
void difference(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& m) {
  apply(as, kMax[size], kT0, n, m);
  apply(as, kMin[size], kT1, n, m);
  apply(as, kSub[size], d, kT0, kT1);
}
constexpr LaneFunction kDifferenceSigned = difference<kMaxSigned, kMinSigned>;
constexpr LaneFunction kDifferenceUnsigned = difference<kMaxUnsigned, kMinUnsigned>;

constexpr Binary kAverage[] = {SOFTHV_BINARY(pavgb, true), SOFTHV_BINARY(pavgw, true)};

// (n + m + 1) >> 1 = (n | m) - ((n ^ m) >> 1)
void mean_up(Assembler& as, bool is_signed, unsigned size, const Xmm& d, const Xmm& n,
             const Xmm& m) {
  if (!is_signed && size < 2) {
    apply(as, kAverage[size], d, n, m);
  } else if (size == 0) { // there are no shifts of bytes
    flip_signs(as, 0, kT0, n);
    flip_signs(as, 0, kT1, m);
    apply(as, kAverage[0], kT0, kT0, kT1);
    flip_signs(as, 0, d, kT0);
  } else {
    apply(as, kPxor, kT0, n, m);
    apply(as, is_signed ? kShiftRightSigned[size] : kShiftRight[size], kT0, kT0, 1);
    apply(as, kPor, kT1, n, m);
    apply(as, kSub[size], d, kT1, kT0);
  }
}
// (n + m) >> 1 = (n & m) + ((n ^ m) >> 1)
void mean_down(Assembler& as, bool is_signed, unsigned size, const Xmm& d, const Xmm& n,
               const Xmm& m) {
  if (size == 0) {
    const Xmm& mean = kT0;
    mean_up(as, is_signed, 0, mean, n, m);
    apply(as, kPxor, kT1, n, m);
    apply(as, kPand, kT1, kT1, as.constant(replicate(0, 1)));
    apply(as, kSub[0], d, mean, kT1);
  } else {
    apply(as, kPxor, kT0, n, m);
    apply(as, is_signed ? kShiftRightSigned[size] : kShiftRight[size], kT0, kT0, 1);
    apply(as, kPand, kT1, n, m);
    apply(as, kAdd[size], d, kT1, kT0);
  }
}

template <bool kSigned>
void halving_add(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& m) {
  mean_down(as, kSigned, size, d, n, m);
}
template <bool kSigned>
void rounding_halving_add(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& m) {
  mean_up(as, kSigned, size, d, n, m);
}
// As n - m is n + ~m + 1, less 2^width where lanes are unsigned.
template <bool kSigned>
void halving_sub(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& m) {
  ones(as, kT2);
  apply(as, kPxor, kT2, kT2, m);
  if (kSigned) {
    mean_up(as, true, size, d, n, kT2);
  } else {
    mean_up(as, false, size, kT0, n, kT2);
    flip_signs(as, size, d, kT0);
  }
}

void absolute_lanes(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& /*m*/) {
  absolute(as, size, d, n);
}
void negate(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& /*m*/) {
  zero(as, kT0);
  apply(as, kSub[size], d, kT0, n);
}

constexpr u8 kReadsElement = kReadsD | kElement;

constexpr VectorRow kRows[] = {
    {InstId::kAddVector, three_same<direct<kAdd>>},
    {InstId::kAddScalar, three_same<direct<kAdd>>},
    {InstId::kSubVector, three_same<direct<kSub>>},
    {InstId::kSubScalar, three_same<direct<kSub>>},
    {InstId::kMulVector, three_same<multiply>},
    {InstId::kMlaVector, accumulate<multiply, kAdd>, kReadsD},
    {InstId::kMlsVector, accumulate<multiply, kSub>, kReadsD},
    {InstId::kMulElement, multiply_element, kElement},
    {InstId::kMlaElement, accumulate_element<kAdd>, kReadsElement},
    {InstId::kMlsElement, accumulate_element<kSub>, kReadsElement},
    {InstId::kPmulVector, multiply_polynomial},
    {InstId::kSdotVector, dot_product<true, false>, kReadsD},
    {InstId::kUdotVector, dot_product<false, false>, kReadsD},
    {InstId::kSdotElement, dot_product<true, true>, kReadsD},
    {InstId::kUdotElement, dot_product<false, true>, kReadsD},

    {InstId::kCmeqRegisterVector, three_same<direct<kEqual>>},
    {InstId::kCmeqRegisterScalar, three_same<direct<kEqual>>},
    {InstId::kCmgtRegisterVector, three_same<direct<kGreater>>},
    {InstId::kCmgtRegisterScalar, three_same<direct<kGreater>>},
    {InstId::kCmgeRegisterVector, three_same<greater_equal>},
    {InstId::kCmgeRegisterScalar, three_same<greater_equal>},
    {InstId::kCmhiVector, three_same<higher>},
    {InstId::kCmhiScalar, three_same<higher>},
    {InstId::kCmhsVector, three_same<higher_same>},
    {InstId::kCmhsScalar, three_same<higher_same>},
    {InstId::kCmtstVector, three_same<test_bits>},
    {InstId::kCmtstScalar, three_same<test_bits>},
    {InstId::kCmeqZeroVector, three_same<equal_zero>},
    {InstId::kCmeqZeroScalar, three_same<equal_zero>},
    {InstId::kCmgtZeroVector, three_same<greater_zero>},
    {InstId::kCmgtZeroScalar, three_same<greater_zero>},
    {InstId::kCmgeZeroVector, three_same<greater_equal_zero>},
    {InstId::kCmgeZeroScalar, three_same<greater_equal_zero>},
    {InstId::kCmltZeroVector, three_same<less_zero>},
    {InstId::kCmltZeroScalar, three_same<less_zero>},
    {InstId::kCmleZeroVector, three_same<less_equal_zero>},
    {InstId::kCmleZeroScalar, three_same<less_equal_zero>},

    {InstId::kSmaxVector, three_same<direct<kMaxSigned>>},
    {InstId::kUmaxVector, three_same<direct<kMaxUnsigned>>},
    {InstId::kSminVector, three_same<direct<kMinSigned>>},
    {InstId::kUminVector, three_same<direct<kMinUnsigned>>},
    {InstId::kSabdVector, three_same<kDifferenceSigned>},
    {InstId::kUabdVector, three_same<kDifferenceUnsigned>},
    {InstId::kSabaVector, accumulate<kDifferenceSigned, kAdd>, kReadsD},
    {InstId::kUabaVector, accumulate<kDifferenceUnsigned, kAdd>, kReadsD},
    {InstId::kShaddVector, three_same<halving_add<true>>},
    {InstId::kUhaddVector, three_same<halving_add<false>>},
    {InstId::kSrhaddVector, three_same<rounding_halving_add<true>>},
    {InstId::kUrhaddVector, three_same<rounding_halving_add<false>>},
    {InstId::kShsubVector, three_same<halving_sub<true>>},
    {InstId::kUhsubVector, three_same<halving_sub<false>>},
    {InstId::kAbsVector, three_same<absolute_lanes>},
    {InstId::kAbsScalar, three_same<absolute_lanes>},
    {InstId::kNegVector, three_same<negate>},
    {InstId::kNegScalar, three_same<negate>},
};

} // namespace

std::span<const VectorRow> vector_arith_rows() {
  return kRows;
}

} // namespace softhv::jit
