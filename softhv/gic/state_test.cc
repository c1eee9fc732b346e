// SPDX-License-Identifier: Apache-2.0
// Saving, restoring and resetting the GIC.
#include <array>
#include <cstring>
#include <random>

#include "softhv/gic/test_gic.h"

namespace softhv::gic {
namespace {

class GicStateTest : public GicTest {
protected:
  // A state in which every kind of register holds something.
  void make_interesting() {
    enable_all();
    open_spi(40, 0x80);         // level, line high, active and pending
    open_spi(41, 0x48, true);   // edge, latched
    open_spi(1019, 0x10, true); // the last one, latched
    open_spi(42, 0x90);
    set_route(42, 0x2);
    set_group(43, false);
    vm.gic->set_spi(40, true);
    EXPECT_EQ(icc_read(*cpus[0], kIccIar1El1), 40U);
    vm.gic->set_spi(41, true);
    vm.gic->set_spi(41, false);
    vm.gic->set_spi(1019, true);
    gicr_write(1, 0x10100, 0xffff);
    icc_write(*cpus[0], kIccSgi1rEl1, 6ULL << 24 | 0b10);
    gicr_write(2, 0x14, 2);
    gicr_write(1, 0x0, 7U << 24);
  }
};

TEST_F(GicStateTest, RestoreBringsEverythingBack) {
  make_interesting();
  const std::vector<u8> saved = vm.gic->save();
  vm.gic->reset();
  EXPECT_NE(vm.gic->save(), saved);
  ASSERT_TRUE(vm.gic->restore(saved));
  EXPECT_EQ(vm.gic->save(), saved);
  EXPECT_TRUE(active(40));
  EXPECT_TRUE(irq(*cpus[1]));
  EXPECT_EQ(icc_read(*cpus[1], kIccIar1El1), 6U);
  // The line of 40 is still high: it is pending again when it ends.
  icc_write(*cpus[0], kIccEoir1El1, 40);
  EXPECT_TRUE(pending(40));
}

TEST_F(GicStateTest, TheSameStateIsRestoredAgainAndAgain) {
  const std::vector<u8> before = vm.gic->save();
  make_interesting();
  const std::vector<u8> saved = vm.gic->save();
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(vm.gic->restore(before));
    EXPECT_FALSE(active(40));
    ASSERT_TRUE(vm.gic->restore(saved));
    EXPECT_TRUE(active(40));
    gicr_write(1, 0x10100, 0xffff);
    vm.gic->reset();
    ASSERT_TRUE(vm.gic->restore(saved));
    EXPECT_EQ(vm.gic->save(), saved);
  }
}

TEST_F(GicStateTest, RestoreIntoAnotherVm) {
  make_interesting();
  const std::vector<u8> saved = vm.gic->save();
  Vm other(40);
  other.gic = std::make_unique<Gic>(other, vm.gic->config());
  other.create_cpu();
  other.create_cpu();
  EXPECT_FALSE(other.gic->restore(saved)); // a vCPU too few
  other.create_cpu();
  ASSERT_TRUE(other.gic->restore(saved));
  EXPECT_EQ(other.gic->save(), saved);
}

TEST_F(GicStateTest, ResetForgetsAllButTheLines) {
  make_interesting();
  vm.gic->reset();
  EXPECT_EQ(gicd_read(0x0), 0x50U);
  EXPECT_FALSE(active(40));
  EXPECT_TRUE(pending(40)); // its device still drives it
  EXPECT_FALSE(pending(41));
  EXPECT_EQ(gicd_read(0x104), 0U);
  EXPECT_EQ(gicr_read(2, 0x14), 0U);
  EXPECT_FALSE(irq(*cpus[0]) || irq(*cpus[1]) || irq(*cpus[2]));
  for (Cpu* cpu : cpus)
    cpu->gic->reset();
  EXPECT_EQ(icc_read(*cpus[0], kIccPmrEl1), 0U);
  EXPECT_EQ(icc_read(*cpus[0], kIccIgrpen1El1), 0U);
  EXPECT_EQ(icc_read(*cpus[0], kIccRprEl1), 0xffU);
}

TEST_F(GicStateTest, DamagedDataIsRefusedAndChangesNothing) {
  make_interesting();
  const std::vector<u8> saved = vm.gic->save();
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::vector<u8> damaged = saved;
    const size_t at = random() % damaged.size();
    damaged[at] ^= static_cast<u8>(1U << random() % 8);
    ASSERT_FALSE(vm.gic->restore(damaged)) << "byte " << at;
  }
  for (const size_t size : {size_t{0}, size_t{1}, size_t{23}, size_t{24}, saved.size() - 1}) {
    EXPECT_FALSE(vm.gic->restore(std::span(saved).first(size)));
  }
  std::vector<u8> longer = saved;
  longer.push_back(0);
  EXPECT_FALSE(vm.gic->restore(longer));
  EXPECT_EQ(vm.gic->save(), saved);
}

