// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {

void broadcast(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, unsigned index) {
  if (size == 2) {
    shuffle32(as, d, n, static_cast<u8>(0x55 * index));
  } else if (size == 3) {
    shuffle32(as, d, n, index == 0 ? 0x44 : 0xee);
  } else if (index == 0 && as.host.avx2) {
    size == 0 ? as.vpbroadcastb(d, n) : as.vpbroadcastw(d, n);
  } else {
    apply(as, kPshufb, d, n, as.constant(lane_bytes(size, index)));
  }
}

// 16-bit lanes have index H:L:M, 32-bit ones H:L.
void broadcast_element(Assembler& as, const Xmm& d, const VectorOperands& o) {
  const u32 h = o.word >> 11 & 1;
  const u32 l = o.word >> 21 & 1;
  const u32 m = o.word >> 20 & 1;
  const unsigned size = size_of(o.word);
  broadcast(as, size, d, o.m, size == 1 ? h << 2 | l << 1 | m : h << 1 | l);
}

void shift_left(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, u8 amount) {
  if (size > 0) {
    apply(as, kShiftLeft[size], d, n, amount);
  } else if (amount == 1) {
    apply(as, kAdd[0], d, n, n);
  } else {
    apply(as, kShiftLeft[1], d, n, amount);
    apply(as, kPand, d, d, as.constant(replicate(0, 0xffU << amount & 0xff)));
  }
}

namespace {

// Bytes have no shifts, and 64-bit lanes no arithmetic ones.
void shift_bytes_right(Assembler& as, bool is_signed, const Xmm& d, const Xmm& n, u8 amount) {
  if (amount == 8 && !is_signed) {
    zero(as, d);
    return;
  }
  if (is_signed && amount >= 7 && (as.host.avx || d.getIdx() != n.getIdx())) {
    zero(as, kT2);
    apply(as, kGreater[0], d, kT2, n);
    return;
  }
  amount = amount < 8 ? amount : 7;
  apply(as, kShiftRight[1], d, n, amount);
  apply(as, kPand, d, d, as.constant(replicate(0, 0xffU >> amount)));
  if (is_signed) {
    const Xbyak::Address sign = as.constant(replicate(0, 0x80U >> amount));
    apply(as, kPxor, d, d, sign);
    apply(as, kSub[0], d, d, sign);
  }
}

void shift_doublewords_right_signed(Assembler& as, const Xmm& d, const Xmm& n, u8 amount) {
  constexpr u8 kUpperWords = 0xf5; // of both doublewords, twice
  if (amount >= 63) {
    apply(as, kShiftRightSigned[2], d, n, 31);
    shuffle32(as, d, d, kUpperWords);
  } else if (amount >= 32) {
    apply(as, kShiftRightSigned[2], kT2, n, 31);
    shuffle32(as, d, n, kUpperWords);
    if (amount > 32)
      apply(as, kShiftRightSigned[2], d, d, static_cast<u8>(amount - 32));
    apply(as, kPblendw, d, d, kT2, 0xcc);
  } else {
    apply(as, kShiftRightSigned[2], kT2, n, amount);
    apply(as, kShiftRight[3], d, n, amount);
    apply(as, kPblendw, d, d, kT2, 0xcc);
  }
}

} // namespace

void shift_right(Assembler& as, bool is_signed, unsigned size, const Xmm& d, const Xmm& n,
                 u8 amount) {
  if (size == 0)
    shift_bytes_right(as, is_signed, d, n, amount);
  else if (size == 3 && is_signed)
    shift_doublewords_right_signed(as, d, n, amount);
  else
    apply(as, is_signed ? kShiftRightSigned[size] : kShiftRight[size], d, n, amount);
}

