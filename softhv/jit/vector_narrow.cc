// SPDX-License-Identifier: Apache-2.0
// AdvSIMD instructions whose result lanes are half as wide as their operands'. A result fills half
// a register: the "2" forms, which have Q set, put it into the upper half of d and keep the lower,
// the others clear the upper half.
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {
namespace {

using isa::InstId;

// The result is kT0's lower half, its upper half zero.
void put_half(Assembler& as, const VectorOperands& o) {
  if (!is_scalar(o.word) && q_of(o.word))
    apply(as, kUnpackLow[3], o.d, o.d, kT0);
  else
    move(as, o.d, kT0);
}

// d's lower half = the lower parts of n's lanes, which are twice the size, or the upper parts.
void take_halves(Assembler& as, unsigned size, bool upper, const Xmm& d, const Xmm& n) {
  apply(as, kPshufb, d, n, as.constant(every_other_lane(size, upper ? 1 : 0), kNoBytes));
}

void narrow(Assembler& as, const VectorOperands& o, unsigned size, bool upper, const Xmm& n) {
  const bool second = q_of(o.word);
  take_halves(as, size, upper, second ? kT0 : o.d, n);
  if (second)
    put_half(as, o);
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

// kT0 = saturated kT0 where lanes narrow to 32 bits, for which the host has no instruction: kT1 has
// those that fit set to ones.
void saturate_doublewords(Assembler& as, Kind kind) {
  constexpr u64 kMaxima[] = {0x7fff'ffff, 0xffff'ffff, 0xffff'ffff};
  apply(as, kPand, kT2, kT1, kT0); // the lanes that fit
  // The sign, in all of a lane, makes the limits for the others.
  apply(as, kShiftRightSigned[2], kT0, kT0, 31);
  shuffle32(as, kT0, kT0, 0xf5);
  const Xbyak::Address maximum = as.constant(kMaxima[static_cast<u8>(kind)]);
  if (kind == Kind::kSigned)
    apply(as, kPxor, kT0, kT0, maximum);
  else if (kind == Kind::kSignedToUnsigned)
    apply(as, kPandn, kT0, kT0, maximum);
  else
    move(as, kT0, maximum);
  apply(as, kPandn, kT1, kT1, kT0);
  apply(as, kPor, kT0, kT2, kT1);
}

// kT1 = which of kT0's doublewords are their own lower halves extended.
void find_fitting(Assembler& as, Kind kind) {
  if (kind == Kind::kSigned) {
    shuffle32(as, kT1, kT0, 0b10'00);
    apply(as, kExtendSigned[2], kT1, kT1);
  } else {
    apply(as, kPand, kT1, kT0, as.constant(0xffff'ffff));
  }
  apply(as, kEqual[3], kT1, kT1, kT0);
}

void narrow_doublewords(Assembler& as, Kind kind) {
  find_fitting(as, kind);
  test(as, kT1, as.constant(~0ULL));
  const Assembler::Fixup fits = as.jump_forward(Cc::kB);
  set_qc(as);
  saturate_doublewords(as, kind);
  as.bind(fits);
  take_halves(as, 2, false, kT0, kT0);
}

// kT0's wide lanes to narrow ones in its lower half, with saturation.
void narrow_saturated(Assembler& as, unsigned size, Kind kind) {
  if (size == 2) {
    narrow_doublewords(as, kind);
    return;
  }
  zero(as, kT1);
  if (kind == Kind::kUnsigned) {
    const u64 narrow_lane = replicate(size + 1, lane_mask(size));
    test(as, kT0, as.constant(~narrow_lane));
    apply(as, kMinUnsigned[size + 1], kT0, kT0, as.constant(narrow_lane));
    apply(as, kPackUnsigned[size], kT0, kT0, kT1);
  } else {
    const bool is_signed = kind == Kind::kSigned;
    move(as, kT2, kT0);
    apply(as, (is_signed ? kPackSigned : kPackUnsigned)[size], kT0, kT0, kT1);
    apply(as, (is_signed ? kExtendSigned : kExtendUnsigned)[size], kT1, kT0);
    apply(as, kPxor, kT1, kT1, kT2);
    test(as, kT1, kT1);
  }
  const Assembler::Fixup fits = as.jump_forward(Cc::kE);
  set_qc(as);
  as.bind(fits);
}

// kT0 = n, or its one lane for a scalar.
void load_source(Assembler& as, const VectorOperands& o, unsigned size) {
  if (!is_scalar(o.word))
    move(as, kT0, o.n);
  else if (size == 2)
    move_low(as, kT0, o.n);
  else
    apply(as, kPand, kT0, o.n, as.constant(lane_mask(size + 1), 0));
}

template <Kind kKind>
bool saturating_narrow(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  load_source(as, o, size);
  narrow_saturated(as, size, kKind);
  put_half(as, o);
  return true;
}

template <Kind kKind, bool kRound>
bool saturating_shift(Assembler& as, const VectorOperands& o) {
  constexpr bool kSigned = kKind != Kind::kUnsigned;
  const ShiftField f = shift_of(o.word);
  load_source(as, o, f.size);
  if (kRound)
    shift_right_rounded(as, kSigned, f.size + 1, kT0, kT0, f.right());
  else
    shift_right(as, kSigned, f.size + 1, kT0, kT0, f.right());
  narrow_saturated(as, f.size, kKind);
  put_half(as, o);
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