void add_to_checksum(u64& sum, u64 word) {
  sum = (sum ^ word) * 0x100000001b3;
}

// As in the format's description, to give hostile data a right checksum.
void seal(std::vector<u8>& data) {
  std::array<u64, 4> sums;
  sums.fill(0xcbf29ce484222325);
  for (size_t i = 24; i < data.size(); i += 8) {
    u64 word;
    std::memcpy(&word, &data[i], sizeof word);
    add_to_checksum(sums[(i - 24) / 8 % 4], word);
  }
  u64 sum = 0xcbf29ce484222325;
  for (const u64 part : sums)
    add_to_checksum(sum, part);
  std::memcpy(&data[16], &sum, sizeof sum);
}

TEST_F(GicStateTest, HostileDataWithARightChecksumCannotSetWhatDoesNotExist) {
  make_interesting();
  const std::vector<u8> saved = vm.gic->save();
  std::mt19937 random(2);
  int accepted = 0;
  for (int i = 0; i < 3000; ++i) {
    std::vector<u8> hostile = saved;
    for (int n = 0; n < 4; ++n)
      hostile[24 + random() % (hostile.size() - 24)] = static_cast<u8>(random());
    seal(hostile);
    if (!vm.gic->restore(hostile))
      continue;
    ++accepted;
    ASSERT_EQ(vm.gic->save(), hostile); // what was accepted is a state the GIC can be in
  }
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, 3000);
}

TEST_F(GicStateTest, RegistersCarryTheStateToo) {
  make_interesting();
  struct Saved {
    u32 offset;
    u64 value;
  };
  const auto save = [](Gic& gic) {
    std::vector<Saved> registers;
    const auto add = [&](u32 offset) {
      u64 value;
      EXPECT_TRUE(gic.host_read_distributor(offset, value)) << std::hex << offset;
      registers.push_back({offset, value});
    };
    for (u32 n = 0; n < 32; ++n)
      for (const u32 base : {0x80U, 0x100U, 0x200U, 0x300U})
        add(base + 4 * n);
    for (u32 n = 0; n < 255; ++n)
      add(0x400 + 4 * n);
    for (u32 n = 0; n < 64; ++n)
      add(0xc00 + 4 * n);
    for (u32 n = 32; n < 1020; ++n)
      add(0x6000 + 8 * n);
    add(0);
    return registers;
  };
  const std::vector<Saved> saved = save(*vm.gic);
  Vm other(40);
  other.gic = std::make_unique<Gic>(other, vm.gic->config());
  other.create_cpu();
  for (const Saved& reg : saved)
    EXPECT_TRUE(other.gic->host_write_distributor(reg.offset, reg.value));
  const std::vector<Saved> again = save(*other.gic);
  for (size_t i = 0; i < saved.size(); ++i)
    EXPECT_EQ(again[i].value, saved[i].value) << std::hex << saved[i].offset;
}

TEST_F(GicStateTest, TheHostSeesTheLatchAndNotTheLine) {
  open_spi(40, 0x80);
  vm.gic->set_spi(40, true);
  EXPECT_TRUE(pending(40));
  u64 value;
  ASSERT_TRUE(vm.gic->host_read_distributor(0x204, value));
  EXPECT_EQ(value, 0U);
  ASSERT_TRUE(vm.gic->host_write_distributor(0x204, 1U << 8));
  vm.gic->set_spi(40, false);
  EXPECT_TRUE(pending(40));
  ASSERT_TRUE(vm.gic->host_write_distributor(0x284, 1U << 8));
  EXPECT_FALSE(pending(40));
}

TEST_F(GicStateTest, HostRegistersThatDoNotExist) {
  u64 value;
  for (const u32 offset : {0x2U, 0x10U, 0x800U, 0xd00U, 0x5ff8U, 0x6104U, 0x7fe0U, 0x10000U})
    EXPECT_FALSE(vm.gic->host_read_distributor(offset, value)) << std::hex << offset;
  CpuInterface& cpu = *cpus[0]->gic;
  for (const u32 offset : {0x10U, 0x100U, 0x10104U, 0x10420U, 0x10c08U, 0x20000U, 0x10082U})
    EXPECT_FALSE(vm.gic->host_read_redistributor(cpu, offset, value)) << std::hex << offset;
  ASSERT_TRUE(vm.gic->host_read_redistributor(*cpus[1]->gic, 0x8, value));
  EXPECT_EQ(value >> 32, 1U);
}

} // namespace
} // namespace softhv::gic
