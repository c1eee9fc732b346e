// SPDX-License-Identifier: Apache-2.0
// The IEEE 754 binary interchange formats of A64: half, single and double precision (Arm ARM
// A1.4.2 to A1.4.5). Values are handled as their bit patterns; no host floating point is involved.
#pragma once

#include "arch/types.h"

namespace softhv::fp {

template <typename BitsT, unsigned ExponentBits, unsigned FractionBits>
struct Format {
  using Bits = BitsT;
  static constexpr unsigned kWidth = 1 + ExponentBits + FractionBits;
  static constexpr unsigned kExponentBits = ExponentBits;
  static constexpr unsigned kFractionBits = FractionBits;
  static constexpr i32 kBias = (1 << (ExponentBits - 1)) - 1;
  static constexpr i32 kMinExponent = 1 - kBias;             // of a normal number
  static constexpr i32 kMaxBiased = (1 << ExponentBits) - 1; // infinities and NaNs
  static constexpr Bits kSign = static_cast<Bits>(Bits{1} << (kWidth - 1));
  static constexpr Bits kFractionMask = static_cast<Bits>((Bits{1} << FractionBits) - 1);
  static constexpr Bits kQuietBit = static_cast<Bits>(Bits{1} << (FractionBits - 1));
  static constexpr Bits kExponentMask =
      static_cast<Bits>(static_cast<Bits>(kMaxBiased) << FractionBits);

  static constexpr Bits pack(bool negative, i32 biased, u64 fraction) {
    return static_cast<Bits>((negative ? kSign : Bits{0}) |
                             (static_cast<Bits>(biased) << FractionBits) |
                             (static_cast<Bits>(fraction) & kFractionMask));
  }
  static constexpr Bits zero(bool negative) { return pack(negative, 0, 0); }
  static constexpr Bits infinity(bool negative) { return pack(negative, kMaxBiased, 0); }
  static constexpr Bits max_normal(bool negative) {
    return pack(negative, kMaxBiased - 1, kFractionMask);
  }
  static constexpr Bits default_nan() { return pack(false, kMaxBiased, kQuietBit); }
  static constexpr Bits two(bool negative) { return pack(negative, kBias + 1, 0); }
  static constexpr Bits one_point_five(bool negative) { return pack(negative, kBias, kQuietBit); }

  static constexpr i32 biased_exponent(Bits value) {
    return static_cast<i32>((value & kExponentMask) >> FractionBits);
  }
  static constexpr Bits fraction(Bits value) { return static_cast<Bits>(value & kFractionMask); }
  static constexpr bool is_negative(Bits value) { return (value & kSign) != 0; }

  // FPAbs and FPNeg: the sign alone, NaNs included.
  static constexpr Bits abs(Bits value) { return static_cast<Bits>(value & ~kSign); }
  static constexpr Bits neg(Bits value) { return static_cast<Bits>(value ^ kSign); }
};

using Half = Format<u16, 5, 10>;
using Single = Format<u32, 8, 23>;
using Double = Format<u64, 11, 52>;

} // namespace softhv::fp
