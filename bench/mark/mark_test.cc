// SPDX-License-Identifier: Apache-2.0
// The mark program on SoftHV computes what the same source computes on the host.
#include <gtest/gtest.h>

#include "bench/mark/mark.h"
#include "bench/mark/runner.h"

namespace kindling::bench {
namespace {

struct Case {
  const char* name;
  u32 workload;
  u64 iterations;
};

class MarkTest : public testing::TestWithParam<Case> {};

TEST_P(MarkTest, EqualsHost) {
  for (const bool counts : {false, true}) {
    Result<std::unique_ptr<MarkRunner>> runner = MarkRunner::create({.counts = counts});
    ASSERT_TRUE(runner.ok()) << runner.error().message;
    Result<MarkRun> run = (*runner)->run(GetParam().workload, GetParam().iterations);
    ASSERT_TRUE(run.ok()) << run.error().message;
    EXPECT_EQ(run->result, mark_run(GetParam().workload, GetParam().iterations));
    EXPECT_GE(run->instructions, counts ? GetParam().iterations * kMarkLoopInstructions : u64{0});
  }
}

INSTANTIATE_TEST_SUITE_P(All, MarkTest,
                         testing::Values(Case{"Loop", kMarkLoop, 100'000},
                                         Case{"List", kMarkList, 50},
                                         Case{"Matrix", kMarkMatrix, 50},
                                         Case{"State", kMarkState, 200}, Case{"All", kMarkAll, 20}),
                         [](const auto& info) { return info.param.name; });

TEST(MarkRunner, RepeatsOnOneVcpu) {
  Result<std::unique_ptr<MarkRunner>> runner = MarkRunner::create();
  ASSERT_TRUE(runner.ok()) << runner.error().message;
  for (const u64 iterations : {1, 2, 3}) {
    Result<MarkRun> run = (*runner)->run(kMarkAll, iterations);
    ASSERT_TRUE(run.ok()) << run.error().message;
    EXPECT_EQ(run->result, mark_run(kMarkAll, iterations));
  }
}

} // namespace
} // namespace kindling::bench
