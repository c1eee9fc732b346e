// SPDX-License-Identifier: Apache-2.0
// The operations of arith.h, compare.h and convert.h on the host's floating-point unit, wherever
// its answer is the Arm ARM's: rounding to nearest, operands zero or normal, and a result that is
// finite and above the smallest normal number, so that the only flag left to tell is Inexact, which
// is computed exactly. Everything else goes to the integer implementation. Results never depend on
// the host beyond IEEE 754.
//
// Callers hold a HostEnvironment (fp/host_environment.h).
#pragma once

#include <bit>
#include <cmath>

#include "softhv/core/cpu_state.h"
#include "softhv/fp/arith.h"
#include "softhv/fp/compare.h"
#include "softhv/fp/convert.h"

namespace softhv::fp {

namespace detail {

template <typename F>
struct HostType;
template <>
struct HostType<Single> {
  using Type = float;
};
template <>
struct HostType<Double> {
  using Type = double;
};

template <typename F>
inline auto to_host(typename F::Bits bits) {
  return std::bit_cast<typename HostType<F>::Type>(bits);
}
template <typename F>
inline typename F::Bits from_host(typename HostType<F>::Type value) {
  return std::bit_cast<typename F::Bits>(value);
}

template <typename F>
inline constexpr bool kOnHost = !std::is_same_v<F, Half>;

inline bool to_nearest(const FpContext ctx) {
  return ctx.rounding() == Rounding::kTieEven;
}

template <typename F>
constexpr bool zero_or_normal(typename F::Bits value) {
  constexpr auto kMinNormal = F::pack(false, 1, 0);
  const auto magnitude = F::abs(value);
  return magnitude == 0 || magnitude - kMinNormal < F::kExponentMask - kMinNormal;
}

// Finite, and so large that it cannot have been subnormal before rounding.
template <typename F>
constexpr bool beyond_doubt(typename F::Bits result) {
  constexpr auto kLeast = F::pack(false, 1, 1);
  return F::abs(result) - kLeast < F::kExponentMask - kLeast;
}

constexpr u64 significand(u64 value) {
  return (value & Double::kFractionMask) | (u64{1} << Double::kFractionBits);
}

// Whether r, the rounded value, is the exact sum, product, quotient or root.

template <typename T>
inline bool sum_is_exact(T a, T b, T r) { // the error term of Knuth's TwoSum
  const T b_part = r - a;
  const T a_part = r - b_part;
  return a - a_part == 0 && b - b_part == 0;
}

inline bool product_is_exact(u64 a, u64 b) {
  const u128 product = u128{significand(a)} * significand(b);
  const unsigned excess = (product >> 105) != 0 ? 53 : 52;
  return (static_cast<u64>(product) & ((u64{1} << excess) - 1)) == 0;
}
inline bool product_is_exact(u32 a, u32 b) {
  const double product = static_cast<double>(to_host<Single>(a)) * to_host<Single>(b);
  return static_cast<float>(product) == product;
}

// r * b == a, up to the exponents, which need no checking.
inline bool quotient_is_exact(u64 a, u64 b, u64 r) {
  const u128 product = u128{significand(r)} * significand(b);
  const u128 dividend = u128{significand(a)} << 52;
  return product == dividend || product == dividend << 1;
}
inline bool quotient_is_exact(u32 a, u32 b, u32 r) {
  return static_cast<double>(to_host<Single>(r)) * to_host<Single>(b) == to_host<Single>(a);
}

inline void note_inexact(FpContext ctx, bool inexact) {
  ctx.raise(inexact ? kFpsrIxc : 0);
}
inline bool already_inexact(const FpContext ctx) {
  return (ctx.fpsr & kFpsrIxc) != 0;
}

} // namespace detail

template <typename F>
inline typename F::Bits fast_add(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  if constexpr (detail::kOnHost<F>) {
    if (detail::to_nearest(ctx) && detail::zero_or_normal<F>(a) && detail::zero_or_normal<F>(b)) {
      const auto x = detail::to_host<F>(a);
      const auto y = detail::to_host<F>(b);
      const auto sum = x + y;
      const auto result = detail::from_host<F>(sum);
      if (sum == 0) // only when exact
        return result;
      if (detail::beyond_doubt<F>(result)) {
        detail::note_inexact(ctx,
                             !detail::already_inexact(ctx) && !detail::sum_is_exact(x, y, sum));
        return result;
      }
    }
  }
  return add<F>(a, b, ctx);
}

template <typename F>
inline typename F::Bits fast_sub(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  if constexpr (detail::kOnHost<F>) {
    if (detail::zero_or_normal<F>(b))
      return fast_add<F>(a, F::neg(b), ctx);
  }
  return sub<F>(a, b, ctx);
}

template <typename F>
inline typename F::Bits fast_mul(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  if constexpr (detail::kOnHost<F>) {
    if (detail::to_nearest(ctx) && detail::zero_or_normal<F>(a) && detail::zero_or_normal<F>(b)) {
      const auto result = detail::from_host<F>(detail::to_host<F>(a) * detail::to_host<F>(b));
      if (detail::beyond_doubt<F>(result)) {
        detail::note_inexact(ctx, !detail::already_inexact(ctx) && !detail::product_is_exact(a, b));
        return result;
      }
      if (F::abs(a) == 0 || F::abs(b) == 0)
        return result;
    }
  }
  return mul<F>(a, b, ctx);
}

template <typename F>
inline typename F::Bits fast_div(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  if constexpr (detail::kOnHost<F>) {
    if (detail::to_nearest(ctx) && detail::zero_or_normal<F>(a) && detail::zero_or_normal<F>(b)) {
      const auto result = detail::from_host<F>(detail::to_host<F>(a) / detail::to_host<F>(b));
      if (detail::beyond_doubt<F>(result)) {
        detail::note_inexact(ctx, !detail::already_inexact(ctx) &&
                                      !detail::quotient_is_exact(a, b, result));
        return result;
      }
    }
  }
  return div<F>(a, b, ctx);
}

template <typename F>
inline typename F::Bits fast_sqrt(typename F::Bits a, FpContext ctx) {
  if constexpr (detail::kOnHost<F>) {
    if (detail::to_nearest(ctx) && detail::zero_or_normal<F>(a) && !F::is_negative(a) && a != 0) {
      const auto result = detail::from_host<F>(std::sqrt(detail::to_host<F>(a)));
      detail::note_inexact(ctx, !detail::already_inexact(ctx) &&
                                    !detail::quotient_is_exact(a, result, result));
      return result;
    }
  }
  return sqrt<F>(a, ctx);
}

// Whether the exact sum of a product fits is not told by its parts: on the host only when FPSR
// already holds Inexact.
template <typename F>
inline typename F::Bits fast_mul_add(typename F::Bits addend, typename F::Bits a,
                                     typename F::Bits b, FpContext ctx) {
  if constexpr (detail::kOnHost<F>) {
    if (detail::to_nearest(ctx) && detail::already_inexact(ctx) &&
        detail::zero_or_normal<F>(addend) && detail::zero_or_normal<F>(a) &&
        detail::zero_or_normal<F>(b)) {
      const auto result = detail::from_host<F>(
          std::fma(detail::to_host<F>(a), detail::to_host<F>(b), detail::to_host<F>(addend)));
      if (detail::beyond_doubt<F>(result))
        return result;
    }
  }
  return mul_add<F>(addend, a, b, ctx);
}

// Comparisons of numbers raise nothing.

template <typename F>
inline u32 fast_compare(typename F::Bits a, typename F::Bits b, bool signal_quiet, FpContext ctx) {
  if constexpr (detail::kOnHost<F>) {
    if (detail::zero_or_normal<F>(a) && detail::zero_or_normal<F>(b)) {
      const auto x = detail::to_host<F>(a);
      const auto y = detail::to_host<F>(b);
      return x == y ? kFlagZ | kFlagC : x < y ? kFlagN : kFlagC;
    }
  }
  return compare<F>(a, b, signal_quiet, ctx);
}

#define FP_FAST_COMPARISON(name, relation)                                                         \
  template <typename F>                                                                            \
  inline bool fast_##name(typename F::Bits a, typename F::Bits b, FpContext ctx) {                 \
    if constexpr (detail::kOnHost<F>) {                                                            \
      if (detail::zero_or_normal<F>(a) && detail::zero_or_normal<F>(b))                            \
        return detail::to_host<F>(a) relation detail::to_host<F>(b);                               \
    }                                                                                              \
    return name<F>(a, b, ctx);                                                                     \
  }
