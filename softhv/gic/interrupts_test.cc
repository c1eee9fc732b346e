// SPDX-License-Identifier: Apache-2.0
// How interrupts become pending, are signalled, acknowledged and ended.
#include "softhv/gic/test_gic.h"

namespace softhv::gic {
namespace {

constexpr u32 kSpi = 40;
constexpr u64 kEoiMode = 2;

TEST_F(GicTest, LevelInterruptFollowsItsLine) {
  enable_all();
  open_spi(kSpi, 0x80);
  vm.gic->set_spi(kSpi, true);
  EXPECT_TRUE(irq(*cpus[0]));
  EXPECT_FALSE(irq(*cpus[1]));
  EXPECT_TRUE(pending(kSpi));
  vm.gic->set_spi(kSpi, false);
  EXPECT_FALSE(irq(*cpus[0]));
  EXPECT_EQ(icc_read(*cpus[0], kIccIar1El1), kSpuriousIntid);
}

TEST_F(GicTest, LevelInterruptIsPendingAgainAfterEoiWhileTheLineIsHigh) {
  enable_all();
  open_spi(kSpi, 0x80);
  vm.gic->set_spi(kSpi, true);
  EXPECT_EQ(icc_read(*cpus[0], kIccIar1El1), kSpi);
  EXPECT_TRUE(active(kSpi));
  EXPECT_TRUE(pending(kSpi)); // active and pending
  EXPECT_FALSE(irq(*cpus[0]));
  icc_write(*cpus[0], kIccEoir1El1, kSpi);
  EXPECT_FALSE(active(kSpi));
  EXPECT_TRUE(irq(*cpus[0]));
  EXPECT_EQ(icc_read(*cpus[0], kIccIar1El1), kSpi);
  vm.gic->set_spi(kSpi, false);
  icc_write(*cpus[0], kIccEoir1El1, kSpi);
  EXPECT_FALSE(irq(*cpus[0]));
}

TEST_F(GicTest, EdgeInterruptIsLatchedUntilAcknowledged) {
  enable_all();
  open_spi(kSpi, 0x80, true);
  vm.gic->set_spi(kSpi, true);
  vm.gic->set_spi(kSpi, false);
  EXPECT_TRUE(irq(*cpus[0]));
  EXPECT_EQ(icc_read(*cpus[0], kIccIar1El1), kSpi);
  EXPECT_FALSE(pending(kSpi));
  vm.gic->set_spi(kSpi, true); // a second edge while active
  EXPECT_TRUE(pending(kSpi));
  EXPECT_FALSE(irq(*cpus[0]));
  icc_write(*cpus[0], kIccEoir1El1, kSpi);
  EXPECT_EQ(icc_read(*cpus[0], kIccIar1El1), kSpi);
  icc_write(*cpus[0], kIccEoir1El1, kSpi);
  EXPECT_FALSE(irq(*cpus[0])); // the line is still high, but that is no edge
}

TEST_F(GicTest, SoftwareCanMakeInterruptsPendingAndNot) {
  enable_all();
  open_spi(kSpi, 0x80);
  gicd_write(0x204, 1U << (kSpi - 32));
  EXPECT_TRUE(irq(*cpus[0]));
  EXPECT_EQ(icc_read(*cpus[0], kIccIar1El1), kSpi);
  EXPECT_FALSE(pending(kSpi)); // acknowledging clears the latch of a level interrupt too
  icc_write(*cpus[0], kIccEoir1El1, kSpi);
  gicd_write(0x204, 1U << (kSpi - 32));
  gicd_write(0x284, 1U << (kSpi - 32));
  EXPECT_FALSE(irq(*cpus[0]));
  vm.gic->set_spi(kSpi, true);
  gicd_write(0x284, 1U << (kSpi - 32)); // does not pull the line down
  EXPECT_TRUE(pending(kSpi));
}

TEST_F(GicTest, EveryEnableCounts) {
  enable_all();
  open_spi(kSpi, 0x80);
  vm.gic->set_spi(kSpi, true);
  Cpu& cpu = *cpus[0];
  gicd_write(0x184, 1U << (kSpi - 32));
  EXPECT_FALSE(irq(cpu));
  enable_spi(kSpi);
  EXPECT_TRUE(irq(cpu));
  gicd_write(0x0, kCtlrEnableGroup0);
  EXPECT_FALSE(irq(cpu));
  gicd_write(0x0, kCtlrEnableGroup1);
  EXPECT_TRUE(irq(cpu));
  icc_write(cpu, kIccIgrpen1El1, 0);
  EXPECT_FALSE(irq(cpu));
  EXPECT_EQ(icc_read(cpu, kIccHppir1El1), kSpuriousIntid);
  icc_write(cpu, kIccIgrpen1El1, 1);
  EXPECT_TRUE(irq(cpu));
  icc_write(cpu, kIccPmrEl1, 0x80); // not lower than the mask
  EXPECT_FALSE(irq(cpu));
  EXPECT_EQ(icc_read(cpu, kIccIar1El1), kSpuriousIntid);
  EXPECT_EQ(icc_read(cpu, kIccHppir1El1), kSpi); // pending all the same
  icc_write(cpu, kIccPmrEl1, 0x88);
  EXPECT_TRUE(irq(cpu));
  gicr_write(0, 0x14, 2); // GICR_WAKER.ProcessorSleep
  EXPECT_FALSE(irq(cpu));
  gicr_write(0, 0x14, 0);
  EXPECT_TRUE(irq(cpu));
}

TEST_F(GicTest, HighestPriorityThenLowestIntidComesFirst) {
  enable_all();
  open_spi(50, 0x80);
  open_spi(51, 0x40);
  open_spi(100, 0x40);
  for (const u32 intid : {50U, 51U, 100U})
    vm.gic->set_spi(intid, true);
  EXPECT_EQ(icc_read(*cpus[0], kIccHppir1El1), 51U);
  EXPECT_EQ(icc_read(*cpus[0], kIccIar1El1), 51U);
  EXPECT_EQ(icc_read(*cpus[0], kIccRprEl1), 0x40U);
  EXPECT_EQ(icc_read(*cpus[0], kIccHppir1El1), 100U);
  EXPECT_EQ(icc_read(*cpus[0], kIccIar1El1), kSpuriousIntid); // equal priority does not preempt
  icc_write(*cpus[0], kIccEoir1El1, 51);
  vm.gic->set_spi(51, false);
}

TEST_F(GicTest, HigherPriorityPreemptsAndEoiReturnsToTheOuterOne) {
  enable_all();
  open_spi(50, 0xa0);
  open_spi(51, 0x60);
  Cpu& cpu = *cpus[0];
  vm.gic->set_spi(50, true);
  EXPECT_EQ(icc_read(cpu, kIccIar1El1), 50U);
  EXPECT_FALSE(irq(cpu));
  vm.gic->set_spi(51, true);
  EXPECT_TRUE(irq(cpu));
  EXPECT_EQ(icc_read(cpu, kIccIar1El1), 51U);
  EXPECT_EQ(icc_read(cpu, kIccRprEl1), 0x60U);
  EXPECT_EQ(icc_read(cpu, kIccAp1r0El1), 1U << (0x60 >> 3) | 1U << (0xa0 >> 3));
  vm.gic->set_spi(51, false);
  icc_write(cpu, kIccEoir1El1, 51);
  EXPECT_EQ(icc_read(cpu, kIccRprEl1), 0xa0U);
  vm.gic->set_spi(50, false);
  icc_write(cpu, kIccEoir1El1, 50);
  EXPECT_EQ(icc_read(cpu, kIccRprEl1), 0xffU);
  EXPECT_EQ(icc_read(cpu, kIccAp1r0El1), 0U);
}

TEST_F(GicTest, BinaryPointGroupsPriorities) {
  enable_all();
  Cpu& cpu = *cpus[0];
  icc_write(cpu, kIccBpr1El1, 6); // group priority: bits 7:6
  open_spi(50, 0xb8);
  open_spi(51, 0x80);
  open_spi(52, 0x78);
  vm.gic->set_spi(50, true);
  EXPECT_EQ(icc_read(cpu, kIccIar1El1), 50U);
  EXPECT_EQ(icc_read(cpu, kIccRprEl1), 0x80U);
  vm.gic->set_spi(51, true); // the same group
  EXPECT_FALSE(irq(cpu));
  vm.gic->set_spi(52, true); // another
  EXPECT_TRUE(irq(cpu));
}

TEST_F(GicTest, Group0IsFiq) {
  enable_all();
  set_group(kSpi, false);
  open_spi(kSpi, 0x80);
  Cpu& cpu = *cpus[0];
  vm.gic->set_spi(kSpi, true);
  EXPECT_TRUE(fiq(cpu));
  EXPECT_FALSE(irq(cpu));
  EXPECT_EQ(icc_read(cpu, kIccIar1El1), kSpuriousIntid);
  EXPECT_EQ(icc_read(cpu, kIccHppir1El1), kSpuriousIntid);
  EXPECT_EQ(icc_read(cpu, kIccHppir0El1), kSpi);
  EXPECT_EQ(icc_read(cpu, kIccIar0El1), kSpi);
  EXPECT_EQ(icc_read(cpu, kIccAp0r0El1), 1U << 16);
  vm.gic->set_spi(kSpi, false);
  icc_write(cpu, kIccEoir1El1, kSpi); // the wrong group: nothing happens
  EXPECT_TRUE(active(kSpi));
  EXPECT_EQ(icc_read(cpu, kIccRprEl1), 0x80U);
  icc_write(cpu, kIccEoir0El1, kSpi);
  EXPECT_FALSE(active(kSpi));
  EXPECT_EQ(icc_read(cpu, kIccRprEl1), 0xffU);
}

TEST_F(GicTest, SplitEoiDropsPriorityAndDirDeactivates) {
  enable_all();
  Cpu& cpu = *cpus[0];
  icc_write(cpu, kIccCtlrEl1, kEoiMode);
  open_spi(kSpi, 0x80, true);
  open_spi(41, 0x80, true);
  vm.gic->set_spi(kSpi, true);
  EXPECT_EQ(icc_read(cpu, kIccIar1El1), kSpi);
  icc_write(cpu, kIccEoir1El1, kSpi);
  EXPECT_TRUE(active(kSpi));
  EXPECT_EQ(icc_read(cpu, kIccRprEl1), 0xffU);
  vm.gic->set_spi(kSpi, true); // pending, but active: not signalled
  EXPECT_FALSE(irq(cpu));
  vm.gic->set_spi(41, true); // others are
  EXPECT_EQ(icc_read(cpu, kIccIar1El1), 41U);
  icc_write(cpu, kIccEoir1El1, 41);
  icc_write(cpu, kIccDirEl1, 41);
  icc_write(cpu, kIccDirEl1, kSpi);
  EXPECT_FALSE(active(kSpi));
  EXPECT_TRUE(irq(cpu));
}

TEST_F(GicTest, DirDoesNothingWithoutSplitEoi) {
  enable_all();
  Cpu& cpu = *cpus[0];
  open_spi(kSpi, 0x80, true);
  vm.gic->set_spi(kSpi, true);
  EXPECT_EQ(icc_read(cpu, kIccIar1El1), kSpi);
  icc_write(cpu, kIccDirEl1, kSpi);
  EXPECT_TRUE(active(kSpi));
}

TEST_F(GicTest, SpecialAndNonsenseIntidsAreHarmless) {
  enable_all();
  for (const u64 intid : {1020ULL, 1023ULL, 1024ULL, 8192ULL, 0xffffffULL, ~0ULL}) {
    icc_write(*cpus[0], kIccEoir0El1, intid);
    icc_write(*cpus[0], kIccEoir1El1, intid);
    icc_write(*cpus[0], kIccCtlrEl1, kEoiMode);
    icc_write(*cpus[0], kIccDirEl1, intid);
    icc_write(*cpus[0], kIccCtlrEl1, 0);
    gicd_write(0x40, static_cast<u32>(intid));
    gicd_write(0x48, static_cast<u32>(intid));
    mmio_write(kGicm + 0x40, intid);
  }
  EXPECT_FALSE(irq(*cpus[0]));
}

TEST_F(GicTest, RoutesFollowAffinity) {
  enable_all();
  open_spi(kSpi, 0x80);
  vm.gic->set_spi(kSpi, true);
  set_route(kSpi, 1);
  EXPECT_FALSE(irq(*cpus[0]));
  EXPECT_TRUE(irq(*cpus[1]));
  set_route(kSpi, 0x100); // nobody
  EXPECT_FALSE(irq(*cpus[0]) || irq(*cpus[1]) || irq(*cpus[2]));
  cpus[2]->gic->set_affinity(0x80000100);
  EXPECT_TRUE(irq(*cpus[2]));
}

TEST_F(GicTest, OneOfNGoesToOneParticipant) {
  enable_all();
  open_spi(kSpi, 0x80);
  set_route(kSpi, 1ULL << 31);
  gicr_write(0, 0x0, 1U << 25); // DPG1NS: vCPU 0 declines
  vm.gic->set_spi(kSpi, true);
  EXPECT_FALSE(irq(*cpus[0]));
  EXPECT_TRUE(irq(*cpus[1]));
  EXPECT_FALSE(irq(*cpus[2]));
  EXPECT_EQ(icc_read(*cpus[1], kIccIar1El1), kSpi);
  EXPECT_FALSE(irq(*cpus[2]));
  // While vCPU 1 handles that one, another goes to vCPU 2.
  open_spi(41, 0x80);
  set_route(41, 1ULL << 31);
  vm.gic->set_spi(41, true);
  EXPECT_TRUE(irq(*cpus[2]));
}

TEST_F(GicTest, SgiReachesTheListedTargets) {
  enable_all();
  for (u32 i = 0; i < 3; ++i)
    gicr_write(i, 0x10100, 0xffff);
  icc_write(*cpus[0], kIccSgi1rEl1, 5ULL << 24 | 0b110);
  EXPECT_FALSE(irq(*cpus[0]));
  EXPECT_TRUE(irq(*cpus[1]));
  EXPECT_TRUE(irq(*cpus[2]));
  EXPECT_EQ(icc_read(*cpus[1], kIccIar1El1), 5U);
  EXPECT_EQ(gicr_read(1, 0x10300), 1U << 5);
  icc_write(*cpus[1], kIccEoir1El1, 5);
  EXPECT_EQ(gicr_read(1, 0x10300), 0U);
  EXPECT_TRUE(irq(*cpus[2]));
}

TEST_F(GicTest, SgiToAllButSelf) {
  enable_all();
  for (u32 i = 0; i < 3; ++i)
    gicr_write(i, 0x10100, 0xffff);
  icc_write(*cpus[1], kIccSgi1rEl1, 1ULL << 40 | 3ULL << 24);
  EXPECT_TRUE(irq(*cpus[0]));
  EXPECT_FALSE(irq(*cpus[1]));
  EXPECT_TRUE(irq(*cpus[2]));
}

TEST_F(GicTest, SgiUsesAllAffinityLevelsAndTheRangeSelector) {
  enable_all();
  for (u32 i = 0; i < 3; ++i)
    gicr_write(i, 0x10100, 0xffff);
  cpus[1]->gic->set_affinity(0x0700050312ULL);
  const u64 target = 7ULL << 48 | 5ULL << 16 << 16 | 3ULL << 16 | 1ULL << 44 | 1U << 2;
  icc_write(*cpus[0], kIccSgi1rEl1, target);
  EXPECT_TRUE(irq(*cpus[1]));
  EXPECT_EQ(icc_read(*cpus[1], kIccIar1El1), 0U);
  icc_write(*cpus[1], kIccEoir1El1, 0);
  icc_write(*cpus[0], kIccSgi1rEl1, target ^ 1ULL << 48); // another Aff3
  icc_write(*cpus[0], kIccSgi1rEl1, target ^ 1ULL << 44); // another range
  EXPECT_FALSE(irq(*cpus[1]));
}

TEST_F(GicTest, Sgi0AndAsgi1ReachGroup0Only) {
  enable_all();
  gicr_write(1, 0x10100, 0xffff);
  icc_write(*cpus[0], kIccSgi0rEl1, 4ULL << 24 | 0b10);
  icc_write(*cpus[0], kIccAsgi1rEl1, 4ULL << 24 | 0b10);
  EXPECT_FALSE(irq(*cpus[1]) || fiq(*cpus[1]));
  gicr_write(1, 0x10080, ~(1U << 4));
  icc_write(*cpus[0], kIccSgi0rEl1, 4ULL << 24 | 0b10);
  EXPECT_TRUE(fiq(*cpus[1]));
  EXPECT_EQ(icc_read(*cpus[1], kIccIar0El1), 4U);
}

TEST_F(GicTest, PpisArePrivate) {
  enable_all();
  gicr_write(1, 0x10100, 1U << 27);
  cpus[1]->gic->set_ppi(27, true);
  EXPECT_TRUE(irq(*cpus[1]));
  EXPECT_FALSE(irq(*cpus[0]));
  EXPECT_EQ(icc_read(*cpus[1], kIccIar1El1), 27U);
  cpus[1]->gic->set_ppi(27, false);
  icc_write(*cpus[1], kIccEoir1El1, 27);
  EXPECT_FALSE(irq(*cpus[1]));
}

TEST_F(GicTest, MessagesMakeSpisPending) {
  enable_all();
  open_spi(kSpi, 0x80, true);
  mmio_write(kGicd + 0x40, kSpi, 2); // GICD_SETSPI_NSR
  EXPECT_TRUE(irq(*cpus[0]));
  gicd_write(0x48, kSpi); // GICD_CLRSPI_NSR
  EXPECT_FALSE(irq(*cpus[0]));
  enable_spi(kMsiBase + 3);
  mmio_write(kGicm + 0x40, kMsiBase + 3);
  EXPECT_EQ(icc_read(*cpus[0], kIccIar1El1), kMsiBase + 3);
  icc_write(*cpus[0], kIccEoir1El1, kMsiBase + 3);
  EXPECT_TRUE(vm.gic->send_msi(kGicm + 0x40, kMsiBase + 3));
  EXPECT_TRUE(irq(*cpus[0]));
  EXPECT_FALSE(vm.gic->send_msi(kGicm + 0x44, kMsiBase + 3));
  EXPECT_FALSE(vm.gic->send_msi(kGicm + 0x40, kMsiBase + kMsiCount));
}

TEST_F(GicTest, AttentionIsAskedForWhenALineRises) {
  enable_all();
  open_spi(kSpi, 0x80);
  cpus[0]->attention = 0;
  vm.gic->set_spi(kSpi, true);
  EXPECT_EQ(cpus[0]->attention, kAttentionInterrupt);
  EXPECT_EQ(cpus[1]->attention & kAttentionExit, 0U);
}

} // namespace
} // namespace softhv::gic