// Where lanes have shifts of their own and something is left of the amount, one bit less is shifted
// out first, which leaves room to add 1. Else the highest of those bits is added afterwards.
void shift_right_rounded(Assembler& as, bool is_signed, unsigned size, const Xmm& d, const Xmm& n,
                         u8 amount) {
  const Xbyak::Address one = as.constant(replicate(size, 1));
  if (amount > 1 && size > 0 && !(size == 3 && is_signed)) {
    const Shift& shift = (is_signed ? kShiftRightSigned : kShiftRight)[size];
    apply(as, shift, d, n, static_cast<u8>(amount - 1));
    apply(as, kAdd[size], d, d, one);
    apply(as, shift, d, d, 1);
    return;
  }
  if (amount > 1)
    apply(as, kShiftRight[size == 0 ? 1 : size], kT1, n, static_cast<u8>(amount - 1));
  apply(as, kPand, kT1, amount > 1 ? kT1 : n, one);
  shift_right(as, is_signed, size, d, n, amount);
  apply(as, kAdd[size], d, d, kT1);
}

void flip_signs(Assembler& as, unsigned size, const Xmm& d, const Xmm& n) {
  apply(as, kPxor, d, n, as.constant(replicate(size, sign_bit(size))));
}

void absolute(Assembler& as, unsigned size, const Xmm& d, const Xmm& n) {
  if (size < 3) {
    apply(as, kAbsolute[size], d, n);
    return;
  }
  zero(as, kT1);
  apply(as, kGreater[3], kT1, kT1, n);
  apply(as, kPxor, kT2, n, kT1);
  apply(as, kSub[3], d, kT2, kT1);
}

void extend(Assembler& as, bool is_signed, unsigned size, const Xmm& d, const Xmm& n, bool upper) {
  if (!upper) {
    apply(as, is_signed ? kExtendSigned[size] : kExtendUnsigned[size], d, n);
  } else if (is_signed) {
    shuffle32(as, d, n, 0xee);
    apply(as, kExtendSigned[size], d, d);
  } else {
    zero(as, kT2);
    apply(as, kUnpackHigh[size], d, n, kT2);
  }
}

// 16-bit lanes as the lower and upper halves of their products, 32-bit ones from the even lanes of
// doublewords.
void multiply_long(Assembler& as, bool is_signed, unsigned size, const Xmm& d, const Xmm& n,
                   const Xmm& m, bool upper) {
  constexpr Binary kLow = SOFTHV_BINARY(pmullw, true);
  constexpr Binary kHighSigned = SOFTHV_BINARY(pmulhw, true);
  constexpr Binary kHighUnsigned = SOFTHV_BINARY(pmulhuw, true);
  constexpr Binary kWideSigned = SOFTHV_BINARY(pmuldq, true);
  constexpr Binary kWideUnsigned = SOFTHV_BINARY(pmuludq, true);
  if (size == 0) {
    extend_both(as, is_signed, 0, n, m, upper);
    apply(as, kLow, d, kT0, kT1);
  } else if (size == 1) {
    apply(as, kLow, kT0, n, m);
    apply(as, is_signed ? kHighSigned : kHighUnsigned, kT1, n, m);
    apply(as, (upper ? kUnpackHigh : kUnpackLow)[1], d, kT0, kT1);
  } else {
    const u8 order = upper ? 0b11'11'10'10 : 0b01'01'00'00;
    shuffle32(as, kT0, n, order);
    shuffle32(as, kT1, m, order);
    apply(as, is_signed ? kWideSigned : kWideUnsigned, d, kT0, kT1);
  }
}

void extend_both(Assembler& as, bool is_signed, unsigned size, const Xmm& n, const Xmm& m,
                 bool upper) {
  extend(as, is_signed, size, kT0, n, upper);
  if (upper && !is_signed)
    apply(as, kUnpackHigh[size], kT1, m, kT2); // which is zero now
  else
    extend(as, is_signed, size, kT1, m, upper);
}

void blend_by_signs(Assembler& as, const Xmm& d, const Xmm& a, const Xmm& b) {
  if (as.host.avx) {
    as.vpblendvb(d, a, b, kT0);
  } else {
    as.pblendvb(a, b);
    move(as, d, a);
  }
}

} // namespace softhv::jit
