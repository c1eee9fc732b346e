// SPDX-License-Identifier: Apache-2.0
#include "softhv/fp/estimate.h"

#include <gtest/gtest.h>

#include "softhv/fp/test_support.h"

namespace softhv::fp {
namespace {

using test::Trial;

u32 recip(u32 value) {
  Trial run;
  return recip_estimate<Single>(value, run.ctx);
}
u32 rsqrt(u32 value) {
  Trial run;
  return rsqrt_estimate<Single>(value, run.ctx);
}

// Worked out by hand from RecipEstimate and RecipSqrtEstimate.
TEST(Estimate, KnownValues) {
  EXPECT_EQ(recip(0x3f80'0000), 0x3f7f'8000U); // 1: 511/512
  EXPECT_EQ(recip(0x4000'0000), 0x3eff'8000U); // 2
  EXPECT_EQ(recip(0xc040'0000), 0xbeaa'8000U); // -3: 341/1024
  EXPECT_EQ(rsqrt(0x3f80'0000), 0x3f7f'8000U); // 1: 511/512
  EXPECT_EQ(rsqrt(0x4080'0000), 0x3eff'8000U); // 4
  EXPECT_EQ(rsqrt(0x4000'0000), 0x3f34'8000U); // 2: 361/512
  EXPECT_EQ(unsigned_recip_estimate(0x8000'0000), 0xff80'0000U);
  EXPECT_EQ(unsigned_recip_estimate(0x7fff'ffff), 0xffff'ffffU);
  EXPECT_EQ(unsigned_rsqrt_estimate(0x4000'0000), 0xff80'0000U);
  EXPECT_EQ(unsigned_rsqrt_estimate(0x3fff'ffff), 0xffff'ffffU);
}

// The estimates are good to eight bits for every normal half whose reciprocal is normal too.
TEST(Estimate, EveryHalfIsWithinTheErrorBound) {
  for (u32 h = 0x0400; h < 0x7800; ++h) {
    const u16 half = static_cast<u16>(h);
    const double x = test::half_value(half);
    Trial run;
    const double r = test::half_value(recip_estimate<Half>(half, run.ctx));
    ASSERT_LT(std::fabs(r * x - 1), std::ldexp(1, -7)) << h;
    if (r >= 0x1p-14) {
      ASSERT_LT(std::fabs(r * x - 1), std::ldexp(1, -8)) << h;
    }
    const double s = test::half_value(rsqrt_estimate<Half>(half, run.ctx));
    ASSERT_LT(std::fabs(s * std::sqrt(x) - 1), std::ldexp(1, -8)) << h;
    ASSERT_EQ(run.fpsr, 0U);
  }
}

TEST(Estimate, FormatsAgreeWhereTheyOverlap) {
  for (u32 h = 0x3000; h < 0x5000; ++h) {
    const u16 half = static_cast<u16>(h);
    const double x = test::half_value(half);
    Trial run;
    const u64 d = recip_estimate<Double>(std::bit_cast<u64>(x), run.ctx);
    const u32 s = recip_estimate<Single>(std::bit_cast<u32>(static_cast<float>(x)), run.ctx);
    ASSERT_EQ(std::bit_cast<double>(d), test::half_value(recip_estimate<Half>(half, run.ctx)));
    ASSERT_EQ(std::bit_cast<double>(d), static_cast<double>(std::bit_cast<float>(s)));
  }
}

TEST(Estimate, SpecialOperands) {
  Trial zero;
  EXPECT_EQ(recip_estimate<Single>(0x8000'0000, zero.ctx), 0xff80'0000U);
  EXPECT_EQ(zero.fpsr, kFpsrDzc);
  Trial minus;
  EXPECT_EQ(rsqrt_estimate<Single>(0xbf80'0000, minus.ctx), 0x7fc0'0000U);
  EXPECT_EQ(minus.fpsr, kFpsrIoc);
  Trial quiet;
  EXPECT_EQ(recip_estimate<Single>(0xff80'0000, quiet.ctx), 0x8000'0000U);
  EXPECT_EQ(rsqrt_estimate<Single>(0x7f80'0000, quiet.ctx), 0U);
  EXPECT_EQ(rsqrt_estimate<Single>(0x8000'0000, quiet.ctx), 0xff80'0000U);
  EXPECT_EQ(quiet.fpsr, kFpsrDzc);
}

TEST(Estimate, ReciprocalsThatOverflowOrAreFlushed) {
  constexpr u32 kTiny = 0x001f'ffff; // below 2^-128
  Trial nearest, down(static_cast<u32>(Rounding::kMinusInfinity) << kFpcrRmodeShift);
  EXPECT_EQ(recip_estimate<Single>(kTiny, nearest.ctx), 0x7f80'0000U);
  EXPECT_EQ(recip_estimate<Single>(kTiny, down.ctx), 0x7f7f'ffffU);
  EXPECT_EQ(nearest.fpsr, kFpsrOfc | kFpsrIxc);
  EXPECT_EQ(down.fpsr, kFpsrOfc | kFpsrIxc);
  Trial kept, flushed(kFpcrFz);
  EXPECT_EQ(recip_estimate<Single>(0x7e80'0000, kept.ctx), 0x007f'c000U); // 2^126
  EXPECT_EQ(kept.fpsr, 0U);
  EXPECT_EQ(recip_estimate<Single>(0x7e80'0000, flushed.ctx), 0U);
  EXPECT_EQ(flushed.fpsr, kFpsrUfc);
}

TEST(RecipExponent, InvertsTheExponent) {
  Trial run;
  EXPECT_EQ(recip_exponent<Single>(0x3fc1'2345, run.ctx), 0x4000'0000U);
  EXPECT_EQ(recip_exponent<Single>(0x8000'0001, run.ctx), 0xff00'0000U);
  EXPECT_EQ(recip_exponent<Single>(0x7f80'0000, run.ctx), 0U);
  EXPECT_EQ(run.fpsr, 0U);
}

} // namespace
} // namespace softhv::fp
