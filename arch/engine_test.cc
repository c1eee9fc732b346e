// SPDX-License-Identifier: Apache-2.0
#include "arch/engine.h"

#include <gtest/gtest.h>

namespace kindling::arch {
namespace {

TEST(Statistics, CountsAddUpAndPeaksStay) {
  std::vector<Statistic> sum;
  merge_statistics(sum, {{"exits", 3}, {"memory", 100, true}});
  merge_statistics(sum, {{"exits", 4}, {"memory", 70, true}, {"flushes", 1}});
  ASSERT_EQ(sum.size(), 3U);
  EXPECT_EQ(sum[0].value, 7U);
  EXPECT_EQ(sum[1].value, 100U);
  EXPECT_EQ(sum[2].name, "flushes");
  EXPECT_EQ(sum[2].value, 1U);
}

} // namespace
} // namespace kindling::arch
