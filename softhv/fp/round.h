// SPDX-License-Identifier: Apache-2.0
// FPRound: an exact value to a format, with its flags (Arm ARM J1.3, shared/functions/float).
#pragma once

#include <algorithm>
#include <bit>

#include "softhv/fp/context.h"
#include "softhv/fp/format.h"

namespace softhv::fp {

// A non-zero value (-1)^negative * sig * 2^(exp - 63): bit 63 of sig is set, and bit 0 is sticky,
// which means it stands for any non-zero part below it.
struct Exact {
  bool negative = false;
  i32 exp = 0;
  u64 sig = 0;
};

// value >> count with the bits shifted out ORed into bit 0.
template <typename T>
constexpr T shift_right_sticky(T value, u32 count) {
  constexpr u32 kWidth = sizeof(T) * 8;
  if (count == 0)
    return value;
  if (count >= kWidth)
    return value != 0 ? T{1} : T{0};
  return (value >> count) | ((value & ((T{1} << count) - 1)) != 0 ? T{1} : T{0});
}

// Whether a magnitude whose discarded part is `rest` (nonzero bits below the unit, `half` being the
// weight of one half) is incremented.
constexpr bool rounds_up(Rounding rounding, bool negative, bool odd, u64 rest, u64 half) {
  switch (rounding) {
  case Rounding::kTieEven: return rest > half || (rest == half && odd);
  case Rounding::kPlusInfinity: return rest != 0 && !negative;
  case Rounding::kMinusInfinity: return rest != 0 && negative;
  case Rounding::kTieAway: return rest >= half;
  case Rounding::kZero:
  case Rounding::kOdd: break;
  }
  return false;
}

// Whether a result too large to represent becomes an infinity rather than the largest number.
constexpr bool overflows_to_infinity(Rounding rounding, bool negative) {
  switch (rounding) {
  case Rounding::kPlusInfinity: return !negative;
  case Rounding::kMinusInfinity: return negative;
  case Rounding::kZero:
  case Rounding::kOdd: return false;
  case Rounding::kTieEven:
  case Rounding::kTieAway: break;
  }
  return true;
}

struct RoundOptions {
  Rounding rounding = Rounding::kTieEven;
  bool flush = false;       // a subnormal result becomes zero
  bool alternative = false; // to the alternative half-precision format
};

template <typename F>
inline typename F::Bits round_with(const Exact& value, RoundOptions options, FpContext ctx) {
  constexpr u32 kShift = 63 - F::kFractionBits;
  constexpr u64 kHalf = u64{1} << (kShift - 1);
  if (options.flush && value.exp < F::kMinExponent) {
    ctx.raise(kFpsrUfc);
    return F::zero(value.negative);
  }
  i32 biased = std::max(value.exp - F::kMinExponent + 1, 0);
  u64 sig = value.sig;
  if (biased == 0)
    sig = shift_right_sticky(sig, static_cast<u32>(F::kMinExponent - value.exp));
  u64 mantissa = sig >> kShift;
  const u64 rest = sig & ((u64{1} << kShift) - 1);
  bool inexact = rest != 0;
  if (biased == 0 && inexact)
    ctx.raise(kFpsrUfc);
  if (rounds_up(options.rounding, value.negative, (mantissa & 1) != 0, rest, kHalf)) {
    ++mantissa;
    if (mantissa == (u64{1} << F::kFractionBits)) // a subnormal became normal
      biased = 1;
    if (mantissa == (u64{1} << (F::kFractionBits + 1))) {
      ++biased;
      mantissa >>= 1;
    }
  }
  if (inexact && options.rounding == Rounding::kOdd)
    mantissa |= 1;

  typename F::Bits result;
  if (options.alternative && biased > F::kMaxBiased) {
    ctx.raise(kFpsrIoc);
    inexact = false;
    result = static_cast<typename F::Bits>((value.negative ? F::kSign : 0) | (F::kSign - 1));
  } else if (!options.alternative && biased >= F::kMaxBiased) {
    ctx.raise(kFpsrOfc);
    inexact = true;
    result = overflows_to_infinity(options.rounding, value.negative)
                 ? F::infinity(value.negative)
                 : F::max_normal(value.negative);
  } else {
    result = F::pack(value.negative, biased, mantissa);
  }
  if (inexact)
    ctx.raise(kFpsrIxc);
  return result;
}

// FPRound: the result of an arithmetic operation.
template <typename F>
inline typename F::Bits round(const Exact& value, Rounding rounding, FpContext ctx) {
  return round_with<F>(value, {.rounding = rounding, .flush = ctx.template flushes<F>()}, ctx);
}

} // namespace softhv::fp
