// SPDX-License-Identifier: Apache-2.0
#include "softhv/isa/bitmask.h"

#include <set>

#include <gtest/gtest.h>

namespace softhv::isa {
namespace {

constexpr u32 encode(u32 n, u32 immr, u32 imms) {
  return (n << 12) | (immr << 6) | imms;
}

TEST(Bitmask, DecodesEveryElementSize) {
  EXPECT_EQ(decode_bitmask(encode(1, 0, 0)), 1U);
  EXPECT_EQ(decode_bitmask(encode(1, 1, 0)), 0x8000'0000'0000'0000U);
  EXPECT_EQ(decode_bitmask(encode(1, 0, 62)), 0x7fff'ffff'ffff'ffffU);
  EXPECT_EQ(decode_bitmask(encode(0, 0, 0)), 0x0000'0001'0000'0001U);
  EXPECT_EQ(decode_bitmask(encode(0, 4, 0b100111)), 0xf00f'f00f'f00f'f00fU);
  EXPECT_EQ(decode_bitmask(encode(0, 0, 0b110011)), 0x0f0f'0f0f'0f0f'0f0fU);
  EXPECT_EQ(decode_bitmask(encode(0, 3, 0b111000)), 0x2222'2222'2222'2222U);
  EXPECT_EQ(decode_bitmask(encode(0, 1, 0b111100)), 0xaaaa'aaaa'aaaa'aaaaU);
}

TEST(Bitmask, RefusesAnElementOfOnes) {
  EXPECT_FALSE(decode_bitmask(encode(1, 0, 63)).has_value());
  EXPECT_FALSE(decode_bitmask(encode(0, 0, 31)).has_value());
  EXPECT_FALSE(decode_bitmask(encode(0, 5, 0b111101)).has_value());
  EXPECT_FALSE(decode_bitmask(encode(0, 0, 0b111110)).has_value());
  EXPECT_FALSE(decode_bitmask(encode(0, 0, 0b111111)).has_value());
}

// sum over the sizes 2..64 of size * (size - 1): the number of distinct patterns.
TEST(Bitmask, CoversEveryPatternThereIs) {
  std::set<u64> values;
  for (u32 field = 0; field < (1U << 13); ++field)
    if (const auto value = decode_bitmask(field))
      values.insert(*value);
  EXPECT_EQ(values.size(), 5334U);
  EXPECT_FALSE(values.contains(0));
  EXPECT_FALSE(values.contains(~0ULL));
}

} // namespace
} // namespace softhv::isa
