// SPDX-License-Identifier: Apache-2.0
#include "arch/memory_map.h"

#include <gtest/gtest.h>

namespace kindling::arch {
namespace {

TEST(MemoryMap, RangesDoNotOverlap) {
  const AddressRange devices{kMmioBase, kMmioEnd - kMmioBase};
  const AddressRange timer{kBootTimerBase, kBootTimerSize};
  const AddressRange fuzz{kFuzzControlBase, kFuzzControlSize};
  const auto gic = gic_placement(kMaxVcpus);
  ASSERT_TRUE(gic.ok());
  const AddressRange all[] = {
      devices, timer, fuzz, gic->distributor, gic->redistributors, ram_range(kMaxRamSize)};
  for (const AddressRange& a : all) {
    for (const AddressRange& b : all) {
      EXPECT_EQ(a.overlaps(b), a == b) << std::hex << a.base << " " << b.base;
    }
  }
  EXPECT_EQ(kMmioWindowCount, 0x1ffU);
  EXPECT_LE(kFirstSpi + kMmioWindowCount, kEndSpi);
}

TEST(MemoryMap, ContainsIsExactAndSafe) {
  const AddressRange range{0x1000, 0x1000};
  EXPECT_TRUE(range.contains(0x1000, 0x1000));
  EXPECT_TRUE(range.contains(0x2000, 0));
  EXPECT_FALSE(range.contains(0x1fff, 2));
  EXPECT_FALSE(range.contains(0xfff, 1));
  EXPECT_FALSE(range.contains(0x1800, ~0ULL));
  EXPECT_FALSE(range.contains(~0ULL, 2));
}

TEST(MemoryMap, GicEndsAtRam) {
  for (const u32 vcpus : {1U, 4U, 32U}) {
    const auto gic = gic_placement(vcpus);
    ASSERT_TRUE(gic.ok());
    EXPECT_EQ(gic->redistributors.end(), kRamBase);
    EXPECT_EQ(gic->redistributors.size, vcpus * 0x2'0000U);
    EXPECT_EQ(gic->distributor.end(), gic->redistributors.base);
    EXPECT_EQ(gic->distributor.size, 0x1'0000U);
  }
  const auto fixed = gic_placement(2, 32 * kMiB);
  ASSERT_TRUE(fixed.ok());
  EXPECT_EQ(fixed->redistributors.base, kRamBase - 32 * kMiB);
  EXPECT_FALSE(gic_placement(0).ok());
  EXPECT_FALSE(gic_placement(33).ok());
  EXPECT_FALSE(gic_placement(2, 0x2'0000).ok());
  EXPECT_FALSE(gic_placement(2, kRamBase).ok());
  EXPECT_FALSE(gic_placement(2, 0x4'1000).ok());
}

TEST(MemoryMap, RamSizes) {
  EXPECT_TRUE(check_ram_size(512 * kMiB).ok());
  EXPECT_TRUE(check_ram_size(kMinRamSize).ok());
  EXPECT_TRUE(check_ram_size(kMaxRamSize).ok());
  EXPECT_FALSE(check_ram_size(0).ok());
  EXPECT_FALSE(check_ram_size(kMaxRamSize + kRamGranule).ok());
  EXPECT_FALSE(check_ram_size(512 * kMiB + 1).ok());
}

TEST(MemoryMap, DeviceTreeAtTheTopOfTheFirst512MiB) {
  EXPECT_EQ(dtb_address(512 * kMiB), kRamBase + 510 * kMiB);
  EXPECT_EQ(dtb_address(8 * kGiB), kRamBase + 510 * kMiB);
  EXPECT_EQ(dtb_address(64 * kMiB), kRamBase + 62 * kMiB);
  EXPECT_EQ(dtb_address(65 * kMiB), kRamBase + 62 * kMiB);
}

TEST(MemoryMap, InitramfsRightBelowTheDeviceTree) {
  const AddressRange kernel{kRamBase, 30 * kMiB};
  const auto at = initramfs_address(128 * kMiB, kernel, 1000);
  ASSERT_TRUE(at.ok());
  EXPECT_EQ(*at, kRamBase + 126 * kMiB - kInitramfsAlignment);
  const auto exact = initramfs_address(128 * kMiB, kernel, 96 * kMiB);
  ASSERT_TRUE(exact.ok());
  EXPECT_EQ(*exact, kernel.end());
  EXPECT_FALSE(initramfs_address(128 * kMiB, kernel, 96 * kMiB + 1).ok());
  EXPECT_FALSE(initramfs_address(128 * kMiB, kernel, ~0ULL).ok());
  EXPECT_FALSE(initramfs_address(24 * kMiB, kernel, 1).ok());
  EXPECT_FALSE(initramfs_address(128 * kMiB, {0, 1}, 1).ok());
  EXPECT_FALSE(initramfs_address(128 * kMiB, {kRamBase, ~0ULL}, 1).ok());
}

} // namespace
} // namespace kindling::arch
