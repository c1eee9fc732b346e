// SPDX-License-Identifier: Apache-2.0
// The host's floating point against the integer implementation: results and flags must be equal for
// every FPCR and whatever FPSR holds before.
#include "softhv/fp/fast.h"

#include <gtest/gtest.h>

#include "softhv/fp/host_environment.h"
#include "softhv/fp/test_support.h"

namespace softhv::fp {
namespace {

struct Outcome {
  u64 value;
  u32 flags;
  bool operator==(const Outcome&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << std::hex << "0x" << o.value << " FPSR 0x" << o.flags;
}

template <typename Call>
Outcome outcome(u32 fpcr, u32 fpsr, Call call) {
  FpContext ctx{.fpcr = fpcr, .fpsr = fpsr};
  const u64 value = call(ctx);
  return {value, fpsr};
}

template <typename F>
class Fast : public testing::Test {
protected:
  // Operands of few significant bits make exact results common.
  typename F::Bits operand() {
    typename F::Bits value = operands_.next();
    const unsigned kept = static_cast<unsigned>(operands_.bits() % (2 * F::kFractionBits));
    if (kept < F::kFractionBits)
      value &= static_cast<typename F::Bits>(~(F::kFractionMask >> kept));
    return value;
  }
  test::Operands<F> operands_;
};
using HostFormats = testing::Types<Single, Double>;
TYPED_TEST_SUITE(Fast, HostFormats);

#define EXPECT_SAME(...)                                                                           \
  do {                                                                                             \
    const auto quick = outcome(fpcr, fpsr, [&](FpContext ctx) { return fast_##__VA_ARGS__; });     \
    const auto slow = outcome(fpcr, fpsr, [&](FpContext ctx) { return __VA_ARGS__; });             \
    ASSERT_EQ(quick, slow) << #__VA_ARGS__ << std::hex << " a 0x" << a << " b 0x" << b << " c 0x"  \
                           << c << " FPCR 0x" << fpcr << " FPSR 0x" << fpsr;                       \
  } while (false)

TYPED_TEST(Fast, GivesTheSameResultsAndFlags) {
  using F = TypeParam;
  constexpr u32 kFpcrs[] = {0,
                            0,
                            0,
                            kFpcrFz,
                            kFpcrDn,
                            test::fpcr_of(Rounding::kZero),
                            test::fpcr_of(Rounding::kPlusInfinity)};
  const HostEnvironment environment;
  for (int i = 0; i < 300'000; ++i) {
    const auto a = this->operand(), b = this->operand(), c = this->operand();
    const u32 fpcr = kFpcrs[static_cast<unsigned>(i) % std::size(kFpcrs)];
    const u32 fpsr = i % 3 == 0 ? kFpsrIxc : 0;
    EXPECT_SAME(add<F>(a, b, ctx));
    EXPECT_SAME(sub<F>(a, b, ctx));
    EXPECT_SAME(mul<F>(a, b, ctx));
    EXPECT_SAME(div<F>(a, b, ctx));
    EXPECT_SAME(sqrt<F>(a, ctx));
    EXPECT_SAME(mul_add<F>(c, a, b, ctx));
    EXPECT_SAME(compare<F>(a, b, i % 2 == 0, ctx));
    EXPECT_SAME(compare_eq<F>(a, b, ctx));
    EXPECT_SAME(compare_ge<F>(a, b, ctx));
    EXPECT_SAME(compare_gt<F>(a, b, ctx));
    EXPECT_SAME(max<F>(a, b, ctx));
    EXPECT_SAME(min<F>(a, b, ctx));
    EXPECT_SAME(max_num<F>(a, b, ctx));
    EXPECT_SAME(min_num<F>(a, b, ctx));
    for (const u8 width : {u8{32}, u8{64}}) {
      const FixedPoint type{width, i % 2 == 0, 0};
      EXPECT_SAME(to_fixed<F>(a, type, Rounding::kZero, ctx));
      const u64 integer = this->operands_.bits() >> (this->operands_.bits() % 64);
      EXPECT_SAME(from_fixed<F>(integer, type, ctx));
      EXPECT_SAME(from_fixed<F>(0 - integer, type, ctx));
    }
    using Other = std::conditional_t<std::is_same_v<F, Single>, Double, Single>;
    const auto quick = outcome(
        fpcr, fpsr, [&](FpContext ctx) { return fast_convert<Other, F>(a, ctx.rounding(), ctx); });
    const auto slow = outcome(
        fpcr, fpsr, [&](FpContext ctx) { return convert<Other, F>(a, ctx.rounding(), ctx); });
    ASSERT_EQ(quick, slow) << "convert" << std::hex << " 0x" << a << " FPCR 0x" << fpcr;
  }
}

TYPED_TEST(Fast, IsIndependentOfTheRoundingModeOutside) {
  using F = TypeParam;
  const test::HostRounding outside(Rounding::kPlusInfinity);
  const HostEnvironment environment;
  const auto a = F::pack(false, F::kBias, 0);
  const auto b = F::pack(false, F::kBias - 40 - static_cast<i32>(F::kFractionBits), 1);
  const auto c = a;
  const u32 fpcr = 0, fpsr = 0;
  EXPECT_SAME(add<F>(a, b, ctx));
}

} // namespace
} // namespace softhv::fp
