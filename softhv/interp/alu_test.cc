// SPDX-License-Identifier: Apache-2.0
#include "softhv/interp/alu.h"

#include <string_view>

#include <gtest/gtest.h>

#include "softhv/interp/crc32.h"

namespace softhv::interp {
namespace {

template <typename T>
constexpr T kOperands[] = {
    0,
    1,
    2,
    0x7f,
    0x80,
    static_cast<T>(-1),
    static_cast<T>(-2),
    std::numeric_limits<Signed<T>>::max(),
    static_cast<T>(std::numeric_limits<Signed<T>>::min()),
    static_cast<T>(std::numeric_limits<Signed<T>>::min()) + 1,
    static_cast<T>(0x5555'5555'5555'5555),
    static_cast<T>(0xaaaa'aaaa'aaaa'aaaa),
};

// AddWithCarry of the Arm ARM, in wider arithmetic.
template <typename T>
u32 add_with_carry(T a, T b, bool carry) {
  const u128 unsigned_sum = static_cast<u128>(a) + b + (carry ? 1 : 0);
  const i128 signed_sum =
      static_cast<i128>(static_cast<Signed<T>>(a)) + static_cast<Signed<T>>(b) + (carry ? 1 : 0);
  const T result = static_cast<T>(unsigned_sum);
  u32 nzcv = bit(result, kBits<T> - 1) ? kFlagN : 0;
  nzcv |= result == 0 ? kFlagZ : 0;
  nzcv |= result != unsigned_sum ? kFlagC : 0;
  nzcv |= static_cast<Signed<T>>(result) != signed_sum ? kFlagV : 0;
  return nzcv;
}

template <typename T>
class Flags : public ::testing::Test {};
using Sizes = ::testing::Types<u32, u64>;
TYPED_TEST_SUITE(Flags, Sizes);

TYPED_TEST(Flags, OfAddAndSubtract) {
  using T = TypeParam;
  for (const T a : kOperands<T>) {
    for (const T b : kOperands<T>) {
      EXPECT_EQ(flags_of_add<T>(a, b), add_with_carry<T>(a, b, false)) << a << " + " << b;
      EXPECT_EQ(flags_of_sub<T>(a, b), add_with_carry<T>(a, ~b, true)) << a << " - " << b;
      EXPECT_EQ(portable::flags_of_add<T>(a, b), add_with_carry<T>(a, b, false));
      EXPECT_EQ(portable::flags_of_sub<T>(a, b), add_with_carry<T>(a, ~b, true));
      for (const bool carry : {false, true})
        EXPECT_EQ(flags_of_adc<T>(a, b, carry), add_with_carry<T>(a, b, carry))
            << a << " + " << b << " + " << carry;
    }
  }
}

// ConditionHolds of the Arm ARM.
bool condition_of_the_manual(unsigned condition, u32 nzcv) {
  const bool n = (nzcv & kFlagN) != 0;
  const bool z = (nzcv & kFlagZ) != 0;
  const bool c = (nzcv & kFlagC) != 0;
  const bool v = (nzcv & kFlagV) != 0;
  const bool base[] = {z, c, n, v, c && !z, n == v, n == v && !z, true};
  const bool result = base[condition >> 1];
  return (condition & 1) != 0 && condition != 15 ? !result : result;
}

TEST(Conditions, AgreeWithTheManual) {
  for (unsigned condition = 0; condition < 16; ++condition)
    for (u32 flags = 0; flags < 16; ++flags)
      EXPECT_EQ(condition_in_set(flags << 28, kConditionSets[condition]),
                condition_of_the_manual(condition, flags << 28))
          << condition << " " << flags;
}

// The check values of the two polynomials for "123456789".
constexpr std::string_view kCheck = "123456789";

TEST(Crc32, HasTheCheckValue) {
  u32 crc = ~0U;
  for (const char c : kCheck)
    crc = crc32_step(crc, static_cast<u8>(c));
  EXPECT_EQ(~crc, 0xcbf4'3926U);
}

TEST(Crc32, HasTheCheckValueOfCastagnoli) {
  u32 crc = ~0U;
  u32 portable = ~0U;
  for (const char c : kCheck) {
    crc = crc32c_step(crc, static_cast<u8>(c));
    portable = crc_step<kCrc32cReflected>(portable, static_cast<u8>(c));
  }
  EXPECT_EQ(~crc, 0xe306'9283U);
  EXPECT_EQ(crc, portable);
}

TEST(Crc32, TakesWideValuesAsBytesLeastSignificantFirst) {
  const u64 value = 0x8877'6655'4433'2211;
  u32 bytes = 0x1234'5678;
  u32 bytes_c = bytes;
  for (unsigned i = 0; i < 8; ++i) {
    bytes = crc32_step(bytes, static_cast<u8>(value >> (8 * i)));
    bytes_c = crc32c_step(bytes_c, static_cast<u8>(value >> (8 * i)));
  }
  EXPECT_EQ(crc32_step<u64>(0x1234'5678, value), bytes);
  EXPECT_EQ(crc32c_step<u64>(0x1234'5678, value), bytes_c);
}

} // namespace
} // namespace softhv::interp
