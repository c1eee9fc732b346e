// SPDX-License-Identifier: Apache-2.0
// AdvSIMD instructions whose result lanes are half as wide as their operands'. A result fills half
// a register: the "2" forms, which have Q set, put it into the upper half of d and keep the lower,
// the others clear the upper half.
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {
namespace {

using isa::InstId;

// The result is the lower half of `narrow`.
void put_half(Assembler& as, const VectorOperands& o, const Xmm& narrow) {
  if (!is_scalar(o.word) && q_of(o.word))
    apply(as, kUnpackLow[3], o.d, o.d, narrow);
  else
    move_low(as, o.d, narrow);
}

// d's lower half = the lower parts of n's lanes, which are twice the size, or the upper parts.
void take_halves(Assembler& as, unsigned size, bool upper, const Xmm& d, const Xmm& n) {
  apply(as, kPshufb, d, n, as.constant(every_other_lane(size, upper ? 1 : 0), kNoBytes));
}

void narrow(Assembler& as, const VectorOperands& o, unsigned size, bool upper, const Xmm& n) {
  const bool second = q_of(o.word);
  take_halves(as, size, upper, second ? kT0 : o.d, n);
  if (second)
    put_half(as, o, kT0);
}

bool xtn(Assembler& as, const VectorOperands& o) {
  narrow(as, o, size_of(o.word), false, o.n);
  return true;
}

// Bits beyond the wide lane would only matter if they were kept.
template <bool kRound>
bool shrn(Assembler& as, const VectorOperands& o) {
  const ShiftField f = shift_of(o.word);
  const Xmm* n = &o.n;
  if (kRound) {
    apply(as, kAdd[f.size + 1], kT0, *n,
          as.constant(replicate(f.size + 1, 1ULL << (f.right() - 1))));
    n = &kT0;
  }
  const bool upper = f.right() == 8U << f.size;
  if (!upper) {
    apply(as, kShiftRight[f.size + 1], kT0, *n, f.right());
    n = &kT0;
  }
  narrow(as, o, f.size, upper, *n);
  return true;
}

template <const auto& kOps, bool kRound>
bool high_half(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  apply(as, kOps[size + 1], kT0, o.n, o.m);
  if (kRound)
    apply(as, kAdd[size + 1], kT0, kT0, as.constant(replicate(size + 1, sign_bit(size))));
  narrow(as, o, size, true, kT0);
  return true;
}

// --- With saturation -----------------------------------------------------------------------------

// From what to what: SQXTN, UQXTN and SQXTUN are the plain ones of each kind.
enum class Kind : u8 { kSigned, kUnsigned, kSignedToUnsigned };

constexpr Binary kPackSigned[] = {SOFTHV_BINARY(packsswb, false), SOFTHV_BINARY(packssdw, false)};
constexpr Binary kPackUnsigned[] = {SOFTHV_BINARY(packuswb, false), SOFTHV_BINARY(packusdw, false)};

constexpr u8 kEvenWords = 0b10'00;

// kT1's lower half = n's doublewords, saturated, for which the host has no instruction. kT2 has
// those that fit set to ones. n may be kT0.
void saturate_doublewords(Assembler& as, const Xmm& n, Kind kind) {
  constexpr u64 kMaxima[] = {0x7fff'ffff, 0xffff'ffff, 0xffff'ffff};
  const Xbyak::Address maximum = as.constant(kMaxima[static_cast<u8>(kind)]);
  apply(as, kPand, kT1, kT2, n);
  // The sign, in all of a lane, makes the limits for those that do not fit.
  apply(as, kShiftRightSigned[2], kT0, n, 31);
  shuffle32(as, kT0, kT0, 0xf5);
  if (kind == Kind::kSigned)
    apply(as, kPxor, kT0, kT0, maximum);
  else if (kind == Kind::kSignedToUnsigned)
    apply(as, kPandn, kT0, kT0, maximum);
  else
    move(as, kT0, maximum);
  apply(as, kPandn, kT2, kT2, kT0);
  apply(as, kPor, kT1, kT1, kT2);
  shuffle32(as, kT1, kT1, kEvenWords);
}

void narrow_doublewords(Assembler& as, const Xmm& n, Kind kind) {
  shuffle32(as, kT1, n, kEvenWords);
  if (kind == Kind::kSigned)
    apply(as, kExtendSigned[2], kT2, kT1);
  else
    apply(as, kPand, kT2, n, as.constant(0xffff'ffff));
  apply(as, kEqual[3], kT2, kT2, n);
  test(as, kT2, as.constant(~0ULL));
  const Assembler::Fixup fits = as.jump_forward(Cc::kB);
  set_qc(as);
  saturate_doublewords(as, n, kind);
  as.bind(fits);
}

// kT1's lower half = n's wide lanes, saturated. n may be kT0.
void narrow_saturated(Assembler& as, unsigned size, const Xmm& n, Kind kind) {
  if (size == 2) {
    narrow_doublewords(as, n, kind);
    return;
  }
  if (kind == Kind::kUnsigned) {
    const u64 narrow_lane = replicate(size + 1, lane_mask(size));
    test(as, n, as.constant(~narrow_lane));
    apply(as, kMinUnsigned[size + 1], kT1, n, as.constant(narrow_lane));
    apply(as, kPackUnsigned[size], kT1, kT1, kT1);
  } else {
    const bool is_signed = kind == Kind::kSigned;
    apply(as, (is_signed ? kPackSigned : kPackUnsigned)[size], kT1, n, n);
    apply(as, (is_signed ? kExtendSigned : kExtendUnsigned)[size], kT2, kT1);
    apply(as, kPxor, kT2, kT2, n);
    test(as, kT2, kT2);
  }
  const Assembler::Fixup fits = as.jump_forward(Cc::kE);
  set_qc(as);
  as.bind(fits);
}

// n, or kT0 with the one lane of a scalar and zeros.
const Xmm& source(Assembler& as, const VectorOperands& o, unsigned size) {
  if (!is_scalar(o.word))
    return o.n;
  if (size == 2)
    move_low(as, kT0, o.n);
  else
    apply(as, kPand, kT0, o.n, as.constant(lane_mask(size + 1), 0));
  return kT0;
}

template <Kind kKind>
bool saturating_narrow(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  narrow_saturated(as, size, source(as, o, size), kKind);
  put_half(as, o, kT1);
  return true;
}

template <Kind kKind, bool kRound>
bool saturating_shift(Assembler& as, const VectorOperands& o) {
  constexpr bool kSigned = kKind != Kind::kUnsigned;
  const ShiftField f = shift_of(o.word);
  const auto shift = kRound ? shift_right_rounded : shift_right;
  shift(as, kSigned, f.size + 1, kT0, source(as, o, f.size), f.right());
  narrow_saturated(as, f.size, kT0, kKind);
  put_half(as, o, kT1);
  return true;
}

// d is read by the "2" forms alone; scalars have none.
constexpr VectorRow kRows[] = {
    {InstId::kXtnVector, xtn, kReadsD},
    {InstId::kShrnVector, shrn<false>, kReadsD},
    {InstId::kRshrnVector, shrn<true>, kReadsD},
    {InstId::kAddhnVector, high_half<kAdd, false>, kReadsD},
    {InstId::kRaddhnVector, high_half<kAdd, true>, kReadsD},
    {InstId::kSubhnVector, high_half<kSub, false>, kReadsD},
    {InstId::kRsubhnVector, high_half<kSub, true>, kReadsD},
    {InstId::kSqxtnVector, saturating_narrow<Kind::kSigned>, kReadsD},
    {InstId::kSqxtnScalar, saturating_narrow<Kind::kSigned>},
    {InstId::kUqxtnVector, saturating_narrow<Kind::kUnsigned>, kReadsD},
    {InstId::kUqxtnScalar, saturating_narrow<Kind::kUnsigned>},
    {InstId::kSqxtunVector, saturating_narrow<Kind::kSignedToUnsigned>, kReadsD},
    {InstId::kSqxtunScalar, saturating_narrow<Kind::kSignedToUnsigned>},
    {InstId::kSqshrnVector, saturating_shift<Kind::kSigned, false>, kReadsD},
    {InstId::kSqshrnScalar, saturating_shift<Kind::kSigned, false>},
    {InstId::kUqshrnVector, saturating_shift<Kind::kUnsigned, false>, kReadsD},
    {InstId::kUqshrnScalar, saturating_shift<Kind::kUnsigned, false>},
    {InstId::kSqshrunVector, saturating_shift<Kind::kSignedToUnsigned, false>, kReadsD},
    {InstId::kSqshrunScalar, saturating_shift<Kind::kSignedToUnsigned, false>},
    {InstId::kSqrshrnVector, saturating_shift<Kind::kSigned, true>, kReadsD},
    {InstId::kSqrshrnScalar, saturating_shift<Kind::kSigned, true>},
    {InstId::kUqrshrnVector, saturating_shift<Kind::kUnsigned, true>, kReadsD},
    {InstId::kUqrshrnScalar, saturating_shift<Kind::kUnsigned, true>},
    {InstId::kSqrshrunVector, saturating_shift<Kind::kSignedToUnsigned, true>, kReadsD},
    {InstId::kSqrshrunScalar, saturating_shift<Kind::kSignedToUnsigned, true>},
};

} // namespace

std::span<const VectorRow> vector_narrow_rows() {
  return kRows;
}

} // namespace softhv::jit
