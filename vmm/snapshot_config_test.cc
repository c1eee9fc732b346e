// SPDX-License-Identifier: Apache-2.0
#include "vmm/snapshot_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kindling::vmm {
namespace {

using ::testing::HasSubstr;

MachineConfig booted() {
  MachineConfig config;
  config.vcpus = 3;
  config.ram_size = 256 << 20;
  config.kernel = "/files/Image";
  config.initramfs = "/files/initramfs";
  config.command_line = "quiet";
  config.disks.push_back({.path = "/files/disk", .read_only = false, .id = {}});
  return config;
}

Manifest snapshot_of(const MachineConfig& config) {
  Manifest manifest = describe(config, vstate::Backend::kSoft);
  manifest.name = "base";
  manifest.ram.size = config.ram_size; // with what it holds
  return manifest;
}

TEST(SnapshotConfig, IsTheMachinesThatItWasMadeOf) {
  const MachineConfig before = booted();
  MachineConfig after;
  after.vcpus = 7;
  after.disks = before.disks;
  ASSERT_TRUE(configure_from(after, snapshot_of(before)).ok());
  EXPECT_EQ(after.vcpus, before.vcpus);
  EXPECT_EQ(after.ram_size, before.ram_size);
  EXPECT_EQ(after.command_line, before.command_line);
  EXPECT_EQ(after.kernel, before.kernel);
  EXPECT_EQ(after.initramfs, before.initramfs);
  EXPECT_TRUE(after.disks.empty()) << "the snapshot has them";
}

TEST(SnapshotConfig, AKernelThatIsGivenIsForReboots) {
  MachineConfig config;
  config.kernel = "another";
  ASSERT_TRUE(configure_from(config, snapshot_of(booted())).ok());
  EXPECT_EQ(config.kernel, "another");
  EXPECT_EQ(config.initramfs, std::nullopt);
}

TEST(SnapshotConfig, PathsDoNotDependOnWhereTheyAreReadFrom) {
  MachineConfig config = booted();
  config.kernel = "Image";
  EXPECT_EQ(snapshot_of(config).kernel.front(), '/');
}

TEST(SnapshotConfig, CountingGoesOnAsItWas) {
  MachineConfig counted = booted();
  counted.icount = InstructionCounting{.shift = 2, .seed = 0, .script = {}};
  MachineConfig config;
  EXPECT_THAT(configure_from(config, snapshot_of(counted)).error().message,
              HasSubstr("with --icount=2"));
  config.icount = InstructionCounting{.shift = 1, .seed = 0, .script = {}};
  EXPECT_FALSE(configure_from(config, snapshot_of(counted)).ok());
  EXPECT_THAT(configure_from(config, snapshot_of(booted())).error().message,
              HasSubstr("without --icount"));
  config.icount->shift = 2;
  EXPECT_TRUE(configure_from(config, snapshot_of(counted)).ok());
}

} // namespace
} // namespace kindling::vmm
