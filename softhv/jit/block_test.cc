// SPDX-License-Identifier: Apache-2.0
// Random programs with fixed seeds, for as long as a test may take.
#include <chrono>
#include <cstdlib>

#include <gtest/gtest.h>

#include "softhv/jit/block_rig.h"

namespace softhv::jit {
namespace {

constexpr std::chrono::seconds kTime{20};
constexpr u64 kMostCases = 100'000;
constexpr unsigned kMostFailures = 5;

TEST(JitBlocks, EndAsInTheInterpreter) {
  const char* first = std::getenv("KINDLING_BLOCK_SEED");
  const u64 start = first != nullptr ? std::strtoull(first, nullptr, 0) : 1;
  BlockRig rig;
  unsigned failures = 0;
  u64 completed = 0;
  u64 faulted = 0;
  u64 seed = start;
  const auto end = std::chrono::steady_clock::now() + kTime;
  for (; seed < start + kMostCases && std::chrono::steady_clock::now() < end; ++seed) {
    const u64 scrambled = std::mt19937_64(seed)();
    u8 input[sizeof scrambled];
    std::memcpy(input, &scrambled, sizeof input);
    const std::string difference = rig.run(BlockGenerator(input).make());
    completed += rig.outcome().completed ? 1 : 0;
    faulted += rig.outcome().ec() == 0x24 || rig.outcome().ec() == 0x25 ? 1 : 0;
    if (difference.empty())
      continue;
    ADD_FAILURE() << "seed " << seed << ", " << difference;
    if (++failures == kMostFailures)
      break;
  }
  RecordProperty("cases", std::to_string(seed - start));
  RecordProperty("completed", std::to_string(completed));
  RecordProperty("faulted", std::to_string(faulted));
  const u64 cases = seed - start;
  EXPECT_GT(cases, 100U);
  EXPECT_GT(completed, cases / 4);
  EXPECT_GT(faulted, cases / 20);
}

TEST(JitBlocks, ADifferenceIsFound) {
  constexpr u32 kAdd = 0x8b02'0000; // add x0, x0, x2
  BlockRig rig(kAdd);
  BlockCase c;
  c.pc = testing::kCodeEl0;
  c.words = {testing::kNop, kAdd};
  c.state.x[2] = 5;
  const std::string difference = rig.run(c);
  EXPECT_NE(difference.find("x0"), std::string::npos) << difference;
  c.words = {testing::kNop};
  EXPECT_EQ(rig.run(c), "");
}

} // namespace
} // namespace softhv::jit
