// SPDX-License-Identifier: Apache-2.0
// AdvSIMD shifts by a register, SSHL, USHL, SRSHL and URSHL: the low byte of each lane of m is a
// signed amount, negative to the right. The host shifts lanes of 32 and 64 bits by amounts of their
// own (AVX2); smaller ones are multiplied by powers of two.
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {
namespace {

using isa::InstId;

constexpr Binary kAddSaturated = SOFTHV_BINARY(paddusb, true);
constexpr Binary kMultiplyLow = SOFTHV_BINARY(pmullw, true);
constexpr Binary kMultiplyHigh = SOFTHV_BINARY(pmulhuw, true);
constexpr Binary kPackUnsigned = SOFTHV_BINARY(packuswb, false);

// What a PSHUFB of these finds for a byte below 16: the lower and the upper byte of 2 to its power.
constexpr u64 kPowers = 0x8040'2010'0804'0201;

// --- Bytes ---------------------------------------------------------------------------------------

// kT0 = the exponents s + 8 for shifts by s from -8 to 7, in the low nibble, with the top bit set
// for other shifts. Those to the right by more give the sign, which -8 does too; rounded they are
// 0.
void exponents_of_bytes(Assembler& as, bool keeps_sign, const Xmm& m) {
  if (keeps_sign) {
    apply(as, kMaxSigned[0], kT0, m, as.constant(replicate(0, 0xf8)));
    apply(as, kAdd[0], kT0, kT0, as.constant(replicate(0, 0x78)));
  } else {
    apply(as, kAdd[0], kT0, m, as.constant(replicate(0, 8)));
    apply(as, kAddSaturated, kT0, kT0, as.constant(replicate(0, 0x70)));
  }
}

// Of n * 2^(s + 8) the result is the second byte, and the first has what is shifted out.
void shift_bytes(Assembler& as, const VectorOperands& o, bool is_signed, bool round) {
  exponents_of_bytes(as, is_signed && !round, o.m);
  move(as, kT1, as.constant(0, kPowers));
  apply(as, kPshufb, kT1, kT1, kT0);
  move(as, kT2, as.constant(kPowers, 0));
  apply(as, kPshufb, kT2, kT2, kT0);
  apply(as, kUnpackLow[0], kT0, kT2, kT1);
  apply(as, kUnpackHigh[0], kT2, kT2, kT1);
  const auto finish_half = [&](const Xmm& factors) {
    apply(as, kMultiplyLow, factors, factors, kT1);
    if (round) // for shifts to the right: others leave zeros there
      apply(as, kAdd[1], factors, factors, as.constant(replicate(1, 0x80)));
    apply(as, kShiftRight[1], factors, factors, 8);
  };
  const Unary& widen = (is_signed ? kExtendSigned : kExtendUnsigned)[0];
  apply(as, widen, kT1, o.n);
  finish_half(kT0);
  if (q_of(o.word)) {
    shuffle32(as, kT1, o.n, 0xee);
    apply(as, widen, kT1, kT1);
    finish_half(kT2);
  } else {
    zero(as, kT2);
  }
  apply(as, kPackUnsigned, o.d, kT0, kT2);
}

// --- Half-words ----------------------------------------------------------------------------------

// kT0 = 2^s for shifts by s to the left, else 0; kT1 = 2^(16 + s) for those to the right, up to 16.
// The byte of the amount is looked up twice, with the exponent less 8 for the upper half.
void factors_of_halfwords(Assembler& as, bool keeps_sign, const Xmm& m) {
  constexpr u64 kLowBytesTwice = 0x0606'0404'0202'0000;
  const Xmm* amount = &m;
  if (keeps_sign) {
    apply(as, kMaxSigned[0], kT0, m, as.constant(replicate(0, 0xf0)));
    amount = &kT0;
  }
  apply(as, kPshufb, kT0, *amount, as.constant(kLowBytesTwice, kLowBytesTwice + replicate(0, 8)));
  apply(as, kPxor, kT1, kT0, as.constant(replicate(1, 0xf8f0)));
  apply(as, kPxor, kT0, kT0, as.constant(replicate(1, 0x0800)));
  const Xbyak::Address out_of_range = as.constant(replicate(0, 0x70));
  apply(as, kAddSaturated, kT0, kT0, out_of_range);
  apply(as, kAddSaturated, kT1, kT1, out_of_range);
  for (const Xmm& factors : {kT0, kT1}) {
    move(as, kT2, as.constant(kPowers, 0));
    apply(as, kPshufb, kT2, kT2, factors);
    move(as, factors, kT2);
  }
}

void shift_halfwords(Assembler& as, const VectorOperands& o, bool is_signed, bool round) {
  factors_of_halfwords(as, is_signed && !round, o.m);
  apply(as, kMultiplyLow, kT0, kT0, o.n);
  if (round) { // the highest bit that is shifted out
    apply(as, kMultiplyLow, kT2, kT1, o.n);
    apply(as, kShiftRight[1], kT2, kT2, 15);
    apply(as, kAdd[1], kT0, kT0, kT2);
  }
  if (is_signed) { // the product of a negative lane is too large by 2^16 times the factor
    apply(as, kShiftRightSigned[1], kT2, o.n, 15);
    apply(as, kPand, kT2, kT2, kT1);
    apply(as, kSub[1], kT0, kT0, kT2);
  }
  apply(as, kMultiplyHigh, kT1, kT1, o.n);
  apply(as, kAdd[1], o.d, kT0, kT1);
}

// --- Words and doublewords -----------------------------------------------------------------------

// Each lane of d shifted by that of `amount`; 0 when it is out of range.
void left_by_lanes(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& amount) {
  size == 2 ? as.vpsllvd(d, n, amount) : as.vpsllvq(d, n, amount);
}
void right_by_lanes(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, const Xmm& amount) {
  size == 2 ? as.vpsrlvd(d, n, amount) : as.vpsrlvq(d, n, amount);
}

// kT1 = n >> kT1, the sign when that is out of range. 64-bit lanes have no arithmetic shift: it is
// (n >> c ^ s) - s for the sign bit's place s after a logical one. Overwrites kT0.
void right_signed(Assembler& as, unsigned size, const Xmm& n) {
  if (size == 2) {
    as.vpsravd(kT1, n, kT1);
    return;
  }
  apply(as, kMinUnsigned[2], kT1, kT1, as.constant(63));
  move(as, kT0, as.constant(sign_bit(3)));
  right_by_lanes(as, 3, kT0, kT0, kT1);
  right_by_lanes(as, 3, kT1, n, kT1);
  apply(as, kPxor, kT1, kT1, kT0);
  apply(as, kSub[3], kT1, kT1, kT0);
}

// kT2 = the highest bit that a shift of n to the right by kT1 drops. Beyond its width a lane has
// zeros, but the rounding of a signed one cancels its sign: by the width at most.
void dropped_bit(Assembler& as, bool is_signed, unsigned size, const Xmm& n) {
  if (is_signed)
    apply(as, kMinUnsigned[2], kT2, kT1, as.constant(replicate(size, 8U << size)));
  apply(as, kAdd[size], kT2, is_signed ? kT2 : kT1, as.constant(~0ULL));
  right_by_lanes(as, size, kT2, n, kT2);
  apply(as, kPand, kT2, kT2, as.constant(replicate(size, 1)));
}

// The low byte of m is an amount to the left that is out of range for shifts to the right, its
// negative one to the right that is out of range for those to the left.
void shift_words(Assembler& as, const VectorOperands& o, unsigned size, bool is_signed,
                 bool round) {
  const Xbyak::Address byte = as.constant(replicate(size, 0xff));
  zero(as, kT1);
  apply(as, kSub[size], kT1, kT1, o.m);
  apply(as, kPand, kT1, kT1, byte);
  if (round)
    dropped_bit(as, is_signed, size, o.n);
  if (is_signed)
    right_signed(as, size, o.n);
  else
    right_by_lanes(as, size, kT1, o.n, kT1);
  if (round)
    apply(as, kAdd[size], kT1, kT1, kT2);
  apply(as, kPand, kT0, o.m, byte);
  left_by_lanes(as, size, kT0, o.n, kT0);
  if (!is_signed) {
    apply(as, kPor, o.d, kT0, kT1);
    return;
  }
  // The sign that shifting out of range leaves must not get in.
  apply(as, kShiftLeft[size], kT2, o.m, static_cast<u8>((8U << size) - 8));
  size == 2 ? as.vblendvps(o.d, kT0, kT1, kT2) : as.vblendvpd(o.d, kT0, kT1, kT2);
}

template <bool kSigned, bool kRound>
bool shift_by_register(Assembler& as, const VectorOperands& o) {
  const unsigned size = is_scalar(o.word) ? 3 : size_of(o.word);
  if (size >= 2 && !as.host.avx2)
    return false;
  if (size == 0)
    shift_bytes(as, o, kSigned, kRound);
  else if (size == 1)
    shift_halfwords(as, o, kSigned, kRound);
  else
    shift_words(as, o, size, kSigned, kRound);
  clear_rest(as, o.d, extent(o.word, size));
  return true;
}

constexpr VectorRow kRows[] = {
    {InstId::kSshlVector, shift_by_register<true, false>},
    {InstId::kSshlScalar, shift_by_register<true, false>},
    {InstId::kUshlVector, shift_by_register<false, false>},
    {InstId::kUshlScalar, shift_by_register<false, false>},
    {InstId::kSrshlVector, shift_by_register<true, true>},
    {InstId::kSrshlScalar, shift_by_register<true, true>},
    {InstId::kUrshlVector, shift_by_register<false, true>},
    {InstId::kUrshlScalar, shift_by_register<false, true>},
};

} // namespace

std::span<const VectorRow> vector_shift_register_rows() {
  return kRows;
}

} // namespace softhv::jit