FP_FAST_COMPARISON(compare_eq, ==)
FP_FAST_COMPARISON(compare_ge, >=)
FP_FAST_COMPARISON(compare_gt, >)
#undef FP_FAST_COMPARISON

// Of two numbers that differ the greater or lesser one is the answer, whatever the form.
#define FP_FAST_EXTREMUM(name, relation)                                                           \
  template <typename F>                                                                            \
  inline typename F::Bits fast_##name(typename F::Bits a, typename F::Bits b, FpContext ctx) {     \
    if constexpr (detail::kOnHost<F>) {                                                            \
      if (detail::zero_or_normal<F>(a) && detail::zero_or_normal<F>(b)) {                          \
        const auto x = detail::to_host<F>(a);                                                      \
        const auto y = detail::to_host<F>(b);                                                      \
        if (x != y)                                                                                \
          return x relation y ? a : b;                                                             \
      }                                                                                            \
    }                                                                                              \
    return name<F>(a, b, ctx);                                                                     \
  }
FP_FAST_EXTREMUM(max, >)
FP_FAST_EXTREMUM(max_num, >)
FP_FAST_EXTREMUM(min, <)
FP_FAST_EXTREMUM(min_num, <)
#undef FP_FAST_EXTREMUM

// Conversions of normal numbers in the middle of the range.

