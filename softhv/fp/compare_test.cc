// SPDX-License-Identifier: Apache-2.0
#include "softhv/fp/compare.h"

#include <gtest/gtest.h>

#include "softhv/core/cpu_state.h"
#include "softhv/fp/test_support.h"

namespace softhv::fp {
namespace {

using test::Trial;

constexpr u64 kQuiet = 0x7ff8'0000'0000'0001;
constexpr u64 kSignalling = 0x7ff0'0000'0000'0001;
constexpr u64 kOne = 0x3ff0'0000'0000'0000;
constexpr u64 kMinusZero = 0x8000'0000'0000'0000;

TEST(Compare, AgreesWithTheHost) {
  test::Operands<Double> operands;
  for (int i = 0; i < 50'000; ++i) {
    const u64 a = operands.next();
    const u64 b = i % 8 == 0 ? a : operands.next();
    const double x = std::bit_cast<double>(a);
    const double y = std::bit_cast<double>(b);
    Trial run;
    ASSERT_EQ(compare_eq<Double>(a, b, run.ctx), x == y);
    ASSERT_EQ(compare_ge<Double>(a, b, run.ctx), x >= y);
    ASSERT_EQ(compare_gt<Double>(a, b, run.ctx), x > y);
    const u32 expected = x == y ? kFlagZ | kFlagC : x < y ? kFlagN : kFlagC;
    ASSERT_EQ(compare<Double>(a, b, true, run.ctx), expected);
    ASSERT_EQ(run.fpsr, 0U);
    if (x != y) {
      ASSERT_EQ(max<Double>(a, b, run.ctx), x > y ? a : b);
      ASSERT_EQ(min<Double>(a, b, run.ctx), x < y ? a : b);
    }
  }
}

TEST(Compare, HalvesInEveryOrder) {
  for (u32 a = 0; a < 0x10000; a += 97) {
    for (u32 b = 0; b < 0x10000; b += 89) {
      const u16 p = static_cast<u16>(a), q = static_cast<u16>(b);
      Trial run;
      const bool ge = compare_ge<Half>(p, q, run.ctx);
      const bool ordered = !test::half_is_nan(p) && !test::half_is_nan(q);
      ASSERT_EQ(ge, ordered && test::half_value(p) >= test::half_value(q)) << a << ' ' << b;
      ASSERT_EQ(run.fpsr, ordered ? 0 : kFpsrIoc);
    }
  }
}

TEST(Compare, NaNsAreUnorderedAndSignalAsTheComparisonSays) {
  for (const u64 nan : {kQuiet, kSignalling}) {
    const bool signalling = nan == kSignalling;
    Trial quiet, signal, eq, gt;
    EXPECT_EQ(compare<Double>(kOne, nan, false, quiet.ctx), kFlagC | kFlagV);
    EXPECT_EQ(quiet.fpsr, signalling ? kFpsrIoc : 0);
    EXPECT_EQ(compare<Double>(nan, kOne, true, signal.ctx), kFlagC | kFlagV);
    EXPECT_EQ(signal.fpsr, kFpsrIoc);
    EXPECT_FALSE(compare_eq<Double>(nan, nan, eq.ctx));
    EXPECT_EQ(eq.fpsr, signalling ? kFpsrIoc : 0);
    EXPECT_FALSE(compare_gt<Double>(nan, kOne, gt.ctx));
    EXPECT_EQ(gt.fpsr, kFpsrIoc);
  }
}

TEST(Compare, FlushedOperandsAreZeros) {
  Trial run(kFpcrFz);
  EXPECT_TRUE(compare_eq<Double>(1, kMinusZero, run.ctx));
  EXPECT_EQ(run.fpsr, kFpsrIdc);
  Trial maximum(kFpcrFz);
  EXPECT_EQ(max<Double>(1, kMinusZero, maximum.ctx), 0U);
  EXPECT_EQ(maximum.fpsr, kFpsrIdc);
}

TEST(MinMax, ZerosAreOrderedBySign) {
  Trial run;
  EXPECT_EQ(max<Double>(kMinusZero, 0, run.ctx), 0U);
  EXPECT_EQ(max<Double>(0, kMinusZero, run.ctx), 0U);
  EXPECT_EQ(min<Double>(0, kMinusZero, run.ctx), kMinusZero);
  EXPECT_EQ(min<Double>(kMinusZero, 0, run.ctx), kMinusZero);
  EXPECT_EQ(run.fpsr, 0U);
}

TEST(MinMax, TheNumberFormsPreferANumberToAQuietNaN) {
  Trial run;
  EXPECT_EQ(max_num<Double>(kQuiet, kOne, run.ctx), kOne);
  EXPECT_EQ(min_num<Double>(kOne, kQuiet, run.ctx), kOne);
  EXPECT_EQ(max_num<Double>(kQuiet, kQuiet, run.ctx), kQuiet);
  EXPECT_EQ(max<Double>(kOne, kQuiet, run.ctx), kQuiet);
  EXPECT_EQ(run.fpsr, 0U);
  EXPECT_EQ(max_num<Double>(kSignalling, kOne, run.ctx), 0x7ff8'0000'0000'0001);
  EXPECT_EQ(run.fpsr, kFpsrIoc);
}

} // namespace
} // namespace softhv::fp
