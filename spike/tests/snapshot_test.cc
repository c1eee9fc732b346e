// SPDX-License-Identifier: Apache-2.0
// Snapshots of whole virtual machines, and going on from them, through the program `boot`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sched.h>
#include <string>

#include "spike/tests/snapshot_fixture.h"

namespace kindling::spike::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(SnapshotTest, AMachineGoesOnWhereItWas) {
  {
    BootProcess boot(with_store({guest("vm_count")}));
    ASSERT_TRUE(boot.expect("ready"));
    count(boot, 5);
    expect_count(boot, 5);
    snapshot(boot, "five");
    count(boot, 2);
    expect_count(boot, 7);
    boot.send(kEnd);
    EXPECT_EQ(boot.wait(), 0);
  }
  for (const char* engine : {"auto", "interp", "auto"}) {
    BootProcess boot(with_store({"--restore", "five", "--engine", engine}));
    // Its time has stood still while it was not there.
    EXPECT_LT(expect_count(boot, 5), 60'000U);
    count(boot, 3);
    expect_count(boot, 8);
    EXPECT_EQ(instances().size(), 1U);
    boot.send(kEnd);
    EXPECT_EQ(boot.wait(), 0);
  }
  EXPECT_THAT(instances(), IsEmpty());
}

// The programs that this process starts from now on find the host up for so much longer than it is.
// False: the host lets nobody do that.
bool pretend_host_is_up_for_days_more(unsigned days) {
  if (::unshare(CLONE_NEWTIME) != 0) {
    return false;
  }
  std::ofstream offsets("/proc/self/timens_offsets");
  return static_cast<bool>(offsets << "monotonic " << days * 24UL * 3600 << " 0\n" << std::flush);
}

TEST_F(SnapshotTest, TimeGoesOnWhereItWasOnAHostThatHasRestarted) {
  if (!pretend_host_is_up_for_days_more(40)) {
    GTEST_SKIP() << "the host has no time namespaces for us";
  }
  make_base(2);
  ASSERT_TRUE(pretend_host_is_up_for_days_more(0));
  {
    BootProcess clone(with_store({"--restore", "base"}));
    EXPECT_LT(expect_count(clone, 2), 60'000U);
    count(clone, 1);
    snapshot(clone, "second");
  }
  ASSERT_TRUE(pretend_host_is_up_for_days_more(80));
  BootProcess clone(with_store({"--restore", "second"}));
  EXPECT_LT(expect_count(clone, 3), 60'000U);
  ASSERT_TRUE(pretend_host_is_up_for_days_more(0));
}

// A wire that was high is high again, and has not risen.
TEST_F(SnapshotTest, GoingBackAndGoingOnMakeNoEdges) {
  const auto expect_none = [](BootProcess& boot) {
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(boot.expect("."));
    }
    EXPECT_THAT(boot.output(), Not(HasSubstr("again")));
  };
  {
    BootProcess boot(with_store({guest("vm_edge")}));
    ASSERT_TRUE(boot.expect("ready"));
    boot.send("x");
    ASSERT_TRUE(boot.expect("taken"));
    expect_none(boot);
    boot.send("\x01"
              "c");
    ASSERT_TRUE(boot.expect("checkpoint 1"));
    boot.send("\x01r");
    ASSERT_TRUE(boot.expect("back"));
    expect_none(boot);
    snapshot(boot, "high");
  }
  BootProcess clone(with_store({"--restore", "high"}));
  expect_none(clone);
}

TEST_F(SnapshotTest, ClonesOfOneBaseKnowNothingOfEachOther) {
  make_base(3);
  BootProcess a(with_store({"--restore", "base"}));
  auto b = std::make_unique<BootProcess>(with_store({"--restore", "base"}));
  count(a, 4);
  expect_count(*b, 3);
  count(*b, 1);
  expect_count(a, 7);
  expect_count(*b, 4);
  EXPECT_EQ(instances().size(), 2U);
  // What a clone of a dead process has left goes when the next one comes.
  b.reset();
  BootProcess c(with_store({"--restore", "base"}));
  expect_count(c, 3);
  EXPECT_EQ(instances().size(), 2U);
}

class DiffSnapshotTest : public SnapshotTest, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Engines, DiffSnapshotTest, ::testing::Values("auto", "interp"));

TEST_P(DiffSnapshotTest, ChainsOfDifferencesHoldWhatChanged) {
  {
    BootProcess boot(with_store({"--track-dirty", "--engine", GetParam(), guest("vm_count")}));
    ASSERT_TRUE(boot.expect("ready"));
    for (int i = 1; i <= 4; ++i) {
      count(boot, 10);
      snapshot(boot, numbered("s", i));
    }
    boot.send(kEnd);
    EXPECT_EQ(boot.wait(), 0);
  }
  EXPECT_THAT(command({"show", "s4"}).output, HasSubstr("layer:         s1"));
  // Ten pages that it counts on, and those with its counter, each time.
  EXPECT_THAT(command({"show", "s4"}).output, HasSubstr("layer:         s4: 44 KiB of memory"));
  EXPECT_EQ(command({"verify", "s4"}).status, 0);
  EXPECT_EQ(command({"flatten", "s3"}).status, 0);
  EXPECT_NE(command({"rm", "s3"}).status, 0);
  EXPECT_EQ(command({"rm", "s2"}).status, 0);
  EXPECT_EQ(command({"rm", "s1"}).status, 0);
  for (const int i : {4, 3}) {
    BootProcess boot(with_store({"--restore", numbered("s", i), "--track-dirty"}));
    expect_count(boot, static_cast<u64>(10 * i));
    count(boot, 5);
    snapshot(boot, numbered("on", i));
    boot.send(kEnd);
    EXPECT_EQ(boot.wait(), 0);
  }
  EXPECT_THAT(command({"show", "on4"}).output, HasSubstr("layer:         s4"));
  BootProcess boot(with_store({"--restore", "on4"}));
  expect_count(boot, 45);
}

TEST_F(SnapshotTest, ACheckpointAndASnapshotDoNotDisturbEachOther) {
  {
    BootProcess boot(with_store({"--track-dirty", guest("vm_count")}));
    ASSERT_TRUE(boot.expect("ready"));
    count(boot, 2);
    snapshot(boot, "two");
    boot.send("\x01"
              "c");
    ASSERT_TRUE(boot.expect("checkpoint 1"));
    count(boot, 3);
    snapshot(boot, "five");
    boot.send("\x01r");
    ASSERT_TRUE(boot.expect("back at checkpoint 1"));
    expect_count(boot, 2);
    count(boot, 1);
    snapshot(boot, "three");
    boot.send("\x01r");
    ASSERT_TRUE(boot.expect("back at checkpoint 1"));
    expect_count(boot, 2);
    boot.send(kEnd);
    EXPECT_EQ(boot.wait(), 0);
  }
  for (const auto& [name, value] : {std::pair{"two", 2U}, {"five", 5U}, {"three", 3U}}) {
    BootProcess boot(with_store({"--restore", name}));
    expect_count(boot, value);
  }
}

TEST_F(SnapshotTest, AfterARebootNothingIsTheDifferenceToWhatWasBefore) {
  {
    BootProcess boot(with_store({"--track-dirty", guest("vm_commanded")}));
    ASSERT_TRUE(boot.expect("counting"));
    boot.send("++");
    ASSERT_TRUE(boot.expect("0000000000000002"));
    snapshot(boot, "two");
    boot.send("r");
    ASSERT_TRUE(boot.expect("counting"));
    boot.send("+");
    ASSERT_TRUE(boot.expect("0000000000000001"));
    snapshot(boot, "one");
    boot.send("o");
    EXPECT_EQ(boot.wait(), 0);
  }
  EXPECT_THAT(command({"show", "one"}).output, ::testing::Not(HasSubstr("layer:         two")));
  BootProcess boot(with_store({"--restore", "one"}));
  boot.send("+");
  EXPECT_TRUE(boot.expect("0000000000000002"));
}

TEST_F(SnapshotTest, RefusalsLeaveTheGuestRunning) {
  BootProcess boot(with_store({guest("vm_count")}));
  ASSERT_TRUE(boot.expect("ready"));
  count(boot, 1);
  snapshot(boot, "one");
  for (const auto& [name, why] : {std::pair{"one", "already"}, {"../x", "is no name"}}) {
    type_name(boot, name);
    ASSERT_TRUE(boot.expect("no snapshot"));
    ASSERT_TRUE(boot.expect(why));
  }
  boot.send("\x01Snever\x03"); // Ctrl-C
  count(boot, 1);
  expect_count(boot, 2);
  boot.send(kEnd);
  EXPECT_EQ(boot.wait(), 0);
  EXPECT_THAT(boot.output(), ::testing::Not(HasSubstr("snapshot never")));
}

TEST_F(SnapshotTest, WhatCannotBeRestoredIsTold) {
  make_base(0);
  EXPECT_THAT(run_boot(with_store({"--restore", "none"})).errors, HasSubstr("no snapshot none"));
  EXPECT_THAT(run_boot(with_store({"--restore", "base", "--smp", "2"})).errors,
              HasSubstr("comes with the snapshot"));
  EXPECT_THAT(run_boot(with_store({"--restore", "base", "--icount"})).errors,
              HasSubstr("without --icount"));
  EXPECT_THAT(run_boot(with_store({"--prefetch", guest("vm_count")})).errors,
              HasSubstr("with --restore only"));
  EXPECT_THAT(run_boot(with_store({"--restore", "base", "--prefetch=soon"})).errors,
              HasSubstr("milliseconds"));
  const std::string state = store() + "/snapshots/base/state.bin";
  fs::resize_file(state, fs::file_size(state) / 2);
  EXPECT_THAT(run_boot(with_store({"--restore", "base"})).errors, HasSubstr("damaged"));
  EXPECT_THAT(command({"verify", "base"}).errors, HasSubstr("state.bin"));
  fs::remove(store() + "/snapshots/base/ram.img");
  EXPECT_THAT(run_boot(with_store({"--restore", "base"})).errors, HasSubstr("ram.img"));
}

TEST_F(SnapshotTest, ASnapshotThatIsRemovedUnderACloneLosesItNothing) {
  make_base(3);
  {
    BootProcess clone(with_store({"--restore", "base", "--track-dirty"}));
    expect_count(clone, 3);
    EXPECT_THAT(command({"rm", "base"}).errors,
                HasSubstr(std::string("process ").append(std::to_string(clone.pid()))));
    EXPECT_EQ(command({"rm", "base", "--force"}).status, 0);
    count(clone, 2);
    expect_count(clone, 5);
    snapshot(clone, "on");
    clone.send(kEnd);
    EXPECT_EQ(clone.wait(), 0);
    EXPECT_THAT(clone.output(), ::testing::Not(HasSubstr("over base")));
  }
  EXPECT_EQ(command({"verify", "on"}).status, 0);
  BootProcess boot(with_store({"--restore", "on"}));
  expect_count(boot, 5);
}

TEST_F(SnapshotTest, WhatACloneTouchesFirstIsBroughtInForTheNext) {
  make_base(3);
  const auto clone = [this](const char* prefetch, int times) {
    BootProcess boot(with_store({"--restore", "base", "--log-level", "info", prefetch}));
    expect_count(boot, 3);
    count(boot, times);
    expect_count(boot, 3 + static_cast<u64>(times));
    boot.send(kEnd);
    EXPECT_EQ(boot.wait(), 0);
    return boot.errors();
  };
  const auto shown = [this] { return command({"show", "base"}).output; };
  EXPECT_THAT(shown(), ::testing::Not(HasSubstr("working set")));
  // Long enough to end with the clone.
  EXPECT_THAT(clone("--prefetch=600000", 1), HasSubstr("recorded"));
  EXPECT_THAT(shown(), HasSubstr("working set"));
  EXPECT_THAT(clone("--prefetch", 2), HasSubstr("brought in"));
  EXPECT_THAT(clone("--prefetch=600000", 1), HasSubstr("recorded"));
  EXPECT_EQ(command({"verify", "base"}).status, 0);

  // Damaged, it is told of, and the guest goes on.
  fs::path file;
  for (const auto& entry : fs::directory_iterator(store() + "/working-sets")) {
    file = entry.path();
  }
  fs::resize_file(file, fs::file_size(file) - 1);
  EXPECT_NE(command({"verify", "base"}).status, 0);
  EXPECT_THAT(command({"show", "base"}).errors, HasSubstr("damaged"));
  EXPECT_THAT(clone("--prefetch", 1), HasSubstr("damaged"));
  EXPECT_EQ(command({"rm", "base"}).status, 0);
  EXPECT_TRUE(fs::is_empty(store() + "/working-sets"));
}

TEST_F(SnapshotTest, CommandsSpeakJson) {
  make_base(0);
  EXPECT_THAT(command({"list", "--json"}).output, HasSubstr("\"name\": \"base\""));
  EXPECT_THAT(command({"show", "base", "--json"}).output, HasSubstr("\"state_checksum\""));
  EXPECT_EQ(command({"gc", "--json"}).output, "[]\n");
  EXPECT_EQ(command({"rm", "base", "--json"}).output, "{\"done\":\"removed\",\"name\":\"base\"}\n");
  EXPECT_EQ(command({}).status, 2);
  EXPECT_EQ(command({"frobnicate"}).status, 2);
}

} // namespace
} // namespace kindling::spike::testing
