// SPDX-License-Identifier: Apache-2.0
#include "vmm/state/saved_cpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/sysreg.h"

namespace kindling::vmm {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr u32 kSctlr = arch::sysreg(3, 0, 1, 0, 0);
constexpr u32 kOslsr = arch::sysreg(2, 0, 1, 1, 4);
constexpr u32 kPmr = arch::sysreg(3, 0, 4, 6, 0);

// As an engine fresh from reset would be.
SavedCpus present(size_t vcpus = 2) {
  SavedCpus cpus;
  cpus.vcpus.resize(vcpus);
  cpus.power.resize(vcpus);
  for (auto& vcpu : cpus.vcpus) {
    vcpu.system = {{kSctlr, 1}, {kOslsr, 0}};
    vcpu.icc = {{kPmr, 0}};
  }
  cpus.gic.distributor = {{0x104, 0}, {0, 0}};
  cpus.gic.redistributors.assign(vcpus, {{0x10100, 0}});
  return cpus;
}

SavedCpus running() {
  SavedCpus cpus = present();
  cpus.time_ns = 12345;
  for (size_t i = 0; i < 2; ++i) {
    auto& vcpu = cpus.vcpus[i];
    vcpu.x[30] = 30 + i;
    vcpu.pc = 0x4000'0000 + i;
    vcpu.q[31][15] = static_cast<u8>(7 + i);
    vcpu.system = {{kSctlr, 0x30d0'1805}, {kOslsr, 8}};
    vcpu.icc[0].value = 0xf0;
    vcpu.vtimer_offset = ~u64{0};
  }
  cpus.power[0].power = CpuPower::kOn;
  cpus.power[1] = {CpuPower::kOnPending, arch::BootState{1, 2, 3, 4}};
  cpus.gic.distributor[0].value = 6;
  cpus.gic.redistributors[1][0].value = 9;
  return cpus;
}

TEST(SavedCpus, GoThroughATableUnchanged) {
  StateTable table;
  put_cpus(running(), table);
  EXPECT_THAT(table.names(), Contains("vcpu1/SCTLR_EL1"));
  EXPECT_THAT(table.names(), Contains("gic/GICD_ISENABLER1"));
  EXPECT_THAT(table.names(), Contains("gic/vcpu1/GICR_ISENABLER0"));
  const auto back = take_cpus(table, present());
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(*back, running());
}

TEST(SavedCpus, AMissingValueIsNamed) {
  StateTable table;
  put_cpus(running(), table);
  ASSERT_TRUE(table.take_number("vcpu1/PC").ok());
  EXPECT_THAT(take_cpus(table, present()).error().message, HasSubstr("no vcpu1/PC"));
}

TEST(SavedCpus, ARegisterThatTheEngineLacksIsNamed) {
  StateTable table;
  put_cpus(running(), table);
  SavedCpus less = present();
  less.vcpus[0].system.erase(less.vcpus[0].system.begin());
  EXPECT_THAT(take_cpus(table, less).error().message, HasSubstr("vcpu0/SCTLR_EL1"));
}

TEST(SavedCpus, AnEngineMayHaveNoOsLock) {
  StateTable table;
  put_cpus(running(), table);
  SavedCpus less = present();
  for (auto& vcpu : less.vcpus) {
    vcpu.system.pop_back();
  }
  EXPECT_TRUE(take_cpus(table, less).ok());
}

TEST(SavedCpus, AnotherNumberOfVcpusIsRefused) {
  StateTable table;
  put_cpus(running(), table);
  EXPECT_THAT(take_cpus(table, present(3)).error().message, HasSubstr("2 vCPUs"));
}

TEST(SavedCpus, ValuesThatMakeNoSenseAreRefused) {
  StateTable table;
  put_cpus(running(), table);
  table.put("vcpu0/power", 3);
  EXPECT_THAT(take_cpus(table, present()).error().message, HasSubstr("power"));
  put_cpus(running(), table);
  table.put("vcpu0/V3", std::vector<u8>(15));
  EXPECT_THAT(take_cpus(table, present()).error().message, HasSubstr("vcpu0/V3"));
}

} // namespace
} // namespace kindling::vmm
