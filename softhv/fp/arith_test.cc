// SPDX-License-Identifier: Apache-2.0
#include "softhv/fp/arith.h"

#include <gtest/gtest.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "softhv/fp/test_support.h"

namespace softhv::fp {
namespace {

using test::fpcr_of;

struct Outcome {
  u64 value = 0;
  u32 flags = 0;
  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << std::hex << "0x" << o.value << " FPSR 0x" << o.flags;
}

template <typename Call>
Outcome outcome(u32 fpcr, Call call) {
  u32 fpsr = 0;
  FpContext ctx{.fpcr = fpcr, .fpsr = fpsr};
  const u64 value = call(ctx);
  return {value, fpsr};
}

#if defined(__x86_64__)

// The host's answer, with the flags that MXCSR has in common with FPSR.
template <typename F, typename Call>
Outcome host(Rounding rounding, Call call) {
  constexpr u32 kMxcsr[] = {0x1f80, 0x5f80, 0x3f80, 0x7f80};
  const u32 saved = _mm_getcsr();
  _mm_setcsr(kMxcsr[static_cast<unsigned>(rounding)]);
  u64 value = call();
  const u32 status = _mm_getcsr();
  _mm_setcsr(saved);
  const auto bits = static_cast<typename F::Bits>(value);
  if (F::abs(bits) > F::kExponentMask)
    value = F::default_nan();
  const u32 flags = ((status & 1) != 0 ? kFpsrIoc : 0) | ((status & 4) != 0 ? kFpsrDzc : 0) |
                    ((status & 8) != 0 ? kFpsrOfc : 0) | ((status & 16) != 0 ? kFpsrUfc : 0) |
                    ((status & 32) != 0 ? kFpsrIxc : 0);
  return {value, flags};
}

u64 host_operation(char name, u64 a, u64 b, Double /*format*/) {
  __m128d x = _mm_set_sd(std::bit_cast<double>(a));
  const __m128d y = _mm_set_sd(std::bit_cast<double>(b));
  switch (name) {
  case '+': x = _mm_add_sd(x, y); break;
  case '-': x = _mm_sub_sd(x, y); break;
  case '*': x = _mm_mul_sd(x, y); break;
  case '/': x = _mm_div_sd(x, y); break;
  default: x = _mm_sqrt_sd(x, x); break;
  }
  return static_cast<u64>(_mm_cvtsi128_si64(_mm_castpd_si128(x)));
}

u64 host_operation(char name, u32 a, u32 b, Single /*format*/) {
  __m128 x = _mm_set_ss(std::bit_cast<float>(a));
  const __m128 y = _mm_set_ss(std::bit_cast<float>(b));
  switch (name) {
  case '+': x = _mm_add_ss(x, y); break;
  case '-': x = _mm_sub_ss(x, y); break;
  case '*': x = _mm_mul_ss(x, y); break;
  case '/': x = _mm_div_ss(x, y); break;
  default: x = _mm_sqrt_ss(x); break;
  }
  return static_cast<u32>(_mm_cvtsi128_si32(_mm_castps_si128(x)));
}

template <typename F>
u64 ours(char name, typename F::Bits a, typename F::Bits b, FpContext ctx) {
  switch (name) {
  case '+': return add<F>(a, b, ctx);
  case '-': return sub<F>(a, b, ctx);
  case '*': return mul<F>(a, b, ctx);
  case '/': return div<F>(a, b, ctx);
  default: return sqrt<F>(a, ctx);
  }
}

template <typename F>
class AgainstHost : public testing::Test {};
using HostFormats = testing::Types<Single, Double>;
TYPED_TEST_SUITE(AgainstHost, HostFormats);

TYPED_TEST(AgainstHost, AgreesInEveryRoundingMode) {
  using F = TypeParam;
  constexpr typename F::Bits kMinNormal = F::pack(false, 1, 0);
  test::Operands<F> operands;
  for (int i = 0; i < 200'000; ++i) {
    const auto a = operands.next();
    const auto b = operands.next();
    const char name = "+-*/v"[i % 5];
    const Rounding rounding = test::kHostRoundings[(i / 5) % 4];
    Outcome expected = host<F>(rounding, [&] { return host_operation(name, a, b, F{}); });
    const Outcome actual =
        outcome(fpcr_of(rounding), [&](FpContext ctx) { return ours<F>(name, a, b, ctx); });
    // The host detects tininess after rounding, the Arm architecture before: they differ where
    // rounding reaches the smallest normal number.
    if (F::abs(static_cast<typename F::Bits>(expected.value)) == kMinNormal &&
        (expected.flags & kFpsrIxc) != 0)
      expected.flags |= actual.flags & kFpsrUfc;
    ASSERT_EQ(actual, expected) << name << std::hex << " 0x" << a << " 0x" << b << " rounding "
                                << static_cast<int>(rounding);
  }
}

#endif

TEST(MulAdd, AgreesWithTheHostToNearest) {
  test::Operands<Double> doubles;
  test::Operands<Single> singles;
  for (int i = 0; i < 100'000; ++i) {
    const u64 c = doubles.next(), a = doubles.next(), b = doubles.next();
    const double d =
        std::fma(std::bit_cast<double>(a), std::bit_cast<double>(b), std::bit_cast<double>(c));
    const u64 ours = outcome(0, [&](FpContext ctx) { return mul_add<Double>(c, a, b, ctx); }).value;
    ASSERT_EQ(ours, std::isnan(d) ? Double::default_nan() : std::bit_cast<u64>(d))
        << std::hex << c << ' ' << a << ' ' << b;
    const u32 h = singles.next(), f = singles.next(), g = singles.next();
    const float s =
        std::fma(std::bit_cast<float>(f), std::bit_cast<float>(g), std::bit_cast<float>(h));
    const u64 mine = outcome(0, [&](FpContext ctx) { return mul_add<Single>(h, f, g, ctx); }).value;
    ASSERT_EQ(mine, std::isnan(s) ? Single::default_nan() : std::bit_cast<u32>(s))
        << std::hex << h << ' ' << f << ' ' << g;
  }
}

// Sums, products and (with enough guard bits) quotients of halves are exact in double precision.
TEST(Half, AgreesWithDoublePrecisionInEveryRoundingMode) {
  test::Operands<Half> operands;
  for (int i = 0; i < 400'000; ++i) {
    const u16 a = operands.next();
    const u16 b = operands.next();
    const Rounding rounding = test::kHostRoundings[i % 4];
    const double x = test::half_value(a);
    const double y = test::half_value(b);
    const bool invalid_sum = std::isinf(x) && std::isinf(y);
    const bool invalid_product = (std::isinf(x) && y == 0) || (x == 0 && std::isinf(y));
    const u32 fpcr = fpcr_of(rounding);
    const test::HostRounding mode(rounding);
    if (!invalid_sum) {
      const auto sum = outcome(fpcr, [&](FpContext c) { return add<Half>(a, b, c); });
      const double expected = test::round_to_half(x + y);
      ASSERT_EQ(test::half_value(static_cast<u16>(sum.value)), expected) << a << " + " << b;
      ASSERT_EQ((sum.flags & kFpsrIxc) != 0, expected != x + y) << a << " + " << b;
    }
    if (!invalid_product) {
      const auto product = outcome(fpcr, [&](FpContext c) { return mul<Half>(a, b, c); });
      const double expected = test::round_to_half(x * y);
      ASSERT_EQ(test::half_value(static_cast<u16>(product.value)), expected) << a << " * " << b;
      ASSERT_EQ((product.flags & kFpsrIxc) != 0, expected != x * y) << a << " * " << b;
    }
  }
}

TEST(Half, SquareRootOfEveryPositiveNumber) {
  for (const Rounding rounding : test::kHostRoundings) {
    const test::HostRounding mode(rounding);
    for (u32 a = 0; a <= 0x7c00; ++a) {
      const auto root = outcome(fpcr_of(rounding),
                                [&](FpContext c) { return sqrt<Half>(static_cast<u16>(a), c); });
      const double x = test::half_value(static_cast<u16>(a));
      ASSERT_EQ(test::half_value(static_cast<u16>(root.value)), test::round_to_half(std::sqrt(x)));
    }
  }
}

constexpr u32 kQuiet = 0x7fc0'1234;
constexpr u32 kQuiet2 = 0xffc0'4321;
constexpr u32 kSignalling = 0x7f80'0001;
constexpr u32 kSignalling2 = 0xffa0'0002;
constexpr u32 kOne = 0x3f80'0000;
constexpr u32 kInfinity = 0x7f80'0000;
constexpr u32 kMinusInfinity = 0xff80'0000;

TEST(NaNs, TheFirstSignallingOperandWinsThenTheFirstQuietOne) {
  const auto sum = [](u32 a, u32 b, u32 fpcr = 0) {
    return outcome(fpcr, [&](FpContext c) { return add<Single>(a, b, c); });
  };
  EXPECT_EQ(sum(kQuiet, kQuiet2), (Outcome{kQuiet, 0}));
  EXPECT_EQ(sum(kOne, kQuiet2), (Outcome{kQuiet2, 0}));
  EXPECT_EQ(sum(kQuiet, kSignalling), (Outcome{0x7fc0'0001, kFpsrIoc}));
  EXPECT_EQ(sum(kSignalling2, kSignalling), (Outcome{0xffe0'0002, kFpsrIoc}));
  EXPECT_EQ(sum(kQuiet2, kOne, kFpcrDn), (Outcome{0x7fc0'0000, 0}));
  EXPECT_EQ(sum(kSignalling2, kOne, kFpcrDn), (Outcome{0x7fc0'0000, kFpsrIoc}));
  EXPECT_EQ(sum(kInfinity, kMinusInfinity), (Outcome{0x7fc0'0000, kFpsrIoc}));
}

TEST(NaNs, SubtractionKeepsTheSignOfANaN) {
  EXPECT_EQ(outcome(0, [](FpContext c) { return sub<Single>(kOne, kQuiet, c); }),
            (Outcome{kQuiet, 0}));
}

TEST(NaNs, MulAddConsidersTheAddendFirst) {
  const auto fma = [](u32 addend, u32 a, u32 b, u32 fpcr = 0) {
    return outcome(fpcr, [&](FpContext c) { return mul_add<Single>(addend, a, b, c); });
  };
  EXPECT_EQ(fma(kQuiet, kQuiet2, kOne), (Outcome{kQuiet, 0}));
  EXPECT_EQ(fma(kQuiet, kOne, kSignalling), (Outcome{0x7fc0'0001, kFpsrIoc}));
  EXPECT_EQ(fma(kOne, kQuiet2, kQuiet), (Outcome{kQuiet2, 0}));
  // An invalid product overrides a quiet addend, not a signalling one.
  EXPECT_EQ(fma(kQuiet, kInfinity, 0), (Outcome{0x7fc0'0000, kFpsrIoc}));
  EXPECT_EQ(fma(kSignalling2, 0, kInfinity), (Outcome{0xffe0'0002, kFpsrIoc}));
  EXPECT_EQ(fma(kOne, kInfinity, 0), (Outcome{0x7fc0'0000, kFpsrIoc}));
  EXPECT_EQ(fma(kInfinity, kMinusInfinity, kOne), (Outcome{0x7fc0'0000, kFpsrIoc}));
  EXPECT_EQ(fma(kInfinity, kInfinity, kOne), (Outcome{kInfinity, 0}));
}

TEST(Mulx, InfinityTimesZeroIsTwo) {
  const auto mulx1 = [](u32 a, u32 b) {
    return outcome(0, [&](FpContext c) { return mulx<Single>(a, b, c); });
  };
  EXPECT_EQ(mulx1(kInfinity, 0), (Outcome{0x4000'0000, 0}));
  EXPECT_EQ(mulx1(0x8000'0000, kInfinity), (Outcome{0xc000'0000, 0}));
  EXPECT_EQ(mulx1(kOne, kInfinity), (Outcome{kInfinity, 0}));
}

TEST(FlushToZero, OperandsRaiseInputDenormalResultsRaiseUnderflow) {
  constexpr u32 kSubnormal = 0x0000'0001;
  constexpr u32 kMinNormal = 0x0080'0000;
  const auto product = [](u32 a, u32 b, u32 fpcr) {
    return outcome(fpcr, [&](FpContext c) { return mul<Single>(a, b, c); });
  };
  EXPECT_EQ(product(kSubnormal, kOne, 0), (Outcome{kSubnormal, 0}));
  EXPECT_EQ(product(kSubnormal, kOne, kFpcrFz), (Outcome{0, kFpsrIdc}));
  EXPECT_EQ(product(kMinNormal, 0xbf00'0000, 0), (Outcome{0x8040'0000, 0}));
  EXPECT_EQ(product(kMinNormal, 0xbf00'0000, kFpcrFz), (Outcome{0x8000'0000, kFpsrUfc}));
  // Tiny before rounding, although it would round up to a normal number.
  EXPECT_EQ(product(kMinNormal, 0x3f7f'ffff, 0), (Outcome{kMinNormal, kFpsrUfc | kFpsrIxc}));
  EXPECT_EQ(product(kMinNormal, 0x3f7f'ffff, kFpcrFz), (Outcome{0, kFpsrUfc}));
  // FZ16 is for half precision alone.
  EXPECT_EQ(product(kSubnormal, kOne, kFpcrFz16), (Outcome{kSubnormal, 0}));
}

TEST(FlushToZero, HalfPrecisionRaisesNoInputDenormal) {
  const auto product = [](u16 a, u16 b, u32 fpcr) {
    return outcome(fpcr, [&](FpContext c) { return mul<Half>(a, b, c); });
  };
  EXPECT_EQ(product(0x0001, 0x3c00, kFpcrFz), (Outcome{1, 0}));
  EXPECT_EQ(product(0x0001, 0x3c00, kFpcrFz16), (Outcome{0, 0}));
  EXPECT_EQ(product(0x0400, 0x3800, kFpcrFz16), (Outcome{0, kFpsrUfc}));
}

TEST(Sum, AnExactZeroTakesItsSignFromTheRoundingMode) {
  for (const Rounding rounding : test::kHostRoundings) {
    const u64 zero = outcome(fpcr_of(rounding), [](FpContext c) {
                       return add<Single>(kOne, 0xbf80'0000, c);
                     }).value;
    EXPECT_EQ(zero, rounding == Rounding::kMinusInfinity ? 0x8000'0000U : 0U);
  }
}

TEST(Division, ByZeroAndInvalid) {
  const auto quotient = [](u32 a, u32 b) {
    return outcome(0, [&](FpContext c) { return div<Single>(a, b, c); });
  };
  EXPECT_EQ(quotient(0xbf80'0000, 0), (Outcome{kMinusInfinity, kFpsrDzc}));
  EXPECT_EQ(quotient(kInfinity, 0), (Outcome{kInfinity, 0}));
  EXPECT_EQ(quotient(0, 0), (Outcome{0x7fc0'0000, kFpsrIoc}));
  EXPECT_EQ(quotient(kInfinity, kInfinity), (Outcome{0x7fc0'0000, kFpsrIoc}));
}

TEST(NewtonSteps, ConstantsAndSpecialCases) {
  const auto recip = [](u32 a, u32 b) {
    return outcome(0, [&](FpContext c) { return recip_step<Single>(a, b, c); });
  };
  const auto rsqrt = [](u32 a, u32 b) {
    return outcome(0, [&](FpContext c) { return rsqrt_step<Single>(a, b, c); });
  };
  EXPECT_EQ(recip(kOne, kOne), (Outcome{kOne, 0}));
  EXPECT_EQ(recip(kOne, 0x3f00'0000), (Outcome{0x3fc0'0000, 0}));
  EXPECT_EQ(recip(0, kInfinity), (Outcome{0x4000'0000, 0}));
  EXPECT_EQ(recip(kOne, kInfinity), (Outcome{kMinusInfinity, 0}));
  EXPECT_EQ(recip(kQuiet, kOne), (Outcome{kQuiet | 0x8000'0000, 0}));
  EXPECT_EQ(rsqrt(kOne, kOne), (Outcome{kOne, 0}));
  EXPECT_EQ(rsqrt(0, 0), (Outcome{0x3fc0'0000, 0}));
  EXPECT_EQ(rsqrt(kInfinity, 0), (Outcome{0x3fc0'0000, 0}));
  // Rounded once: 3/2 - 2^-25 lies between two numbers, nearer to 3/2.
  EXPECT_EQ(rsqrt(0x3980'0000, 0x3980'0000), (Outcome{0x3fc0'0000, kFpsrIxc}));
}

} // namespace
} // namespace softhv::fp
