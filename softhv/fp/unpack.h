// SPDX-License-Identifier: Apache-2.0
// FPUnpack, FPProcessNaN, FPProcessNaNs and FPProcessNaNs3 (Arm ARM J1.3, shared/functions/float).
#pragma once

#include <bit>

#include "softhv/fp/context.h"
#include "softhv/fp/format.h"

namespace softhv::fp {

enum class Class : u8 { kZero, kFinite, kInfinity, kQuietNan, kSignallingNan };

// A number taken apart: a finite one is (-1)^negative * sig * 2^(exp - 63) with bit 63 of sig set.
// Zeros and infinities hold an exp below and above that of every finite number, so that magnitudes
// compare by (exp, sig).
struct Unpacked {
  Class cls = Class::kZero;
  bool negative = false;
  i32 exp = kZeroExponent;
  u64 sig = 0;

  static constexpr i32 kZeroExponent = -(1 << 20);
  static constexpr i32 kInfinityExponent = 1 << 20;

  [[nodiscard]] bool is_nan() const { return cls >= Class::kQuietNan; }
  [[nodiscard]] bool is_snan() const { return cls == Class::kSignallingNan; }
  [[nodiscard]] bool is_infinity() const { return cls == Class::kInfinity; }
  [[nodiscard]] bool is_zero() const { return cls == Class::kZero; }
};

// How FPUnpackBase treats subnormals and, for half precision, the top exponent.
struct UnpackOptions {
  bool flush = false;       // subnormal operands read as zero
  bool alternative = false; // the alternative half-precision format: no infinities, no NaNs
};

template <typename F>
inline Unpacked unpack_with(typename F::Bits value, UnpackOptions options, FpContext ctx) {
  const i32 biased = F::biased_exponent(value);
  const u64 fraction = F::fraction(value);
  Unpacked u;
  u.negative = F::is_negative(value);
  if (biased == 0) {
    if (fraction == 0)
      return u;
    if (options.flush) {
      if constexpr (!std::is_same_v<F, Half>)
        ctx.raise(kFpsrIdc);
      return u;
    }
    const int zeros = std::countl_zero(fraction);
    u.cls = Class::kFinite;
    u.sig = fraction << zeros;
    u.exp = F::kMinExponent + (63 - zeros) - static_cast<i32>(F::kFractionBits);
    return u;
  }
  u.sig = (u64{1} << 63) | (fraction << (63 - F::kFractionBits));
  if (biased == F::kMaxBiased && !options.alternative) {
    u.exp = Unpacked::kInfinityExponent;
    u.cls = fraction == 0                    ? Class::kInfinity
            : (fraction & F::kQuietBit) != 0 ? Class::kQuietNan
                                             : Class::kSignallingNan;
    return u;
  }
  u.cls = Class::kFinite;
  u.exp = biased - F::kBias;
  return u;
}

// FPUnpack: an operand of an arithmetic operation.
template <typename F>
inline Unpacked unpack(typename F::Bits value, FpContext ctx) {
  return unpack_with<F>(value, {.flush = ctx.template flushes<F>()}, ctx);
}

template <typename F>
inline typename F::Bits process_nan(Class cls, typename F::Bits value, FpContext ctx) {
  if (cls == Class::kSignallingNan)
    ctx.raise(kFpsrIoc);
  return ctx.default_nan() ? F::default_nan() : static_cast<typename F::Bits>(value | F::kQuietBit);
}

// A NaN that stands among the operands, as {class, bits}.
template <typename F>
struct Operand {
  const Unpacked& number;
  typename F::Bits value;
};

// FPProcessNaNs and FPProcessNaNs3: the first signalling NaN decides, else the first quiet NaN.
// Returns false when there is none.
template <typename F, typename... Operands>
inline bool process_nans(typename F::Bits& result, FpContext ctx, const Operands&... operands) {
  if (!(operands.number.is_nan() || ...)) [[likely]]
    return false;
  bool done = false;
  const auto take = [&](const Operand<F>& o, Class cls) {
    if (!done && o.number.cls == cls) {
      result = process_nan<F>(cls, o.value, ctx);
      done = true;
    }
  };
  (take(operands, Class::kSignallingNan), ...);
  (take(operands, Class::kQuietNan), ...);
  return true;
}

template <typename F>
inline typename F::Bits invalid_operation(FpContext ctx) {
  ctx.raise(kFpsrIoc);
  return F::default_nan();
}

} // namespace softhv::fp
