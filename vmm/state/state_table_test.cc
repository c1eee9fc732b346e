// SPDX-License-Identifier: Apache-2.0
#include "vmm/state/state_table.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kindling::vmm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

StateTable example() {
  StateTable table;
  table.put("vcpu0/PC", 0x40000000);
  table.put("device/serial", std::vector<u8>{1, 2, 3});
  table.put("device/none", std::vector<u8>{});
  return table;
}

TEST(StateTable, BytesAndBack) {
  const auto back = StateTable::decode(example().encode());
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(*back, example());
}

TEST(StateTable, ValuesAreTakenOnceAndByTheirType) {
  StateTable table = example();
  EXPECT_EQ(*table.take_number("vcpu0/PC"), 0x40000000U);
  EXPECT_THAT(table.take_number("vcpu0/PC").error().message, HasSubstr("no vcpu0/PC"));
  EXPECT_THAT(table.take_number("device/serial").error().message, HasSubstr("not a number"));
  EXPECT_THAT(*table.take_bytes("device/serial"), ElementsAre(1, 2, 3));
  EXPECT_THAT(table.names(), ElementsAre("device/none"));
}

TEST(StateTable, EveryCutIsNoticed) {
  const std::vector<u8> good = example().encode();
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(StateTable::decode(std::span(good).first(size)).ok()) << size;
  }
  std::vector<u8> longer = good;
  longer.push_back(0);
  EXPECT_FALSE(StateTable::decode(longer).ok());
}

TEST(StateTable, AnotherVersionIsNamed) {
  std::vector<u8> other = example().encode();
  other[8] = 9;
  EXPECT_THAT(StateTable::decode(other).error().message, HasSubstr("version 9"));
}

TEST(StateTable, DamageIsRefusedOrMakesAnotherTable) {
  const std::vector<u8> good = example().encode();
  std::mt19937 random(1);
  for (int i = 0; i < 5000; ++i) {
    std::vector<u8> bad = good;
    bad[random() % bad.size()] ^= static_cast<u8>(1U << random() % 8);
    const auto table = StateTable::decode(bad);
    if (table.ok()) {
      EXPECT_NE(*table, example());
    }
  }
}

} // namespace
} // namespace kindling::vmm
