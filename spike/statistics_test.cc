// SPDX-License-Identifier: Apache-2.0
#include "spike/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kindling::spike {
namespace {

using testing::ElementsAre;

TEST(StatisticsTable, AlignsNamesAndValuesAndLeavesZerosOut) {
  EXPECT_THAT(statistics_table({{"instructions_retired", 1234567},
                                {"exits_hvc", 0},
                                {"exits_smc", 999},
                                {"exceptions", 1000}}),
              ElementsAre("Statistics:", //
                          "  instructions retired                   1,234,567",
                          "  exits smc                                    999",
                          "  exceptions                                 1,000"));
}

TEST(StatisticsTable, ShowsTheRatiosThatItHasTheNumbersFor) {
  const auto lines = statistics_table({{"blocks_translated", 10},
                                       {"instructions_translated", 55},
                                       {"code_bytes", 1100},
                                       {"tlb_hits", 900},
                                       {"tlb_misses", 100},
                                       {"table_walks", 25}});
  ASSERT_EQ(lines.size(), 11U);
  EXPECT_EQ(lines[7], "  tlb hit rate                             90.00 %");
  EXPECT_EQ(lines[8], "  misses without a walk                    75.00 %");
  EXPECT_EQ(lines[9], "  guest instructions a block                  5.50");
  EXPECT_EQ(lines[10], "  code bytes an instruction                  20.00");
}

} // namespace
} // namespace kindling::spike
