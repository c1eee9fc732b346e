// SPDX-License-Identifier: Apache-2.0
// A VM with a GIC and three vCPUs that do not run, for tests that play guest at the registers.
#pragma once

#include <gtest/gtest.h>

#include "softhv/core/vm.h"
#include "softhv/gic/cpu_interface.h"
#include "softhv/gic/gic.h"

namespace softhv::gic {

class GicTest : public ::testing::Test {
protected:
  static constexpr u64 kGicd = 0x3fe00000;
  static constexpr u64 kGicr = 0x30000000;
  static constexpr u64 kGicm = 0x3ff00000;
  static constexpr u32 kMsiBase = 512;
  static constexpr u32 kMsiCount = 64;
  static constexpr u32 kGroup1 = 1;

  GicTest() {
    vm.gic = std::make_unique<Gic>(vm, Config{.distributor_base = kGicd,
                                              .redistributor_base = kGicr,
                                              .msi_base = kGicm,
                                              .msi_intid_base = kMsiBase,
                                              .msi_intid_count = kMsiCount});
    for (Cpu*& cpu : cpus)
      cpu = vm.create_cpu();
  }

  // Everything open: both groups, lowest priority mask, on every vCPU.
  void enable_all() {
    gicd_write(0x0, 3);
    for (Cpu* cpu : cpus) {
      icc_write(*cpu, kIccPmrEl1, 0xff);
      icc_write(*cpu, kIccIgrpen0El1, 1);
      icc_write(*cpu, kIccIgrpen1El1, 1);
    }
  }

  u64 mmio_read(u64 ipa, unsigned size = 4) {
    u64 value = ~0ULL;
    EXPECT_TRUE(vm.internal_read(*cpus[0], ipa, size, value));
    return value;
  }
  void mmio_write(u64 ipa, u64 value, unsigned size = 4) {
    EXPECT_TRUE(vm.internal_write(*cpus[0], ipa, size, value));
  }
  u32 gicd_read(u32 offset) { return static_cast<u32>(mmio_read(kGicd + offset)); }
  void gicd_write(u32 offset, u32 value) { mmio_write(kGicd + offset, value); }
  u64 gicr_address(u32 cpu, u32 offset) { return kGicr + u64{0x20000} * cpu + offset; }
  u32 gicr_read(u32 cpu, u32 offset) {
    return static_cast<u32>(mmio_read(gicr_address(cpu, offset)));
  }
  void gicr_write(u32 cpu, u32 offset, u32 value) { mmio_write(gicr_address(cpu, offset), value); }

  static u64 icc_read(Cpu& cpu, u32 reg) {
    u64 value = ~0ULL;
    EXPECT_TRUE(cpu.gic->read(reg, value)) << std::hex << reg;
    return value;
  }
  static void icc_write(Cpu& cpu, u32 reg, u64 value) {
    EXPECT_TRUE(cpu.gic->write(reg, value)) << std::hex << reg;
  }

  static bool irq(const Cpu& cpu) { return (cpu.interrupt_lines & kLineGicIrq) != 0; }
  static bool fiq(const Cpu& cpu) { return (cpu.interrupt_lines & kLineGicFiq) != 0; }

  // Registers of one INTID, SPIs in GICD.
  void enable_spi(u32 intid) { gicd_write(0x100 + intid / 32 * 4, 1U << intid % 32); }
  void set_edge(u32 intid, bool edge) {
    const u32 offset = 0xc00 + intid / 16 * 4;
    const u32 bit = 2U << intid % 16 * 2;
    const u32 old = gicd_read(offset);
    gicd_write(offset, edge ? old | bit : old & ~bit);
  }
  void set_group(u32 intid, bool group1) {
    const u32 offset = 0x80 + intid / 32 * 4;
    const u32 bit = 1U << intid % 32;
    const u32 old = gicd_read(offset);
    gicd_write(offset, group1 ? old | bit : old & ~bit);
  }
  void set_priority(u32 intid, u8 priority) { mmio_write(kGicd + 0x400 + intid, priority, 1); }
  void set_route(u32 intid, u64 route) { mmio_write(kGicd + 0x6000 + 8 * intid, route, 8); }
  bool pending(u32 intid) { return (gicd_read(0x200 + intid / 32 * 4) >> intid % 32 & 1) != 0; }
  bool active(u32 intid) { return (gicd_read(0x300 + intid / 32 * 4) >> intid % 32 & 1) != 0; }

  // An SPI that is ready to be signalled to vCPU 0.
  void open_spi(u32 intid, u8 priority, bool edge = false) {
    set_edge(intid, edge);
    set_priority(intid, priority);
    enable_spi(intid);
  }

  Vm vm{40};
  std::array<Cpu*, 3> cpus{};
};

} // namespace softhv::gic
