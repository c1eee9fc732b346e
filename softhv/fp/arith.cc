// SPDX-License-Identifier: Apache-2.0
#include "softhv/fp/arith.h"

#include <algorithm>

#include "softhv/fp/round.h"
#include "softhv/fp/unpack.h"

namespace softhv::fp {
namespace {

// (-1)^negative * sig * 2^(exp - 126), bit 126 of sig set; sig is zero for zero. Wide enough for
// the exact product of two doubles.
struct Wide {
  bool negative = false;
  i32 exp = Unpacked::kZeroExponent;
  u128 sig = 0;
};

int leading_zeros(u128 value) {
  const u64 high = static_cast<u64>(value >> 64);
  return high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<u64>(value));
}

Wide widen(const Unpacked& u) {
  return {.negative = u.negative, .exp = u.exp, .sig = u128{u.sig} << 63};
}

// Both finite or zero.
Wide product(const Unpacked& a, const Unpacked& b) {
  Wide p{.negative = a.negative != b.negative};
  if (a.is_zero() || b.is_zero())
    return p;
  // Operands hold at most 53 bits each, so the shift loses nothing.
  p.sig = (u128{a.sig} * b.sig) >> 1;
  p.exp = a.exp + b.exp + 1;
  if (leading_zeros(p.sig) == 2) {
    p.sig <<= 1;
    --p.exp;
  }
  return p;
}

// The sum, with bit 0 sticky; sig is zero when it is exactly zero. When bits are lost the exponents
// differ by more than the guard bits below the operands, so that at most one bit of the
// difference cancels and the sticky bit stays below the rounding point.
Wide sum(const Wide& a, const Wide& b) {
  if (a.sig == 0)
    return b;
  if (b.sig == 0)
    return a;
  const bool swapped = a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig);
  const Wide& large = swapped ? b : a;
  const Wide& small = swapped ? a : b;
  const u128 aligned = shift_right_sticky(small.sig, static_cast<u32>(large.exp - small.exp));
  if (a.negative == b.negative) {
    const u128 total = large.sig + aligned;
    const u32 carry = static_cast<u32>(total >> 127);
    return {large.negative, large.exp + static_cast<i32>(carry), shift_right_sticky(total, carry)};
  }
  const u128 difference = large.sig - aligned;
  if (difference == 0)
    return {};
  const int shift = leading_zeros(difference) - 1;
  return {large.negative, large.exp - shift, difference << shift};
}

Exact narrow(const Wide& w) {
  return {
      .negative = w.negative, .exp = w.exp, .sig = static_cast<u64>(shift_right_sticky(w.sig, 63))};
}

// An exact zero that is the sum of terms of different signs.
template <typename F>
typename F::Bits cancelled(Rounding rounding) {
  return F::zero(rounding == Rounding::kMinusInfinity);
}

template <typename F>
typename F::Bits round_sum(const Wide& w, FpContext ctx) {
  const Rounding rounding = ctx.rounding();
  return w.sig == 0 ? cancelled<F>(rounding) : round<F>(narrow(w), rounding, ctx);
}

// a + b, or a - b. The sign of a NaN is not changed by subtracting it.
template <typename F>
typename F::Bits add_or_subtract(typename F::Bits a, typename F::Bits b, bool subtract,
                                 FpContext ctx) {
  const Unpacked ua = unpack<F>(a, ctx);
  Unpacked ub = unpack<F>(b, ctx);
  typename F::Bits nan = 0;
  if (process_nans<F>(nan, ctx, Operand<F>{ua, a}, Operand<F>{ub, b}))
    return nan;
  ub.negative = ub.negative != subtract;
  if (ua.is_infinity() || ub.is_infinity()) {
    if (ua.is_infinity() && ub.is_infinity() && ua.negative != ub.negative)
      return invalid_operation<F>(ctx);
    return F::infinity(ua.is_infinity() ? ua.negative : ub.negative);
  }
  if (ua.is_zero() && ub.is_zero() && ua.negative == ub.negative)
    return F::zero(ua.negative);
  return round_sum<F>(sum(widen(ua), widen(ub)), ctx);
}

