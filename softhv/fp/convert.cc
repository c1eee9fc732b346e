// SPDX-License-Identifier: Apache-2.0
#include "softhv/fp/convert.h"

#include <limits>

#include "arch/bits.h"
#include "softhv/fp/round.h"
#include "softhv/fp/unpack.h"

namespace softhv::fp {
namespace {

// A magnitude split at the binary point: rest / 2^64 is the fraction, bit 0 of rest being sticky.
struct Split {
  u128 whole = 0;
  u64 rest = 0;
};
constexpr u64 kSplitHalf = u64{1} << 63;

// The magnitude of a finite number or zero, below 2^127.
Split split(const Unpacked& u, i32 exp) {
  if (u.is_zero())
    return {};
  if (exp >= 63)
    return {.whole = u128{u.sig} << (exp - 63)};
  if (exp < -1)
    return {.whole = 0, .rest = 1};
  if (exp == -1)
    return {.whole = 0, .rest = u.sig};
  return {.whole = u.sig >> (63 - exp), .rest = u.sig << (exp + 1)};
}

u128 rounded(const Split& s, bool negative, Rounding rounding) {
  const bool up = rounds_up(rounding, negative, (s.whole & 1) != 0, s.rest, kSplitHalf);
  return s.whole + (up ? 1 : 0);
}

Exact exact_integer(bool negative, u64 magnitude, i32 scale) {
  const int zeros = std::countl_zero(magnitude);
  return {.negative = negative, .exp = 63 - zeros + scale, .sig = magnitude << zeros};
}

// FPConvertNaN: the sign, a set quiet bit and as much of the payload as fits, from the top.
template <typename To, typename From>
typename To::Bits convert_nan(typename From::Bits value) {
  const u64 payload = u64{From::fraction(value)} << (63 - From::kFractionBits);
  return static_cast<typename To::Bits>(
      To::pack(From::is_negative(value), To::kMaxBiased, payload >> (63 - To::kFractionBits)) |
      To::kQuietBit);
}

} // namespace

template <typename To, typename From>
typename To::Bits convert(typename From::Bits value, Rounding rounding, FpContext ctx) {
  constexpr bool kFromHalf = std::is_same_v<From, Half>;
  constexpr bool kToHalf = std::is_same_v<To, Half>;
  const Unpacked u = unpack_with<From>(value,
                                       {.flush = !kFromHalf && ctx.template flushes<From>(),
                                        .alternative = kFromHalf && ctx.alternative_half()},
                                       ctx);
  const bool alternative = kToHalf && ctx.alternative_half();
  if (u.is_nan()) {
    if (u.is_snan() || alternative)
      ctx.raise(kFpsrIoc);
    if (alternative)
      return To::zero(u.negative);
    return ctx.default_nan() ? To::default_nan() : convert_nan<To, From>(value);
  }
  if (u.is_infinity()) {
    if (!alternative)
      return To::infinity(u.negative);
    ctx.raise(kFpsrIoc);
    return static_cast<typename To::Bits>((u.negative ? To::kSign : 0) | (To::kSign - 1));
  }
  if (u.is_zero())
    return To::zero(u.negative);
  return round_with<To>({.negative = u.negative, .exp = u.exp, .sig = u.sig},
                        {.rounding = rounding,
                         .flush = !kToHalf && ctx.template flushes<To>(),
                         .alternative = alternative},
                        ctx);
}

template <typename F>
u64 to_fixed(typename F::Bits value, FixedPoint to, Rounding rounding, FpContext ctx) {
  const Unpacked u = unpack<F>(value, ctx);
  if (u.is_nan()) {
    ctx.raise(kFpsrIoc);
    return 0;
  }
  const u64 ones = ~u64{0} >> (64 - to.width);
  const u64 highest = to.is_unsigned ? ones : ones >> 1;
  const u64 lowest = to.is_unsigned ? 0 : (ones >> 1) + 1; // magnitude
  const u64 limit = u.negative ? lowest : highest;
  const i32 exp = u.exp + to.fraction_bits;
  const bool huge = u.is_infinity() || exp > 64;
  const Split parts = huge ? Split{.whole = u128{1} << 66} : split(u, exp);
  const u128 magnitude = rounded(parts, u.negative, rounding);
  if (magnitude > limit) {
    ctx.raise(kFpsrIoc);
    return u.negative ? (0 - limit) & ones : limit;
  }
  if (parts.rest != 0)
    ctx.raise(kFpsrIxc);
  const u64 result = static_cast<u64>(magnitude);
  return (u.negative ? 0 - result : result) & ones;
}

template <typename F>
typename F::Bits from_fixed(u64 value, FixedPoint from, FpContext ctx) {
  const u64 ones = ~u64{0} >> (64 - from.width);
  const bool negative = !from.is_unsigned && bit(value, from.width - 1U);
  const u64 magnitude = (negative ? 0 - value : value) & ones;
  if (magnitude == 0)
    return F::zero(false);
  return round<F>(exact_integer(negative, magnitude, -i32{from.fraction_bits}), ctx.rounding(),
                  ctx);
}

template <typename F>
typename F::Bits round_to_integral(typename F::Bits value, Rounding rounding, bool exact,
                                   FpContext ctx) {
  const Unpacked u = unpack<F>(value, ctx);
  if (u.is_nan())
    return process_nan<F>(u.cls, value, ctx);
  if (u.is_zero())
    return F::zero(u.negative);
  if (u.is_infinity() || u.exp >= static_cast<i32>(F::kFractionBits))
    return value;
  const Split parts = split(u, u.exp);
  const u64 magnitude = static_cast<u64>(rounded(parts, u.negative, rounding));
  if (exact && parts.rest != 0)
    ctx.raise(kFpsrIxc);
  if (magnitude == 0)
    return F::zero(u.negative);
  return round<F>(exact_integer(u.negative, magnitude, 0), Rounding::kZero, ctx);
}

u32 to_int32_js(u64 value, bool& exact, FpContext ctx) {
  const Unpacked u = unpack<Double>(value, ctx);
  exact = false;
  if (u.is_nan() || u.is_infinity()) {
    ctx.raise(kFpsrIoc);
    return 0;
  }
  if (u.is_zero()) {
    exact = value == 0; // neither minus zero nor a subnormal that was flushed
    return 0;
  }
  // From 2^84 on every double is a multiple of 2^32.
  const bool huge = u.exp >= 84;
  const Split parts = huge ? Split{} : split(u, u.exp);
  const u64 limit = u.negative ? u64{1} << 31 : (u64{1} << 31) - 1;
  if (huge || parts.whole > limit)
    ctx.raise(kFpsrIoc);
  else if (parts.rest != 0)
    ctx.raise(kFpsrIxc);
  else
    exact = true;
  const u32 magnitude = static_cast<u32>(parts.whole);
  return u.negative ? 0 - magnitude : magnitude;
}

#define INSTANTIATE(F)                                                                             \
  template u64 to_fixed<F>(F::Bits, FixedPoint, Rounding, FpContext);                              \
  template F::Bits from_fixed<F>(u64, FixedPoint, FpContext);                                      \
  template F::Bits round_to_integral<F>(F::Bits, Rounding, bool, FpContext);
INSTANTIATE(Half)
INSTANTIATE(Single)
INSTANTIATE(Double)
#undef INSTANTIATE

template u16 convert<Half, Single>(u32, Rounding, FpContext);
template u16 convert<Half, Double>(u64, Rounding, FpContext);
template u32 convert<Single, Half>(u16, Rounding, FpContext);
template u32 convert<Single, Double>(u64, Rounding, FpContext);
template u64 convert<Double, Half>(u16, Rounding, FpContext);
template u64 convert<Double, Single>(u32, Rounding, FpContext);

} // namespace softhv::fp
