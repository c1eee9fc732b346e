// SPDX-License-Identifier: Apache-2.0
#include "arch/cpu_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kindling::arch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(CpuFeatures, MoreIsEnough) {
  EXPECT_THAT(missing_features({{"ID_AA64ISAR0_EL1", 0x1110}}, {{"ID_AA64ISAR0_EL1", 0x2220}}),
              IsEmpty());
  EXPECT_THAT(missing_features({}, {{"ID_AA64ISAR0_EL1", 1}}), IsEmpty());
}

TEST(CpuFeatures, WhatIsLessIsNamed) {
  EXPECT_THAT(
      missing_features({{"ID_AA64ISAR0_EL1", 0x0010'2000}}, {{"ID_AA64ISAR0_EL1", 0x1000}}),
      ElementsAre("ID_AA64ISAR0_EL1[15:12] (2, here 1)", "ID_AA64ISAR0_EL1[23:20] (1, here 0)"));
  EXPECT_THAT(missing_features({{"ID_AA64ZFR0_EL1", 1}}, {}),
              ElementsAre("ID_AA64ZFR0_EL1[3:0] (1, here 0)"));
}

TEST(CpuFeatures, SomeFieldsAreSigned) {
  const std::map<std::string, u64> with_fp = {{"ID_AA64PFR0_EL1", 0x11}};
  const std::map<std::string, u64> without = {{"ID_AA64PFR0_EL1", 0xff0011}};
  EXPECT_THAT(
      missing_features(with_fp, without),
      ElementsAre("ID_AA64PFR0_EL1[19:16] (0, here -1)", "ID_AA64PFR0_EL1[23:20] (0, here -1)"));
  EXPECT_THAT(missing_features(without, with_fp), IsEmpty());
}

} // namespace
} // namespace kindling::arch
