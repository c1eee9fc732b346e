// SPDX-License-Identifier: Apache-2.0
// AdvSIMD saturating arithmetic on lanes that keep their size or double it. Saturation is rare: the
// code computes the modular result, tests whether any lane of it is wrong, and jumps over what sets
// FPSR.QC and puts the limits in place. Lanes beyond a scalar or a 64-bit vector do not count.
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {
namespace {

using isa::InstId;

// Jumps when no bit of `wrong` is set within the extent.
Assembler::Fixup jump_if_none(Assembler& as, const Xmm& wrong, Extent e) {
  test(as, wrong, as.constant(e.low, e.high));
  return as.jump_forward(Cc::kE);
}
// Jumps when all bits of `right` are set within the extent.
Assembler::Fixup jump_if_all(Assembler& as, const Xmm& right, Extent e) {
  test(as, right, as.constant(e.low, e.high));
  return as.jump_forward(Cc::kB);
}
Extent signs_of(Extent e, unsigned size) {
  const u64 signs = replicate(size, sign_bit(size));
  return {e.low & signs, e.high & signs};
}

// --- Sums and differences ------------------------------------------------------------------------

constexpr Binary kAddSigned[] = {SOFTHV_BINARY(paddsb, true), SOFTHV_BINARY(paddsw, true)};
constexpr Binary kAddUnsigned[] = {SOFTHV_BINARY(paddusb, true), SOFTHV_BINARY(paddusw, true)};
constexpr Binary kSubSigned[] = {SOFTHV_BINARY(psubsb, false), SOFTHV_BINARY(psubsw, false)};
constexpr Binary kSubUnsigned[] = {SOFTHV_BINARY(psubusb, false), SOFTHV_BINARY(psubusw, false)};

// kT1 = b in the lanes of 32 or 64 bits where kT0 has the sign bit set, else kT1.
void blend_lanes(Assembler& as, unsigned size, const Xmm& b) {
  if (as.host.avx)
    size == 2 ? as.vblendvps(kT1, kT1, b, kT0) : as.vblendvpd(kT1, kT1, b, kT0);
  else
    size == 2 ? as.blendvps(kT1, b) : as.blendvpd(kT1, b);
}

// kT1 = n + m or n - m, in lanes of 32 or 64 bits. m may be kT0.
void sum_signed(Assembler& as, bool is_sub, unsigned size, Extent e, const Xmm& n, const Xmm& m) {
  apply(as, (is_sub ? kSub : kAdd)[size], kT1, n, m);
  // It overflows where both operands, m negated for a difference, have the sign it has not.
  apply(as, kPxor, kT2, m, is_sub ? n : kT1);
  apply(as, kPxor, kT0, n, kT1);
  apply(as, kPand, kT0, kT0, kT2);
  const Assembler::Fixup fits = jump_if_none(as, kT0, signs_of(e, size));
  set_qc(as);
  zero(as, kT2);
  apply(as, kGreater[size], kT2, kT2, kT1);
  apply(as, kPxor, kT2, kT2, as.constant(replicate(size, sign_bit(size))));
  blend_lanes(as, size, kT2);
  as.bind(fits);
}

void sum_unsigned(Assembler& as, bool is_sub, unsigned size, Extent e, const Xmm& n, const Xmm& m) {
  apply(as, (is_sub ? kSub : kAdd)[size], kT1, n, m);
  // It borrows where m is greater than n, and carries where n is greater than the sum.
  flip_signs(as, size, kT0, is_sub ? m : n);
  flip_signs(as, size, kT2, is_sub ? n : kT1);
  apply(as, kGreater[size], kT0, kT0, kT2);
  const Assembler::Fixup fits = jump_if_none(as, kT0, e);
  set_qc(as);
  if (is_sub)
    apply(as, kPandn, kT1, kT0, kT1);
  else
    apply(as, kPor, kT1, kT1, kT0);
  as.bind(fits);
}

// d = n + m or n - m of bytes or half-words, which saturate on the host; the modular result differs
// where they do. m may be kT0.
void sum_narrow(Assembler& as, const Binary& modular, const Binary& saturating, Extent e,
                const Xmm& d, const Xmm& n, const Xmm& m) {
  apply(as, modular, kT1, n, m);
  apply(as, saturating, d, n, m);
  apply(as, kPxor, kT1, kT1, d);
  const Assembler::Fixup fits = jump_if_none(as, kT1, e);
  set_qc(as);
  as.bind(fits);
}

template <bool kSigned, bool kIsSub>
bool saturating_sum(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  const Extent e = extent(o.word, size);
  if (size < 2) {
    const auto& saturating =
        kSigned ? (kIsSub ? kSubSigned : kAddSigned) : (kIsSub ? kSubUnsigned : kAddUnsigned);
    sum_narrow(as, (kIsSub ? kSub : kAdd)[size], saturating[size], e, o.d, o.n, o.m);
  } else {
    (kSigned ? sum_signed : sum_unsigned)(as, kIsSub, size, e, o.n, o.m);
    move(as, o.d, kT1);
  }
  clear_rest(as, o.d, e);
  return true;
}

// Signed d + unsigned n: too large where the modular sum is less than d.
bool suqadd(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  const Extent e = extent(o.word, size);
  apply(as, kAdd[size], kT1, o.d, o.n);
  apply(as, kGreater[size], kT0, o.d, kT1);
  move(as, o.d, kT1);
  const Assembler::Fixup fits = jump_if_none(as, kT0, e);
  set_qc(as);
  move(as, kT2, as.constant(replicate(size, sign_bit(size) - 1)));
  apply(as, kPand, kT2, kT2, kT0);
  apply(as, kPandn, kT0, kT0, kT1);
  apply(as, kPor, o.d, kT0, kT2);
  as.bind(fits);
  clear_rest(as, o.d, e);
  return true;
}

// Unsigned d + signed n: the modular sum is less than d where n is negative, unless it is wrong.
bool usqadd(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  const Extent e = extent(o.word, size);
  apply(as, kAdd[size], kT1, o.d, o.n);
  flip_signs(as, size, kT0, o.d);
  flip_signs(as, size, kT2, kT1);
  apply(as, kGreater[size], kT0, kT0, kT2);
  zero(as, kT2);
  apply(as, kGreater[size], kT2, kT2, o.n);
  apply(as, kPxor, kT0, kT0, kT2);
  move(as, o.d, kT1);
  const Assembler::Fixup fits = jump_if_none(as, kT0, e);
  set_qc(as);
  apply(as, kPor, kT1, kT1, kT0); // all ones where the sum is too large, and 0 where it is negative
  apply(as, kPand, kT2, kT2, kT0);
  apply(as, kPandn, o.d, kT2, kT1);
  as.bind(fits);
  clear_rest(as, o.d, e);
  return true;
}

// --- Results of which only one is out of range ---------------------------------------------------

// kT0's lanes are exact but for the least signed value, which stands for the greatest plus 1.
void saturate_least(Assembler& as, unsigned size, Extent e) {
  apply(as, kEqual[size], kT1, kT0, as.constant(replicate(size, sign_bit(size))));
  const Assembler::Fixup fits = jump_if_none(as, kT1, e);
  set_qc(as);
  apply(as, kPxor, kT0, kT0, kT1);
  as.bind(fits);
}

void put_result(Assembler& as, const VectorOperands& o, Extent e) {
  move(as, o.d, kT0);
  clear_rest(as, o.d, e);
}

bool sqabs(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  const Extent e = extent(o.word, size);
  absolute(as, size, kT0, o.n);
  saturate_least(as, size, e);
  put_result(as, o, e);
  return true;
}

bool sqneg(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  const Extent e = extent(o.word, size);
  zero(as, kT0);
  apply(as, kSub[size], kT0, kT0, o.n);
  saturate_least(as, size, e);
  put_result(as, o, e);
  return true;
}

// kT0 = the upper halves of doubled products; m may be kT1.
void double_high_halfwords(Assembler& as, bool round, const Xmm& n, const Xmm& m) {
  constexpr Binary kLow = SOFTHV_BINARY(pmullw, true);
  constexpr Binary kHigh = SOFTHV_BINARY(pmulhw, true);
  constexpr Binary kHighRounded = SOFTHV_BINARY(pmulhrsw, true);
  if (round) {
    apply(as, kHighRounded, kT0, n, m);
    return;
  }
  apply(as, kHigh, kT0, n, m);
  apply(as, kLow, kT1, n, m);
  apply(as, kAdd[1], kT0, kT0, kT0);
  apply(as, kShiftRight[1], kT1, kT1, 15);
  apply(as, kPor, kT0, kT0, kT1);
}
void double_high_words(Assembler& as, u64 rounding, const Xmm& n, const Xmm& m) {
  constexpr Binary kWide = SOFTHV_BINARY(pmuldq, true);
  apply(as, kWide, kT0, n, m);
  apply(as, kShiftRight[3], kT2, n, 32);
  apply(as, kShiftRight[3], kT1, m, 32);
  apply(as, kWide, kT1, kT1, kT2);
  if (rounding != 0) {
    apply(as, kAdd[3], kT0, kT0, as.constant(rounding));
    apply(as, kAdd[3], kT1, kT1, as.constant(rounding));
  }
  apply(as, kShiftRight[3], kT0, kT0, 31);
  apply(as, kAdd[3], kT1, kT1, kT1);
  apply(as, kPblendw, kT0, kT0, kT1, 0xcc);
}

constexpr u64 kHalfOfWord = 1ULL << 30;

// To the interpreter where a lane of kT0 has the least value, which stands for the greatest plus 1.
void leave_if_least(Assembler& as, unsigned size, Extent e) {
  apply(as, kEqual[size], kT1, kT0, as.constant(replicate(size, sign_bit(size))));
  test(as, kT1, as.constant(e.low, e.high));
  as.to_interpreter(Cc::kNe);
}

const Xmm& operand_m(Assembler& as, bool by_element, const VectorOperands& o) {
  if (!by_element)
    return o.m;
  broadcast_element(as, kT1, o);
  return kT1;
}

template <bool kRound, bool kByElement>
bool sqdmulh(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  const Extent e = extent(o.word, size);
  const Xmm& m = operand_m(as, kByElement, o);
  if (size == 1)
    double_high_halfwords(as, kRound, o.n, m);
  else
    double_high_words(as, kRound ? kHalfOfWord : 0, o.n, m);
  saturate_least(as, size, e);
  put_result(as, o, e);
  return true;
}

// kT0 = the products' upper halves, rounded, of which d is the sum or difference. They are rounded
// after that: where a product is subtracted, a half down rather than up.
void rounded_half_words(Assembler& as, bool is_sub, Extent e, const VectorOperands& o,
                        const Xmm& m) {
  constexpr Binary kLow = SOFTHV_BINARY(pmullw, true);
  double_high_halfwords(as, true, o.n, m);
  if (is_sub)
    apply(as, kLow, kT2, o.n, m);
  leave_if_least(as, 1, e);
  if (is_sub) {
    apply(as, kPand, kT2, kT2, as.constant(replicate(1, 0x7fff)));
    apply(as, kEqual[1], kT2, kT2, as.constant(replicate(1, 0x4000)));
    apply(as, kAdd[1], kT0, kT0, kT2);
  }
}

// SQRDMLAH and SQRDMLSH.
template <bool kIsSub, bool kByElement>
bool sqrdmlah(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  const Extent e = extent(o.word, size);
  const Xmm& m = operand_m(as, kByElement, o);
  if (size == 1) {
    rounded_half_words(as, kIsSub, e, o, m);
    sum_narrow(as, (kIsSub ? kSub : kAdd)[1], (kIsSub ? kSubSigned : kAddSigned)[1], e, o.d, o.d,
               kT0);
  } else {
    double_high_words(as, kHalfOfWord - (kIsSub ? 1 : 0), o.n, m);
    leave_if_least(as, 2, e);
    sum_signed(as, kIsSub, 2, e, o.d, kT0);
    move(as, o.d, kT1);
  }
  clear_rest(as, o.d, e);
  return true;
}

// kT0 = doubled products, saturated, of twice the size.
Extent double_long(Assembler& as, bool by_element, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  const bool scalar = is_scalar(o.word);
  const Xmm& m = operand_m(as, by_element, o);
  const Extent e = {scalar ? lane_mask(size + 1) : ~0ULL, scalar ? 0 : ~0ULL};
  multiply_long(as, true, size, kT0, o.n, m, !scalar && q_of(o.word));
  apply(as, kAdd[size + 1], kT0, kT0, kT0);
  saturate_least(as, size + 1, e);
  return e;
}

template <bool kByElement>
bool sqdmull(Assembler& as, const VectorOperands& o) {
  put_result(as, o, double_long(as, kByElement, o));
  return true;
}

template <bool kIsSub, bool kByElement>
bool sqdmlal(Assembler& as, const VectorOperands& o) {
  const Extent e = double_long(as, kByElement, o);
  sum_signed(as, kIsSub, size_of(o.word) + 1, e, o.d, kT0);
  move(as, o.d, kT1);
  clear_rest(as, o.d, e);
  return true;
}

// --- Shifts to the left by a constant ------------------------------------------------------------

enum class Kind : u8 { kSigned, kUnsigned, kSignedToUnsigned };

// kT0 = the lanes shifted; kT1 = all ones in those that shifting back restores.
void shift_and_check(Assembler& as, Kind kind, const VectorOperands& o) {
  const ShiftField f = shift_of(o.word);
  if (f.left() == 0) {
    move(as, kT0, o.n);
    ones(as, kT1);
  } else {
    shift_left(as, f.size, kT0, o.n, f.left());
    shift_right(as, kind == Kind::kSigned, f.size, kT1, kT0, f.left());
    apply(as, kEqual[f.size], kT1, kT1, o.n);
  }
  if (kind == Kind::kSignedToUnsigned) { // nor must they be negative
    zero(as, kT2);
    apply(as, kGreater[f.size], kT2, kT2, o.n);
    apply(as, kPandn, kT2, kT2, kT1);
    move(as, kT1, kT2);
  }
}

template <Kind kKind>
bool saturating_left(Assembler& as, const VectorOperands& o) {
  const unsigned size = shift_of(o.word).size;
  const Extent e = extent(o.word, size);
  shift_and_check(as, kKind, o);
  const Assembler::Fixup fits = jump_if_all(as, kT1, e);
  set_qc(as);
  apply(as, kPand, kT0, kT0, kT1);
  if (kKind == Kind::kUnsigned) {
    ones(as, kT2);
  } else {
    zero(as, kT2);
    apply(as, kGreater[size], kT2, kT2, o.n);
    const u64 greatest = kKind == Kind::kSigned ? sign_bit(size) - 1 : lane_mask(size);
    apply(as, kPxor, kT2, kT2, as.constant(replicate(size, greatest)));
  }
  apply(as, kPandn, kT1, kT1, kT2);
  apply(as, kPor, kT0, kT0, kT1);
  as.bind(fits);
  put_result(as, o, e);
  return true;
}

constexpr u8 kReadsElement = kReadsD | kElement;

constexpr VectorRow kRows[] = {
    {InstId::kSqaddVector, saturating_sum<true, false>},
    {InstId::kSqaddScalar, saturating_sum<true, false>},
    {InstId::kUqaddVector, saturating_sum<false, false>},
    {InstId::kUqaddScalar, saturating_sum<false, false>},
    {InstId::kSqsubVector, saturating_sum<true, true>},
    {InstId::kSqsubScalar, saturating_sum<true, true>},
    {InstId::kUqsubVector, saturating_sum<false, true>},
    {InstId::kUqsubScalar, saturating_sum<false, true>},
    {InstId::kSuqaddVector, suqadd, kReadsD},
    {InstId::kSuqaddScalar, suqadd, kReadsD},
    {InstId::kUsqaddVector, usqadd, kReadsD},
    {InstId::kUsqaddScalar, usqadd, kReadsD},
    {InstId::kSqabsVector, sqabs},
    {InstId::kSqabsScalar, sqabs},
    {InstId::kSqnegVector, sqneg},
    {InstId::kSqnegScalar, sqneg},
    {InstId::kSqdmulhVector, sqdmulh<false, false>},
    {InstId::kSqdmulhScalar, sqdmulh<false, false>},
    {InstId::kSqdmulhElement, sqdmulh<false, true>, kElement},
    {InstId::kSqdmulhElementScalar, sqdmulh<false, true>, kElement},
    {InstId::kSqrdmulhVector, sqdmulh<true, false>},
    {InstId::kSqrdmulhScalar, sqdmulh<true, false>},
    {InstId::kSqrdmulhElement, sqdmulh<true, true>, kElement},
    {InstId::kSqrdmulhElementScalar, sqdmulh<true, true>, kElement},
    {InstId::kSqrdmlahVector, sqrdmlah<false, false>, kReadsD},
    {InstId::kSqrdmlahScalar, sqrdmlah<false, false>, kReadsD},
    {InstId::kSqrdmlahElement, sqrdmlah<false, true>, kReadsElement},
    {InstId::kSqrdmlahElementScalar, sqrdmlah<false, true>, kReadsElement},
    {InstId::kSqrdmlshVector, sqrdmlah<true, false>, kReadsD},
    {InstId::kSqrdmlshScalar, sqrdmlah<true, false>, kReadsD},
    {InstId::kSqrdmlshElement, sqrdmlah<true, true>, kReadsElement},
    {InstId::kSqrdmlshElementScalar, sqrdmlah<true, true>, kReadsElement},
    {InstId::kSqdmullVector, sqdmull<false>},
    {InstId::kSqdmullScalar, sqdmull<false>},
    {InstId::kSqdmullElement, sqdmull<true>, kElement},
    {InstId::kSqdmullElementScalar, sqdmull<true>, kElement},
    {InstId::kSqdmlalVector, sqdmlal<false, false>, kReadsD},
    {InstId::kSqdmlalScalar, sqdmlal<false, false>, kReadsD},
    {InstId::kSqdmlalElement, sqdmlal<false, true>, kReadsElement},
    {InstId::kSqdmlalElementScalar, sqdmlal<false, true>, kReadsElement},
    {InstId::kSqdmlslVector, sqdmlal<true, false>, kReadsD},
    {InstId::kSqdmlslScalar, sqdmlal<true, false>, kReadsD},
    {InstId::kSqdmlslElement, sqdmlal<true, true>, kReadsElement},
    {InstId::kSqdmlslElementScalar, sqdmlal<true, true>, kReadsElement},
    {InstId::kSqshlImmediateVector, saturating_left<Kind::kSigned>},
    {InstId::kSqshlImmediateScalar, saturating_left<Kind::kSigned>},
    {InstId::kUqshlImmediateVector, saturating_left<Kind::kUnsigned>},
    {InstId::kUqshlImmediateScalar, saturating_left<Kind::kUnsigned>},
    {InstId::kSqshluVector, saturating_left<Kind::kSignedToUnsigned>},
    {InstId::kSqshluScalar, saturating_left<Kind::kSignedToUnsigned>},
};

} // namespace

std::span<const VectorRow> vector_saturate_rows() {
  return kRows;
}

} // namespace softhv::jit
