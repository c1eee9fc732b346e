// SPDX-License-Identifier: Apache-2.0
#include "softhv/fp/estimate.h"

#include <array>

#include "softhv/fp/round.h"
#include "softhv/fp/unpack.h"

namespace softhv::fp {
namespace {

// RecipEstimate: 1/x for x = a/512 in [0.5, 1), as r/256.
constexpr u32 recip_entry(u32 a) {
  const u32 b = (1U << 19) / (2 * a + 1);
  return (b + 1) / 2;
}

// RecipSqrtEstimate: 1/sqrt(x) for x = a/512 in [0.25, 1), as r/256.
constexpr u32 rsqrt_entry(u32 a) {
  a = a < 256 ? 2 * a + 1 : ((a & ~1U) + 1) * 2;
  u32 b = 512;
  while (u64{a} * (b + 1) * (b + 1) < (u64{1} << 28))
    ++b;
  return (b + 1) / 2;
}

// Indexed by the nine bits of a; entries below the function's domain are not used.
constexpr auto kRecipTable = [] {
  std::array<u16, 512> t{};
  for (u32 a = 256; a < 512; ++a)
    t[a] = static_cast<u16>(recip_entry(a));
  return t;
}();
constexpr auto kRsqrtTable = [] {
  std::array<u16, 512> t{};
  for (u32 a = 128; a < 512; ++a)
    t[a] = static_cast<u16>(rsqrt_entry(a));
  return t;
}();

// The top nine bits of a normalised significand: 1.fffffffff.
u32 top_nine(const Unpacked& u) {
  return static_cast<u32>(u.sig >> 55);
}

// (256 + estimate<7:0>) * 2^exp with no rounding: the eight bits below a shifted-out one are kept,
// as every format has room for them.
template <typename F>
typename F::Bits pack_estimate(bool negative, i32 biased, u32 estimate) {
  u64 fraction = u64{estimate & 0xff} << (F::kFractionBits - 8);
  if (biased <= 0) { // 0 or -1
    fraction |= u64{1} << F::kFractionBits;
    fraction >>= 1 - biased;
    biased = 0;
  }
  return F::pack(negative, biased, fraction);
}

} // namespace

template <typename F>
typename F::Bits recip_estimate(typename F::Bits value, FpContext ctx) {
  const Unpacked u = unpack<F>(value, ctx);
  if (u.is_nan())
    return process_nan<F>(u.cls, value, ctx);
  if (u.is_infinity())
    return F::zero(u.negative);
  if (u.is_zero()) {
    ctx.raise(kFpsrDzc);
    return F::infinity(u.negative);
  }
  if (u.exp < F::kMinExponent - 2) {
    ctx.raise(kFpsrOfc | kFpsrIxc);
    return overflows_to_infinity(ctx.rounding(), u.negative) ? F::infinity(u.negative)
                                                             : F::max_normal(u.negative);
  }
  if (ctx.template flushes<F>() && u.exp >= F::kBias - 1) {
    ctx.raise(kFpsrUfc);
    return F::zero(u.negative);
  }
  return pack_estimate<F>(u.negative, F::kBias - 1 - u.exp, kRecipTable[top_nine(u)]);
}

template <typename F>
typename F::Bits rsqrt_estimate(typename F::Bits value, FpContext ctx) {
  const Unpacked u = unpack<F>(value, ctx);
  if (u.is_nan())
    return process_nan<F>(u.cls, value, ctx);
  if (u.is_zero()) {
    ctx.raise(kFpsrDzc);
    return F::infinity(u.negative);
  }
  if (u.negative)
    return invalid_operation<F>(ctx);
  if (u.is_infinity())
    return F::zero(false);
  // x = m * 2^exp with m in [1, 2): an odd exponent takes m/2 from [0.5, 1), an even one m/4.
  const bool odd = (u.exp & 1) != 0;
  const u32 index = odd ? top_nine(u) : top_nine(u) >> 1;
  const i32 half_exp = odd ? (u.exp + 1) / 2 : (u.exp + 2) / 2;
  return pack_estimate<F>(false, F::kBias - half_exp, kRsqrtTable[index]);
}

template <typename F>
typename F::Bits recip_exponent(typename F::Bits value, FpContext ctx) {
  const Unpacked u = unpack<F>(value, ctx);
  if (u.is_nan())
    return process_nan<F>(u.cls, value, ctx);
  const i32 biased = F::biased_exponent(value);
  return F::pack(u.negative, biased == 0 ? F::kMaxBiased - 1 : F::kMaxBiased - biased, 0);
}

u32 unsigned_recip_estimate(u32 value) {
  return (value >> 31) == 0 ? ~0U : u32{kRecipTable[value >> 23]} << 23;
}

u32 unsigned_rsqrt_estimate(u32 value) {
  return (value >> 30) == 0 ? ~0U : u32{kRsqrtTable[value >> 23]} << 23;
}

#define INSTANTIATE(F)                                                                             \
  template F::Bits recip_estimate<F>(F::Bits, FpContext);                                          \
  template F::Bits rsqrt_estimate<F>(F::Bits, FpContext);                                          \
  template F::Bits recip_exponent<F>(F::Bits, FpContext);
INSTANTIATE(Half)
INSTANTIATE(Single)
INSTANTIATE(Double)
#undef INSTANTIATE

} // namespace softhv::fp
