// SPDX-License-Identifier: Apache-2.0
// What the GICD, GICR and ICC registers read and keep.
#include "softhv/gic/test_gic.h"

namespace softhv::gic {
namespace {

TEST_F(GicTest, DistributorIdentifiesAGicV3WithOneSecurityState) {
  EXPECT_EQ(gicd_read(0x0), 0x50U); // DS, ARE
  const u32 typer = gicd_read(0x4);
  EXPECT_EQ(typer & 0x1f, 31U);             // 1024 INTIDs
  EXPECT_EQ(typer >> 10 & 1, 0U);           // SecurityExtn
  EXPECT_EQ(typer >> 17 & 1, 0U);           // LPIS
  EXPECT_EQ((typer >> 19 & 0x1f) + 1, 10U); // ID bits
  EXPECT_EQ(gicd_read(0xffe8) >> 4 & 0xf, 3U);
  EXPECT_EQ(gicd_read(0x10), 0U); // STATUSR
}

TEST_F(GicTest, ReadOnlyRegistersIgnoreWrites) {
  for (const u32 offset : {0x4U, 0x8U, 0x10U, 0xffe8U}) {
    const u32 before = gicd_read(offset);
    gicd_write(offset, ~before);
    EXPECT_EQ(gicd_read(offset), before) << std::hex << offset;
  }
}

TEST_F(GicTest, CtlrKeepsTheGroupEnablesOnly) {
  gicd_write(0x0, ~0U);
  EXPECT_EQ(gicd_read(0x0), 0x53U);
  gicd_write(0x0, 0);
  EXPECT_EQ(gicd_read(0x0), 0x50U);
}

TEST_F(GicTest, BankZeroOfTheDistributorIsInTheRedistributors) {
  for (const u32 offset : {0x80U, 0x100U, 0x180U, 0x200U, 0x300U, 0x400U, 0xc00U, 0xc04U}) {
    gicd_write(offset, ~0U);
    EXPECT_EQ(gicd_read(offset), 0U) << std::hex << offset;
  }
  EXPECT_EQ(gicr_read(0, 0x10100), 0U);
}

TEST_F(GicTest, SetAndClearRegistersShareTheirState) {
  gicd_write(0x104, 0xf0f0);
  EXPECT_EQ(gicd_read(0x104), 0xf0f0U);
  EXPECT_EQ(gicd_read(0x184), 0xf0f0U);
  gicd_write(0x184, 0x00f0);
  EXPECT_EQ(gicd_read(0x104), 0xf000U);
  gicd_write(0x304, 0x3);
  gicd_write(0x384, 0x1);
  EXPECT_EQ(gicd_read(0x304), 0x2U);
  gicd_write(0x204, 0x3);
  gicd_write(0x284, 0x2);
  EXPECT_EQ(gicd_read(0x204), 0x1U);
}

TEST_F(GicTest, IntidsFrom1020DoNotExist) {
  for (const u32 offset : {0x80U, 0x100U, 0x200U, 0x300U}) {
    gicd_write(offset + 31 * 4, ~0U);
    EXPECT_EQ(gicd_read(offset + 31 * 4), 0x0fffffffU) << std::hex << offset;
  }
  gicd_write(0x400 + 1020, ~0U);
  EXPECT_EQ(gicd_read(0x400 + 1020), 0U);
  gicd_write(0xc00 + 63 * 4, ~0U);
  EXPECT_EQ(gicd_read(0xc00 + 63 * 4), 0x00aaaaaaU);
  mmio_write(kGicd + 0x6000 + 8 * 1020, ~0ULL, 8);
  EXPECT_EQ(mmio_read(kGicd + 0x6000 + 8 * 1020, 8), 0U);
}

TEST_F(GicTest, PrioritiesAreBytesOfFiveBits) {
  gicd_write(0x420, 0xffffffff);
  EXPECT_EQ(gicd_read(0x420), 0xf8f8f8f8U);
  mmio_write(kGicd + 0x421, 0x47, 1);
  EXPECT_EQ(gicd_read(0x420), 0xf8f840f8U);
  EXPECT_EQ(mmio_read(kGicd + 0x421, 1), 0x40U);
  mmio_write(kGicd + 0x422, 0x1018, 2);
  EXPECT_EQ(gicd_read(0x420), 0x101840f8U);
  EXPECT_EQ(mmio_read(kGicd + 0x422, 2), 0x1018U);
}

TEST_F(GicTest, NarrowAndMisalignedAccessesElsewhereDoNothing) {
  mmio_write(kGicd + 0x104, 0xff, 1);
  mmio_write(kGicd + 0x104, 0xffff, 2);
  mmio_write(kGicd + 0x102, 0xffffffff, 4);
  EXPECT_EQ(gicd_read(0x104), 0U);
  gicd_write(0x104, 0xff);
  EXPECT_EQ(mmio_read(kGicd + 0x104, 1), 0U);
  EXPECT_EQ(mmio_read(kGicd + 0x104, 16), 0U);
}

TEST_F(GicTest, RoutesAre64BitAndReadableInHalves) {
  set_route(40, 0x12345678'89abcdefULL);
  EXPECT_EQ(mmio_read(kGicd + 0x6000 + 8 * 40, 8), 0x78'80abcdefULL);
  EXPECT_EQ(gicd_read(0x6000 + 8 * 40), 0x80abcdefU);
  EXPECT_EQ(gicd_read(0x6004 + 8 * 40), 0x78U);
  gicd_write(0x6004 + 8 * 40, 0);
  EXPECT_EQ(mmio_read(kGicd + 0x6000 + 8 * 40, 8), 0x80abcdefULL);
}

TEST_F(GicTest, RedistributorsTellAffinityAndTheLastOne) {
  for (u32 i = 0; i < 3; ++i) {
    const u64 typer = mmio_read(gicr_address(i, 0x8), 8);
    EXPECT_EQ(typer >> 32, i);
    EXPECT_EQ(typer >> 4 & 1, i == 2 ? 1U : 0U);
    EXPECT_EQ(typer & 1, 0U); // no LPIs
    EXPECT_EQ(typer, gicr_read(i, 0x8) | static_cast<u64>(gicr_read(i, 0xc)) << 32);
    EXPECT_EQ(gicr_read(i, 0xffe8) >> 4 & 0xf, 3U);
  }
  EXPECT_EQ(gicr_read(3, 0x8), 0U); // nobody's
}

TEST_F(GicTest, RedistributorIsChosenByAffinityNotByOrder) {
  cpus[0]->gic->set_affinity(0x8000'0002);
  cpus[2]->gic->set_affinity(0x8000'0000);
  EXPECT_EQ(vm.gic->redistributor_base(*cpus[0]->gic), kGicr + 2 * kRedistributorSize);
  EXPECT_EQ(vm.gic->redistributor_base(*cpus[1]->gic), kGicr + 1 * kRedistributorSize);
  EXPECT_EQ(vm.gic->redistributor_base(*cpus[2]->gic), kGicr);
  cpus[1]->gic->set_affinity(0x8000'0101); // Aff1 1, Aff0 1: number 17
  EXPECT_EQ(vm.gic->redistributor_base(*cpus[1]->gic), kGicr + 17 * kRedistributorSize);
}

TEST_F(GicTest, UnusualAffinitiesGetTheLowestFreeRedistributor) {
  cpus[1]->gic->set_affinity(0x05'8000'0000ULL);
  cpus[2]->gic->set_affinity(0x80ff0000);
  EXPECT_EQ(vm.gic->redistributor_base(*cpus[2]->gic), kGicr + 2 * kRedistributorSize);
  EXPECT_EQ(mmio_read(gicr_address(1, 0x8), 8) >> 32, 0x05000000U);
}

TEST_F(GicTest, WakerFollowsProcessorSleep) {
  EXPECT_EQ(gicr_read(0, 0x14), 0U);
  gicr_write(0, 0x14, 2);
  EXPECT_EQ(gicr_read(0, 0x14), 6U);
  gicr_write(0, 0x14, 0);
  EXPECT_EQ(gicr_read(0, 0x14), 0U);
}

TEST_F(GicTest, SgisAreEdgeTriggeredForEver) {
  gicr_write(0, 0x10c00, 0);
  EXPECT_EQ(gicr_read(0, 0x10c00), 0xaaaaaaaaU);
  gicr_write(0, 0x10c04, 0xffffffff);
  EXPECT_EQ(gicr_read(0, 0x10c04), 0xaaaaaaaaU);
  gicr_write(0, 0x10c04, 0);
  EXPECT_EQ(gicr_read(0, 0x10c04), 0U);
}

TEST_F(GicTest, MsiFrameTellsItsRange) {
  EXPECT_EQ(mmio_read(kGicm + 0x8), kMsiBase << 16 | kMsiCount);
  EXPECT_EQ(mmio_read(kGicm + 0x40), 0U);
}

TEST_F(GicTest, AddressesOutsideAreNotOurs) {
  u64 value;
  EXPECT_FALSE(vm.internal_read(*cpus[0], kGicd - 4, 4, value));
  EXPECT_FALSE(vm.internal_read(*cpus[0], kGicd + 0x10000, 4, value));
  EXPECT_FALSE(vm.internal_write(*cpus[0], kGicr + kRedistributorRegionSize, 4, 0));
}

TEST_F(GicTest, CpuInterfaceRegistersHaveTheirDirections) {
  Cpu& cpu = *cpus[0];
  u64 value;
  for (const u32 reg :
       {kIccEoir0El1, kIccEoir1El1, kIccDirEl1, kIccSgi0rEl1, kIccSgi1rEl1, kIccAsgi1rEl1})
    EXPECT_FALSE(cpu.gic->read(reg, value)) << std::hex << reg;
  for (const u32 reg : {kIccIar0El1, kIccIar1El1, kIccHppir0El1, kIccHppir1El1, kIccRprEl1})
    EXPECT_FALSE(cpu.gic->write(reg, 0)) << std::hex << reg;
  // Six bits of preemption would be needed for AP0R1 and beyond.
  for (u32 n = 1; n < 4; ++n) {
    EXPECT_FALSE(cpu.gic->read(kIccAp0r0El1 + n, value));
    EXPECT_FALSE(cpu.gic->write(kIccAp1r0El1 + n, 0));
  }
}

TEST_F(GicTest, CpuInterfaceRegistersKeepTheirBits) {
  Cpu& cpu = *cpus[0];
  icc_write(cpu, kIccPmrEl1, 0xff);
  EXPECT_EQ(icc_read(cpu, kIccPmrEl1), 0xf8U);
  EXPECT_EQ(icc_read(cpu, kIccSreEl1), 7U);
  icc_write(cpu, kIccSreEl1, 0);
  EXPECT_EQ(icc_read(cpu, kIccSreEl1), 7U);
  const u64 ctlr = icc_read(cpu, kIccCtlrEl1);
  EXPECT_EQ(ctlr >> 8 & 7, 4U);  // PRIbits: five
  EXPECT_EQ(ctlr >> 15 & 1, 1U); // A3V
  icc_write(cpu, kIccCtlrEl1, 3);
  EXPECT_EQ(icc_read(cpu, kIccCtlrEl1), ctlr | 3);
  icc_write(cpu, kIccCtlrEl1, 0);
  EXPECT_EQ(icc_read(cpu, kIccCtlrEl1), ctlr);
  icc_write(cpu, kIccIgrpen1El1, ~0ULL);
  EXPECT_EQ(icc_read(cpu, kIccIgrpen1El1), 1U);
  EXPECT_EQ(icc_read(cpu, kIccRprEl1), 0xffU);
  EXPECT_EQ(icc_read(cpu, kIccIar1El1), kSpuriousIntid);
  EXPECT_EQ(icc_read(cpu, kIccHppir0El1), kSpuriousIntid);
}

TEST_F(GicTest, BinaryPointsHaveMinimaAndCbprAliases) {
  Cpu& cpu = *cpus[0];
  icc_write(cpu, kIccBpr0El1, 0);
  EXPECT_EQ(icc_read(cpu, kIccBpr0El1), 2U);
  icc_write(cpu, kIccBpr1El1, 0);
  EXPECT_EQ(icc_read(cpu, kIccBpr1El1), 3U);
  icc_write(cpu, kIccBpr0El1, 5);
  icc_write(cpu, kIccBpr1El1, 6);
  icc_write(cpu, kIccCtlrEl1, 1); // CBPR
  EXPECT_EQ(icc_read(cpu, kIccBpr1El1), 6U);
  icc_write(cpu, kIccBpr1El1, 3); // ignored
  icc_write(cpu, kIccBpr0El1, 7);
  EXPECT_EQ(icc_read(cpu, kIccBpr1El1), 7U);
  icc_write(cpu, kIccCtlrEl1, 0);
  EXPECT_EQ(icc_read(cpu, kIccBpr1El1), 6U);
}

} // namespace
} // namespace softhv::gic