template <typename F>
typename F::Bits multiply(typename F::Bits a, typename F::Bits b, bool extended, FpContext ctx) {
  const Unpacked ua = unpack<F>(a, ctx);
  const Unpacked ub = unpack<F>(b, ctx);
  typename F::Bits nan = 0;
  if (process_nans<F>(nan, ctx, Operand<F>{ua, a}, Operand<F>{ub, b}))
    return nan;
  const bool negative = ua.negative != ub.negative;
  if ((ua.is_infinity() && ub.is_zero()) || (ua.is_zero() && ub.is_infinity()))
    return extended ? F::two(negative) : invalid_operation<F>(ctx);
  if (ua.is_infinity() || ub.is_infinity())
    return F::infinity(negative);
  if (ua.is_zero() || ub.is_zero())
    return F::zero(negative);
  return round<F>(narrow(product(ua, ub)), ctx.rounding(), ctx);
}

// floor(sqrt(value)), digit by digit.
u64 integer_sqrt(u64 value) {
  u64 root = 0;
  for (u64 bit = u64{1} << 62; bit != 0; bit >>= 2) {
    const u64 trial = root + bit;
    root >>= 1;
    if (value >= trial) {
      value -= trial;
      root += bit;
    }
  }
  return root;
}

// floor(sqrt(value)) for value >= 2^126: the upper half of the root digit by digit, the lower half
// by one division (P. Zimmermann, "Karatsuba Square Root").
u64 integer_sqrt(u128 value) {
  const u64 high = static_cast<u64>(value >> 64);
  const u64 low = static_cast<u64>(value);
  const u64 upper = integer_sqrt(high);
  const u128 rest = (u128{high - upper * upper} << 32) | (low >> 32);
  const u64 lower = std::min(static_cast<u64>(rest / (u128{upper} * 2)), u64{0xffff'ffff});
  const u128 root = (u128{upper} << 32) + lower;
  return static_cast<u64>(root * root > value ? root - 1 : root);
}

// The constant of a Newton-Raphson step, 2 or 3.
Wide step_constant(u64 sig) {
  return {.negative = false, .exp = 1, .sig = u128{sig} << 63};
}

// (constant - a * b) * 2^scale, or `special` for an infinity times a zero. The constant is
// sig * 2^-62.
template <typename F>
typename F::Bits newton_step(typename F::Bits a, typename F::Bits b, u64 constant_sig, i32 scale,
                             typename F::Bits special, FpContext ctx) {
  a = F::neg(a);
  const Unpacked ua = unpack<F>(a, ctx);
  const Unpacked ub = unpack<F>(b, ctx);
  typename F::Bits nan = 0;
  if (process_nans<F>(nan, ctx, Operand<F>{ua, a}, Operand<F>{ub, b}))
    return nan;
  if ((ua.is_infinity() && ub.is_zero()) || (ua.is_zero() && ub.is_infinity()))
    return special;
  if (ua.is_infinity() || ub.is_infinity())
    return F::infinity(ua.negative != ub.negative);
  Wide result = sum(step_constant(constant_sig), product(ua, ub));
  result.exp += scale;
  return round_sum<F>(result, ctx);
}

} // namespace

template <typename F>
typename F::Bits add(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  return add_or_subtract<F>(a, b, false, ctx);
}

template <typename F>
typename F::Bits sub(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  return add_or_subtract<F>(a, b, true, ctx);
}

template <typename F>
typename F::Bits mul(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  return multiply<F>(a, b, false, ctx);
}

template <typename F>
typename F::Bits mulx(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  return multiply<F>(a, b, true, ctx);
}

template <typename F>
typename F::Bits div(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  const Unpacked ua = unpack<F>(a, ctx);
  const Unpacked ub = unpack<F>(b, ctx);
  typename F::Bits nan = 0;
  if (process_nans<F>(nan, ctx, Operand<F>{ua, a}, Operand<F>{ub, b}))
    return nan;
  const bool negative = ua.negative != ub.negative;
  if ((ua.is_infinity() && ub.is_infinity()) || (ua.is_zero() && ub.is_zero()))
    return invalid_operation<F>(ctx);
  if (ua.is_infinity() || ub.is_zero()) {
    if (!ua.is_infinity())
      ctx.raise(kFpsrDzc);
    return F::infinity(negative);
  }
  if (ua.is_zero() || ub.is_infinity())
    return F::zero(negative);
  const bool below_one = ua.sig < ub.sig;
  const u128 dividend = u128{ua.sig} << (below_one ? 64 : 63);
  const u64 quotient = static_cast<u64>(dividend / ub.sig);
  const bool sticky = u128{quotient} * ub.sig != dividend;
  return round<F>({.negative = negative,
                   .exp = ua.exp - ub.exp - (below_one ? 1 : 0),
                   .sig = quotient | (sticky ? 1 : 0)},
                  ctx.rounding(), ctx);
}

template <typename F>
typename F::Bits sqrt(typename F::Bits a, FpContext ctx) {
  const Unpacked u = unpack<F>(a, ctx);
  if (u.is_nan())
    return process_nan<F>(u.cls, a, ctx);
  if (u.is_zero())
    return F::zero(u.negative);
  if (u.negative)
    return invalid_operation<F>(ctx);
  if (u.is_infinity())
    return F::infinity(false);
  const bool odd = (u.exp & 1) != 0;
  const u128 radicand = u128{u.sig} << (odd ? 64 : 63);
  const u64 root = integer_sqrt(radicand);
  const bool sticky = u128{root} * root != radicand;
  return round<F>(
      {.negative = false, .exp = (u.exp - (odd ? 1 : 0)) / 2, .sig = root | (sticky ? 1 : 0)},
      ctx.rounding(), ctx);
}

template <typename F>
typename F::Bits mul_add(typename F::Bits addend, typename F::Bits a, typename F::Bits b,
                         FpContext ctx) {
  const Unpacked uc = unpack<F>(addend, ctx);
  const Unpacked ua = unpack<F>(a, ctx);
  const Unpacked ub = unpack<F>(b, ctx);
  const bool invalid_product =
      (ua.is_infinity() && ub.is_zero()) || (ua.is_zero() && ub.is_infinity());
  typename F::Bits nan = 0;
  if (process_nans<F>(nan, ctx, Operand<F>{uc, addend}, Operand<F>{ua, a}, Operand<F>{ub, b}))
    return uc.cls == Class::kQuietNan && invalid_product ? invalid_operation<F>(ctx) : nan;
  const bool negative = ua.negative != ub.negative;
  const bool infinite = ua.is_infinity() || ub.is_infinity();
  if (invalid_product || (uc.is_infinity() && infinite && uc.negative != negative))
    return invalid_operation<F>(ctx);
  if (uc.is_infinity() || infinite)
    return F::infinity(infinite ? negative : uc.negative);
  if (uc.is_zero() && (ua.is_zero() || ub.is_zero()) && uc.negative == negative)
    return F::zero(negative);
  return round_sum<F>(sum(widen(uc), product(ua, ub)), ctx);
}

template <typename F>
typename F::Bits recip_step(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  return newton_step<F>(a, b, u64{2} << 62, 0, F::two(false), ctx);
}

template <typename F>
typename F::Bits rsqrt_step(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  return newton_step<F>(a, b, u64{3} << 62, -1, F::one_point_five(false), ctx);
}

#define INSTANTIATE(F)                                                                             \
  template F::Bits add<F>(F::Bits, F::Bits, FpContext);                                            \
  template F::Bits sub<F>(F::Bits, F::Bits, FpContext);                                            \
  template F::Bits mul<F>(F::Bits, F::Bits, FpContext);                                            \
  template F::Bits mulx<F>(F::Bits, F::Bits, FpContext);                                           \
  template F::Bits div<F>(F::Bits, F::Bits, FpContext);                                            \
  template F::Bits sqrt<F>(F::Bits, FpContext);                                                    \
  template F::Bits mul_add<F>(F::Bits, F::Bits, F::Bits, FpContext);                               \
  template F::Bits recip_step<F>(F::Bits, F::Bits, FpContext);                                     \
  template F::Bits rsqrt_step<F>(F::Bits, F::Bits, FpContext);
INSTANTIATE(Half)
INSTANTIATE(Single)
INSTANTIATE(Double)
#undef INSTANTIATE

} // namespace softhv::fp
