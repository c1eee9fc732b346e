// SPDX-License-Identifier: Apache-2.0
// Whole machines that go on from snapshots of others, on the guest work.S.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "arch/testing/temporary_directory.h"
#include "vmm/testing/console_machine.h"
#include "vmm/testing/generations.h"

namespace kindling::vmm {
namespace {

using testing::ConsoleMachine;
using testing::Generations;

class GenerationsTest : public ::testing::TestWithParam<u32> {
protected:
  GenerationsTest() {
    config.vcpus = GetParam();
    config.ram_size = 16ULL << 20;
    config.kernel = KINDLING_GUEST_PROGRAMS "/work.bin";
    config.store = dir.path() + "/store";
    config.disks.push_back(
        {.path = dir.file("disk", std::string(65536, 'x')), .read_only = false, .id = {}});
  }

  TemporaryDirectory dir;
  MachineConfig config;
};

INSTANTIATE_TEST_SUITE_P(Vcpus, GenerationsTest, ::testing::Values(1U, 4U));

TEST_P(GenerationsTest, EachGoesOnWhereTheLastOneWas) {
  Generations generations(config, 1);
  const Status ran = generations.run(30);
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_GT(generations.laps(), 1U);
  EXPECT_GT(generations.flattened(), 0U);
}

// With time that is instructions, all clones come to the same end.
TEST_P(GenerationsTest, ClonesOfAMachineThatCountsDoTheSame) {
  config.icount = InstructionCounting{.shift = 0, .seed = 1, .script = std::vector<u8>{'q'}};
  std::set<std::string> ends;
  for (int round = 0; round < 4; ++round) {
    ConsoleMachine guest(config);
    ASSERT_TRUE(guest.works());
    Machine& machine = guest.machine();
    if (!config.restore) {
      guest.take_up_to("L0000000000000003");
      ASSERT_TRUE(machine.pause());
      ASSERT_EQ(guest.take().find('E'), std::string::npos) << "it has run too far";
      ASSERT_TRUE(machine.snapshot({.name = "base", .kind = SnapshotKind::kFull, .base = {}}));
      ASSERT_TRUE(machine.resume());
      config.restore = "base";
    }
    ASSERT_FALSE(guest.take_up_to("E").empty());
    ASSERT_TRUE(machine.pause());
    ends.insert(machine.report().memory_sha256);
    ASSERT_TRUE(machine.resume());
  }
  EXPECT_EQ(ends.size(), 1U);
}

} // namespace
} // namespace kindling::vmm
