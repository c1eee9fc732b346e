// SPDX-License-Identifier: Apache-2.0
// Whole machines that are paused and taken back to checkpoints, on the guest work.S. What it
// prints depends on the number of a lap only, so whatever comes back wrong shows.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>

#include "arch/testing/temporary_directory.h"
#include "vmm/testing/console_machine.h"
#include "vmm/testing/laps.h"

namespace kindling::vmm {
namespace {

using testing::ConsoleMachine;
using testing::Laps;

MachineConfig work(u32 vcpus, arch::Engine engine, const std::string& disk = {}) {
  MachineConfig config;
  config.vcpus = vcpus;
  config.ram_size = 16ULL << 20;
  config.kernel = KINDLING_GUEST_PROGRAMS "/work.bin";
  config.engine.engine = engine;
  if (!disk.empty()) {
    config.disks.push_back({.path = disk, .read_only = false, .id = {}});
  }
  return config;
}

MachineConfig counted(MachineConfig config) {
  config.icount = InstructionCounting{.shift = 0, .seed = 1, .script = std::vector<u8>{'q'}};
  return config;
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Setup {
  u32 vcpus;
  arch::Engine engine;
  bool by_faults = false;
};

std::string name_of(const ::testing::TestParamInfo<Setup>& info) {
  return std::to_string(info.param.vcpus) + "Vcpus" +
         (info.param.engine == arch::Engine::kAuto ? "" : "Interpreter") +
         (info.param.by_faults ? "Faults" : "");
}

class CheckpointMachineTest : public ::testing::TestWithParam<Setup> {
protected:
  [[nodiscard]] MachineConfig config() const {
    MachineConfig config = work(GetParam().vcpus, GetParam().engine, disk);
    config.watch_by_faults = GetParam().by_faults;
    return config;
  }

  TemporaryDirectory dir;
  const std::string disk = dir.file("disk", std::string(65536, 'x'));
};

// All instructions from the checkpoint to the end, and what they lead to.
struct End {
  u64 instructions = 0;
  std::string memory;
  std::string printed;
};

// From its last word on the guest executes so many instructions, or fewer when it is paused.
constexpr u64 kLastInstructions = 3;

// A guest with a checkpoint, paused, and what it does from there on.
struct Course {
  std::unique_ptr<ConsoleMachine> guest;
  End end;
};

End run_to_end(ConsoleMachine& guest) {
  End end;
  const u64 start = guest.machine().report().instructions;
  EXPECT_TRUE(guest.machine().resume());
  end.printed = guest.take_up_to("E");
  EXPECT_TRUE(guest.machine().pause());
  const RunReport report = guest.machine().report();
  end.instructions = report.instructions - start;
  end.memory = report.memory_sha256;
  return end;
}

// The guest runs on until the pause reaches it: on a busy host it may be near its end by then, or
// have ended, and is too late.
std::optional<Course> start_course(const MachineConfig& config) {
  Course course{std::make_unique<ConsoleMachine>(counted(config)), {}};
  ConsoleMachine& guest = *course.guest;
  EXPECT_TRUE(guest.works());
  guest.take_up_to("L000000000000000b");
  EXPECT_TRUE(guest.machine().pause());
  if (guest.take().find('E') != std::string::npos) {
    return std::nullopt;
  }
  EXPECT_TRUE(guest.machine().checkpoint());
  course.end = run_to_end(guest);
  return course.end.instructions > 1'000'000U ? std::optional(std::move(course)) : std::nullopt;
}

// With time that is instructions the guest does the same, each time, whenever it is taken back.
TEST_P(CheckpointMachineTest, ThePastRepeatsItselfInstructionByInstruction) {
  std::optional<Course> course;
  for (int tries = 0; tries < 100 && !course; ++tries) {
    course = start_course(config());
  }
  ASSERT_TRUE(course);
  ConsoleMachine& guest = *course->guest;
  Machine& machine = guest.machine();
  const End& first = course->end;
  ASSERT_GT(first.instructions, 1'000'000U);
  const auto laps = static_cast<unsigned>(std::ranges::count(first.printed, 'L'));
  std::mt19937 random(1);
  for (int round = 0; round < 6; ++round) {
    ASSERT_TRUE(machine.roll_back());
    if (round % 2 == 1) { // from somewhere on the way
      ASSERT_TRUE(machine.resume());
      for (unsigned lines = random() % laps; lines > 0; --lines) {
        guest.take_up_to("L");
      }
      ASSERT_TRUE(machine.pause());
      guest.take();
      ASSERT_TRUE(machine.roll_back());
    }
    const End again = run_to_end(guest);
    ASSERT_EQ(again.printed, first.printed) << round;
    ASSERT_EQ(again.memory, first.memory) << round;
    ASSERT_LE(again.instructions, first.instructions + kLastInstructions) << round;
    ASSERT_GE(again.instructions + kLastInstructions, first.instructions) << round;
  }
  ASSERT_TRUE(machine.resume());
}

// A paused guest and what it had printed of the lap it was in.
struct Moment {
  std::string begun;
  std::string disk;
};

// Checkpoints are made, and gone back to, at any moment of the guest's: with requests to the disk
// under way, timers running, and vCPUs on, off, asleep, at work and being turned on.
TEST_P(CheckpointMachineTest, ARunningGuestGoesBackToAnyOfItsCheckpoints) {
  ConsoleMachine guest(config());
  ASSERT_TRUE(guest.works());
  Machine& machine = guest.machine();
  guest.take_up_to("r");
  ASSERT_TRUE(guest.type("g"));
  Laps laps;
  std::vector<Moment> moments;
  std::mt19937 random(2);
  for (int round = 0; round < 60; ++round) {
    for (unsigned lines = random() % 3; lines > 0; --lines) {
      const std::string line = guest.take_up_to("\n");
      ASSERT_TRUE(laps.check(line)) << line;
    }
    ASSERT_TRUE(machine.pause());
    const std::string printed = guest.take();
    ASSERT_TRUE(laps.check(printed)) << printed;
    std::string begun = printed.substr(printed.rfind('\n') + 1);
    if (moments.empty() || (random() % 4 == 0 && moments.size() < kMaxCheckpoints)) {
      ASSERT_TRUE(machine.checkpoint());
      moments.push_back({begun, content(disk)});
    } else {
      const size_t to = random() % moments.size();
      ASSERT_TRUE(machine.roll_back(static_cast<unsigned>(to + 1)));
      moments.resize(to + 1);
      begun = moments[to].begun;
      ASSERT_EQ(content(disk), moments[to].disk);
    }
    ASSERT_EQ(machine.checkpoints().size(), moments.size());
    guest.set_printed(begun);
    ASSERT_TRUE(machine.resume());
  }
  EXPECT_GT(laps.count(), 3U);
}

INSTANTIATE_TEST_SUITE_P(
    Setups, CheckpointMachineTest,
    ::testing::Values(Setup{1, arch::Engine::kInterpreter}, Setup{4, arch::Engine::kInterpreter},
                      Setup{1, arch::Engine::kAuto}, Setup{2, arch::Engine::kAuto},
                      Setup{4, arch::Engine::kAuto}, Setup{4, arch::Engine::kAuto, true}),
    name_of);

TEST(CheckpointMachine, WhatCannotBeGoneBackToIsAnError) {
  ConsoleMachine guest(work(1, arch::Engine::kAuto));
  ASSERT_TRUE(guest.works());
  Machine& machine = guest.machine();
  guest.take_up_to("r");
  EXPECT_FALSE(machine.roll_back());
  EXPECT_FALSE(machine.resume()); // nobody has paused it
  ASSERT_TRUE(machine.pause());
  EXPECT_FALSE(machine.pause());
  for (unsigned number = 1; number <= kMaxCheckpoints; ++number) {
    const auto made = machine.checkpoint();
    ASSERT_TRUE(made);
    EXPECT_EQ(*made, number);
  }
  EXPECT_FALSE(machine.checkpoint());
  EXPECT_FALSE(machine.roll_back(0));
  EXPECT_FALSE(machine.roll_back(kMaxCheckpoints + 1));
  EXPECT_EQ(machine.checkpoints().size(), kMaxCheckpoints);
  EXPECT_TRUE(machine.roll_back(3));
  EXPECT_FALSE(machine.roll_back(4));
  ASSERT_TRUE(machine.resume());
  ASSERT_TRUE(guest.type("g")); // it is as well as ever
  EXPECT_FALSE(guest.take_up_to("L0000000000000001").empty());
}

// However often it is paused, the guest does the same.
TEST(CheckpointMachine, APauseChangesNothing) {
  std::set<std::string> printed;
  std::set<std::string> memory;
  for (const bool pausing : {false, true}) {
    ConsoleMachine guest(counted(work(4, arch::Engine::kAuto)));
    ASSERT_TRUE(guest.works());
    Machine& machine = guest.machine();
    std::string all;
    for (int line = 0; pausing && line < 20; ++line) {
      all += guest.take_up_to("\n");
      ASSERT_TRUE(machine.pause());
      ASSERT_TRUE(machine.resume());
    }
    all += guest.take_up_to("E");
    ASSERT_TRUE(machine.pause());
    printed.insert(all);
    memory.insert(machine.report().memory_sha256);
    ASSERT_TRUE(machine.resume());
  }
  EXPECT_EQ(printed.size(), 1U);
  EXPECT_EQ(memory.size(), 1U);
}

} // namespace
} // namespace kindling::vmm
