// SPDX-License-Identifier: Apache-2.0
// What the tests of softhv/fp share: reproducible operands with many hard cases, an independent
// reading of half precision, and the host's rounding mode.
#pragma once

#include <bit>
#include <cfenv>
#include <cmath>
#include <limits>
#include <random>

#include "softhv/fp/context.h"
#include "softhv/fp/format.h"

namespace softhv::fp::test {

inline constexpr u32 fpcr_of(Rounding rounding) {
  return static_cast<u32>(rounding) << kFpcrRmodeShift;
}

// A context of its own: FPCR as given, FPSR clear.
struct Trial {
  u32 fpsr = 0;
  FpContext ctx;
  explicit Trial(u32 fpcr = 0) : ctx{.fpcr = fpcr, .fpsr = fpsr} {}
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;
};

struct HostRounding {
  explicit HostRounding(Rounding rounding) {
    constexpr int kModes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    std::fesetround(kModes[static_cast<unsigned>(rounding)]);
  }
  ~HostRounding() { std::fesetround(FE_TONEAREST); }
  HostRounding(const HostRounding&) = delete;
  HostRounding& operator=(const HostRounding&) = delete;
};

inline constexpr Rounding kHostRoundings[] = {Rounding::kTieEven, Rounding::kPlusInfinity,
                                              Rounding::kMinusInfinity, Rounding::kZero};

// Operands around the borders of a format: zeros, subnormals, ones, extremes, sparse fractions.
template <typename F>
class Operands {
public:
  typename F::Bits next() {
    const bool negative = (random_() & 1) != 0;
    const u64 fraction = pick_fraction();
    switch (random_() % 8) {
    case 0: return F::zero(negative);
    case 1: return F::infinity(negative);
    case 2: return F::pack(negative, 0, fraction);
    case 3: return F::pack(negative, 1 + static_cast<i32>(random_() % 3), fraction);
    case 4: return F::pack(negative, F::kMaxBiased - 1 - static_cast<i32>(random_() % 3), fraction);
    case 5: return F::pack(negative, static_cast<i32>(random_() % F::kMaxBiased), fraction);
    default: return F::pack(negative, F::kBias - 3 + static_cast<i32>(random_() % 6), fraction);
    }
  }
  u64 bits() { return random_(); }

private:
  u64 pick_fraction() {
    const u64 one = u64{1} << (random_() % F::kFractionBits);
    switch (random_() % 5) {
    case 0: return 0;
    case 1: return F::kFractionMask;
    case 2: return one;
    case 3: return F::kFractionMask & ~one;
    default: return random_() & F::kFractionMask;
    }
  }
  std::mt19937_64 random_{20240229};
};

// The value of an IEEE half that is not a NaN.
inline double half_value(u16 half) {
  const int exponent = (half >> 10) & 31;
  const double fraction = half & 1023;
  const double magnitude = exponent == 31  ? std::numeric_limits<double>::infinity()
                           : exponent == 0 ? std::ldexp(fraction, -24)
                                           : std::ldexp(fraction + 1024, exponent - 25);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

inline bool half_is_nan(u16 half) {
  return (half & 0x7fff) > 0x7c00;
}

// `exact` rounded to half precision in the host's rounding mode; subnormals are kept.
inline double round_to_half(double exact) {
  if (exact == 0 || std::isinf(exact))
    return exact;
  const int exponent = std::max(std::ilogb(exact), -14);
  const double rounded =
      std::ldexp(std::nearbyint(std::ldexp(exact, 10 - exponent)), exponent - 10);
  if (std::fabs(rounded) < 65536)
    return rounded;
  const int mode = std::fegetround();
  const bool to_infinity = mode == FE_TONEAREST || mode == (exact > 0 ? FE_UPWARD : FE_DOWNWARD);
  return std::copysign(to_infinity ? std::numeric_limits<double>::infinity() : 65504.0, exact);
}

} // namespace softhv::fp::test
