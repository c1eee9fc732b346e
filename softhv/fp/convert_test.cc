// SPDX-License-Identifier: Apache-2.0
#include "softhv/fp/convert.h"

#include <gtest/gtest.h>

#include "arch/bits.h"
#include "softhv/fp/test_support.h"

namespace softhv::fp {
namespace {

using test::fpcr_of;
using test::Trial;

TEST(Convert, EveryHalfWidensExactlyAndComesBack) {
  for (u32 h = 0; h < 0x10000; ++h) {
    const u16 half = static_cast<u16>(h);
    if (test::half_is_nan(half))
      continue;
    Trial run(kFpcrFz | kFpcrFz16); // neither flushes a half that is converted
    const u32 s = convert<Single, Half>(half, Rounding::kTieEven, run.ctx);
    const u64 d = convert<Double, Half>(half, Rounding::kTieEven, run.ctx);
    ASSERT_EQ(std::bit_cast<float>(s), static_cast<float>(test::half_value(half)));
    ASSERT_EQ(std::bit_cast<double>(d), test::half_value(half));
    ASSERT_EQ((convert<Half, Single>(s, Rounding::kZero, run.ctx)), half);
    ASSERT_EQ((convert<Half, Double>(d, Rounding::kZero, run.ctx)), half);
    ASSERT_EQ(run.fpsr, 0U);
  }
}

TEST(Convert, NarrowingAgreesWithTheHostInEveryRoundingMode) {
  test::Operands<Double> operands;
  for (int i = 0; i < 200'000; ++i) {
    const Rounding rounding = test::kHostRoundings[i % 4];
    u64 bits = operands.next();
    if (i % 2 == 0) // into the range of single and half precision
      bits = Double::pack(bit(bits, 63),
                          Double::kBias + static_cast<i32>(operands.bits() % 310) - 155, bits);
    const double d = std::bit_cast<double>(bits);
    const test::HostRounding mode(rounding);
    Trial single(fpcr_of(rounding)), half(fpcr_of(rounding));
    volatile double source = d;
    const float f = static_cast<float>(source);
    ASSERT_EQ((convert<Single, Double>(bits, rounding, single.ctx)), std::bit_cast<u32>(f))
        << std::hex << bits;
    ASSERT_EQ((single.fpsr & kFpsrIxc) != 0, static_cast<double>(f) != d) << std::hex << bits;
    const u16 h = convert<Half, Double>(bits, rounding, half.ctx);
    ASSERT_EQ(test::half_value(h), test::round_to_half(d)) << std::hex << bits;
  }
}

TEST(Convert, RoundToOddSetsTheLastBitOfAnInexactResult) {
  Trial run;
  EXPECT_EQ((convert<Single, Double>(0x3ff0'0000'0000'0001, Rounding::kOdd, run.ctx)),
            0x3f80'0001U);
  EXPECT_EQ(run.fpsr, kFpsrIxc);
  EXPECT_EQ((convert<Single, Double>(0x3ff0'0000'3fff'ffff, Rounding::kOdd, run.ctx)),
            0x3f80'0001U);
  EXPECT_EQ((convert<Single, Double>(0x3ff0'0000'4000'0000, Rounding::kOdd, run.ctx)),
            0x3f80'0002U);
  EXPECT_EQ((convert<Single, Double>(0x7fe0'0000'0000'0000, Rounding::kOdd, run.ctx)),
            0x7f7f'ffffU);
  EXPECT_EQ(run.fpsr, kFpsrIxc | kFpsrOfc);
}

TEST(Convert, NaNsKeepSignAndLeadingPayload) {
  Trial run;
  EXPECT_EQ((convert<Double, Single>(0xffc0'0001, Rounding::kTieEven, run.ctx)),
            0xfff8'0000'2000'0000);
  EXPECT_EQ(run.fpsr, 0U);
  EXPECT_EQ((convert<Half, Single>(0x7f80'2000, Rounding::kTieEven, run.ctx)), 0x7e01);
  EXPECT_EQ(run.fpsr, kFpsrIoc);
  Trial default_nan(kFpcrDn);
  EXPECT_EQ((convert<Single, Half>(0xfe01, Rounding::kTieEven, default_nan.ctx)), 0x7fc0'0000U);
}

TEST(Convert, AlternativeHalfPrecisionHasNoInfinitiesAndNoNaNs) {
  Trial wide(kFpcrAhp);
  EXPECT_EQ((convert<Single, Half>(0x7fff, Rounding::kTieEven, wide.ctx)), 0x47ff'e000U); // 131008
  EXPECT_EQ((convert<Half, Single>(0x47ff'e000, Rounding::kTieEven, wide.ctx)), 0x7fff);
  EXPECT_EQ(wide.fpsr, 0U);
  Trial overflow(kFpcrAhp);
  EXPECT_EQ((convert<Half, Single>(0xc800'0000, Rounding::kTieEven, overflow.ctx)), 0xffff);
  EXPECT_EQ(overflow.fpsr, kFpsrIoc);
  Trial infinity(kFpcrAhp);
  EXPECT_EQ((convert<Half, Single>(0x7f80'0000, Rounding::kTieEven, infinity.ctx)), 0x7fff);
  EXPECT_EQ(infinity.fpsr, kFpsrIoc);
  Trial nan(kFpcrAhp);
  EXPECT_EQ((convert<Half, Single>(0xffc0'0000, Rounding::kTieEven, nan.ctx)), 0x8000);
  EXPECT_EQ(nan.fpsr, kFpsrIoc);
}

// Rounds as FPToFixed does, with the help of the host.
double host_round(double value, Rounding rounding) {
  if (rounding == Rounding::kTieAway)
    return std::round(value);
  const test::HostRounding mode(rounding);
  return std::nearbyint(value);
}

constexpr Rounding kAllRoundings[] = {Rounding::kTieEven, Rounding::kPlusInfinity,
                                      Rounding::kMinusInfinity, Rounding::kZero,
                                      Rounding::kTieAway};

TEST(ToFixed, EveryHalfToEveryKindOfInteger) {
  for (const Rounding rounding : kAllRoundings) {
    for (const FixedPoint to : {FixedPoint{16, false, 0}, FixedPoint{16, true, 0},
                                FixedPoint{32, false, 7}, FixedPoint{64, true, 0}}) {
      const double high = std::ldexp(1.0, to.width - (to.is_unsigned ? 0 : 1));
      const double low = to.is_unsigned ? 0 : -high;
      const u64 mask = ~u64{0} >> (64 - to.width);
      for (u32 h = 0; h < 0x10000; ++h) {
        const u16 half = static_cast<u16>(h);
        Trial run;
        const u64 actual = to_fixed<Half>(half, to, rounding, run.ctx);
        if (test::half_is_nan(half)) {
          ASSERT_EQ(actual, 0U);
          ASSERT_EQ(run.fpsr, kFpsrIoc);
          continue;
        }
        const double exact = std::ldexp(test::half_value(half), to.fraction_bits);
        const double integer = host_round(exact, rounding);
        if (integer >= high || integer < low) {
          const u64 limit = integer < low    ? (to.is_unsigned ? 0 : u64{1} << (to.width - 1))
                            : to.is_unsigned ? mask
                                             : mask >> 1;
          ASSERT_EQ(actual, limit) << h;
          ASSERT_EQ(run.fpsr, kFpsrIoc);
        } else {
          ASSERT_EQ(actual, static_cast<u64>(static_cast<i64>(integer)) & mask) << h;
          ASSERT_EQ(run.fpsr, integer == exact ? 0 : kFpsrIxc) << h;
        }
      }
    }
  }
}

TEST(ToFixed, DoublesAtTheBordersOf64Bits) {
  const auto to = [](double d, bool is_unsigned) {
    Trial run;
    return to_fixed<Double>(std::bit_cast<u64>(d), {64, is_unsigned, 0}, Rounding::kZero, run.ctx);
  };
  EXPECT_EQ(to(9223372036854774784.0, false), 0x7fff'ffff'ffff'fc00);
  EXPECT_EQ(to(9223372036854775808.0, false), 0x7fff'ffff'ffff'ffff);
  EXPECT_EQ(to(-9223372036854775808.0, false), 0x8000'0000'0000'0000);
  EXPECT_EQ(to(18446744073709549568.0, true), 0xffff'ffff'ffff'f800);
  EXPECT_EQ(to(18446744073709551616.0, true), 0xffff'ffff'ffff'ffff);
  EXPECT_EQ(to(-0.75, true), 0U);
  EXPECT_EQ(to(-1.0, true), 0U);
}

TEST(FromFixed, AgreesWithTheHostInEveryRoundingMode) {
  test::Operands<Double> random;
  for (int i = 0; i < 100'000; ++i) {
    const u64 value = random.bits() >> (random.bits() % 64);
    const Rounding rounding = test::kHostRoundings[i % 4];
    const test::HostRounding mode(rounding);
    Trial run(fpcr_of(rounding));
    volatile i64 as_signed = static_cast<i64>(value);
    volatile i32 word = static_cast<i32>(value);
    ASSERT_EQ(from_fixed<Double>(value, {64, false, 0}, run.ctx),
              std::bit_cast<u64>(static_cast<double>(as_signed)));
    ASSERT_EQ(from_fixed<Single>(value, {64, false, 0}, run.ctx),
              std::bit_cast<u32>(static_cast<float>(as_signed)));
    ASSERT_EQ(from_fixed<Single>(value, {32, false, 0}, run.ctx),
              std::bit_cast<u32>(static_cast<float>(word)));
    volatile double scaled = static_cast<double>(word) / 1024;
    ASSERT_EQ(from_fixed<Double>(value, {32, false, 10}, run.ctx),
              std::bit_cast<u64>(scaled + 0.0));
  }
  Trial run;
  EXPECT_EQ(from_fixed<Single>(~u64{0}, {64, true, 0}, run.ctx), 0x5f80'0000U);
  EXPECT_EQ(from_fixed<Half>(65535, {32, true, 0}, run.ctx), 0x7c00);
  EXPECT_EQ(run.fpsr, kFpsrIxc | kFpsrOfc);
}

TEST(RoundToIntegral, EveryHalf) {
  for (const Rounding rounding : kAllRoundings) {
    for (u32 h = 0; h < 0x10000; ++h) {
      const u16 half = static_cast<u16>(h);
      if (test::half_is_nan(half))
        continue;
      Trial run;
      const double x = test::half_value(half);
      const u16 actual = round_to_integral<Half>(half, rounding, true, run.ctx);
      const double expected = host_round(x, rounding);
      ASSERT_EQ(test::half_value(actual), expected) << h;
      ASSERT_EQ(bit(actual, 15), bit(half, 15)) << h;
      ASSERT_EQ(run.fpsr, expected == x ? 0 : kFpsrIxc) << h;
    }
  }
}

TEST(RoundToIntegral, RaisesInexactOnlyWhenAsked) {
  Trial run;
  EXPECT_EQ(round_to_integral<Single>(0x3fc0'0000, Rounding::kTieEven, false, run.ctx),
            0x4000'0000U);
  EXPECT_EQ(run.fpsr, 0U);
}

TEST(ToInt32Js, WrapsModulo2To32) {
  struct Case {
    double value;
    u32 result;
    bool exact;
    u32 flags;
  };
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Case& c : {Case{0.0, 0, true, 0},
                        {-0.0, 0, false, 0},
                        {5.0, 5, true, 0},
                        {-5.5, 0xffff'fffb, false, kFpsrIxc},
                        {2147483648.0, 0x8000'0000, false, kFpsrIoc},
                        {-2147483648.0, 0x8000'0000, true, 0},
                        {-2147483648.5, 0x8000'0000, false, kFpsrIxc},
                        {-2147483649.0, 0x7fff'ffff, false, kFpsrIoc},
                        {4294967297.5, 1, false, kFpsrIoc},
                        {0x1p83, 0, false, kFpsrIoc},
                        {0x1.0000000000001p83, 0x8000'0000, false, kFpsrIoc},
                        {-0x1.0000000000001p83, 0x8000'0000, false, kFpsrIoc},
                        {0x1.0000000000001p84, 0, false, kFpsrIoc},
                        {infinity, 0, false, kFpsrIoc}}) {
    Trial run;
    bool exact = false;
    EXPECT_EQ(to_int32_js(std::bit_cast<u64>(c.value), exact, run.ctx), c.result) << c.value;
    EXPECT_EQ(exact, c.exact) << c.value;
    EXPECT_EQ(run.fpsr, c.flags) << c.value;
  }
  Trial flushed(kFpcrFz);
  bool exact = true;
  EXPECT_EQ(to_int32_js(1, exact, flushed.ctx), 0U);
  EXPECT_FALSE(exact);
  EXPECT_EQ(flushed.fpsr, kFpsrIdc);
}

} // namespace
} // namespace softhv::fp