template <typename F>
inline u64 fast_to_fixed(typename F::Bits value, FixedPoint to, Rounding rounding, FpContext ctx) {
  if constexpr (detail::kOnHost<F>) {
    const auto x = detail::to_host<F>(value);
    if (rounding == Rounding::kZero && to.fraction_bits == 0 && detail::zero_or_normal<F>(value) &&
        std::fabs(x) < 0x1p31 && !(to.is_unsigned && x < 0) && to.width >= 32) {
      const i64 integer = static_cast<i64>(x);
      detail::note_inexact(ctx, static_cast<typename detail::HostType<F>::Type>(integer) != x);
      return static_cast<u64>(integer) & (~u64{0} >> (64 - to.width));
    }
  }
  return to_fixed<F>(value, to, rounding, ctx);
}

template <typename F>
inline typename F::Bits fast_from_fixed(u64 value, FixedPoint from, FpContext ctx) {
  if constexpr (detail::kOnHost<F>) {
    constexpr i64 kExact = i64{1} << (F::kFractionBits + 1); // every integer up to here fits
    const i64 integer = from.is_unsigned || from.width == 64
                            ? static_cast<i64>(value & (~u64{0} >> (64 - from.width)))
                            : static_cast<i64>(static_cast<i32>(value));
    if (from.fraction_bits == 0 && from.width >= 32 && integer <= kExact && integer >= -kExact &&
        !(from.is_unsigned && integer < 0))
      return detail::from_host<F>(static_cast<typename detail::HostType<F>::Type>(integer));
  }
  return from_fixed<F>(value, from, ctx);
}

template <typename To, typename From>
inline typename To::Bits fast_convert(typename From::Bits value, Rounding rounding, FpContext ctx) {
  if constexpr (std::is_same_v<From, Single> && std::is_same_v<To, Double>) {
    if (detail::zero_or_normal<From>(value))
      return detail::from_host<Double>(detail::to_host<Single>(value));
  }
  if constexpr (std::is_same_v<From, Double> && std::is_same_v<To, Single>) {
    if (rounding == Rounding::kTieEven && detail::zero_or_normal<From>(value)) {
      const double wide = detail::to_host<Double>(value);
      const float narrow = static_cast<float>(wide);
      const u32 result = detail::from_host<Single>(narrow);
      if (detail::beyond_doubt<Single>(result)) {
        detail::note_inexact(ctx, static_cast<double>(narrow) != wide);
        return result;
      }
    }
  }
  return convert<To, From>(value, rounding, ctx);
}

} // namespace softhv::fp
