// SPDX-License-Identifier: Apache-2.0
// The choice of an engine, its options, and the statistics of a VM.
#include <Hypervisor/hv_softhv.h>

#include <map>

#include "softhv/api/test_vm.h"

namespace softhv::api {
namespace {

constexpr u32 kHvc0 = 0xd400'0002;
constexpr u32 kSvc0 = 0xd400'0001;
constexpr u32 kLdrX0X1 = 0xf940'0020;
constexpr u32 kAddX0 = 0x9100'0400; // add x0, x0, #1

u64 option(hv_softhv_option_t which) {
  u64 value = ~0ULL;
  EXPECT_EQ(hv_softhv_vm_get_option(which, &value), HV_SUCCESS);
  return value;
}

std::map<std::string, u64> statistics() {
  std::map<std::string, u64> all;
  hv_softhv_statistic_t one;
  for (u32 n = 0; hv_softhv_vm_get_statistic(n, &one) == HV_SUCCESS; ++n)
    EXPECT_TRUE(all.emplace(one.name, one.value).second) << one.name;
  return all;
}

TEST(EngineApi, WithoutAVmThereIsNoDevice) {
  u64 value;
  hv_softhv_statistic_t statistic;
  EXPECT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_ENGINE, 0), HV_NO_DEVICE);
  EXPECT_EQ(hv_softhv_vm_get_option(HV_SOFTHV_OPTION_ENGINE, &value), HV_NO_DEVICE);
  EXPECT_EQ(hv_softhv_vm_get_statistic(0, &statistic), HV_NO_DEVICE);
}

TEST(EngineApi, CapabilitiesSayWhatThereIs) {
  u32 version = 0;
  EXPECT_EQ(hv_softhv_get_capability(HV_SOFTHV_CAPABILITY_OPTIONS, &version), HV_SUCCESS);
  EXPECT_EQ(version, 1U);
  EXPECT_EQ(hv_softhv_get_capability(HV_SOFTHV_CAPABILITY_STATISTICS, &version), HV_SUCCESS);
  EXPECT_EQ(version, 1U);
}

TEST(EngineApi, TheFastestEngineIsTheDefault) {
  const TestVm vm;
  EXPECT_EQ(option(HV_SOFTHV_OPTION_ENGINE),
            has_jit() ? HV_SOFTHV_ENGINE_JIT : HV_SOFTHV_ENGINE_INTERPRETER);
}

TEST(EngineApi, OptionsKeepWhatTheyAreSetTo) {
  const TestVm vm;
  EXPECT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_ENGINE, HV_SOFTHV_ENGINE_INTERPRETER),
            HV_SUCCESS);
  EXPECT_EQ(option(HV_SOFTHV_OPTION_ENGINE), HV_SOFTHV_ENGINE_INTERPRETER);
  EXPECT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_ENGINE, HV_SOFTHV_ENGINE_JIT),
            has_jit() ? HV_SUCCESS : HV_UNSUPPORTED);
  EXPECT_EQ(option(HV_SOFTHV_OPTION_ENGINE),
            has_jit() ? HV_SOFTHV_ENGINE_JIT : HV_SOFTHV_ENGINE_INTERPRETER);
  EXPECT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_CODE_CACHE_SIZE, 8 << 20), HV_SUCCESS);
  EXPECT_EQ(option(HV_SOFTHV_OPTION_CODE_CACHE_SIZE), 8U << 20);
  EXPECT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_LOCKSTEP, 1),
            has_jit() ? HV_SUCCESS : HV_UNSUPPORTED);
  EXPECT_EQ(option(HV_SOFTHV_OPTION_LOCKSTEP), has_jit() ? 1U : 0U);
  EXPECT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_LOCKSTEP, 0), HV_SUCCESS);
  EXPECT_EQ(option(HV_SOFTHV_OPTION_LOCKSTEP), 0U);
}

TEST(EngineApi, WrongOptionsAreRefused) {
  const TestVm vm;
  u64 value;
  EXPECT_EQ(hv_softhv_vm_set_option(static_cast<hv_softhv_option_t>(0), 0), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_softhv_vm_get_option(static_cast<hv_softhv_option_t>(0), &value), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_softhv_vm_get_option(HV_SOFTHV_OPTION_ENGINE, nullptr), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_ENGINE, 2), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_CODE_CACHE_SIZE, (1 << 20) - 1),
            HV_BAD_ARGUMENT);
  for (const auto flag :
       {HV_SOFTHV_OPTION_LOCKSTEP, HV_SOFTHV_OPTION_PERF_MAP, HV_SOFTHV_OPTION_JITDUMP})
    EXPECT_EQ(hv_softhv_vm_set_option(flag, 2), HV_BAD_ARGUMENT);
}

TEST(EngineApi, OptionsAreFixedWhileThereIsAVcpu) {
  const TestVm vm;
  {
    const TestVcpu vcpu;
    EXPECT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_ENGINE, HV_SOFTHV_ENGINE_INTERPRETER),
              HV_BUSY);
  }
  EXPECT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_ENGINE, HV_SOFTHV_ENGINE_INTERPRETER),
            HV_SUCCESS);
}

TEST(Statistics, CountWhatAVcpuDoes) {
  TestVm vm;
  ASSERT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_ENGINE, HV_SOFTHV_ENGINE_INTERPRETER),
            HV_SUCCESS);
  // A load where nothing is, an SVC to EL1's vector, and HVCs from both places.
  vm.put_code({kHvc0, kAddX0, kAddX0, kLdrX0X1, kSvc0});
  const TestVcpu vcpu;
  EXPECT_EQ(hv_vcpu_set_sys_reg(vcpu.id, HV_SYS_REG_VBAR_EL1, TestVm::kRamBase), HV_SUCCESS);
  vcpu.set(HV_REG_CPSR, 0x3c4); // EL1t: its vector is the first
  vcpu.set(HV_REG_X1, 0x1000'0000);
  EXPECT_EQ(vcpu.run(), 0x16);
  EXPECT_EQ(vcpu.run(), 0x24);
  vcpu.set(HV_REG_PC, TestVm::kRamBase + 16);
  EXPECT_EQ(vcpu.run(), 0x16);

  const auto counted = statistics();
  EXPECT_EQ(counted.at("exits_hvc"), 2U);
  EXPECT_EQ(counted.at("exits_data_abort"), 1U);
  EXPECT_EQ(counted.at("exits_canceled"), 0U);
  EXPECT_EQ(counted.at("exceptions"), 1U);
  EXPECT_EQ(counted.at("interrupts"), 0U);
  EXPECT_EQ(counted.at("instructions_retired"), 6U);
  EXPECT_EQ(counted.at("blocks_translated"), 3U);
  EXPECT_EQ(counted.at("instructions_translated"), 6U);
  EXPECT_GT(counted.at("code_bytes"), 0U);
  EXPECT_GE(counted.at("tlb_misses"), 2U);  // the code's page, and where nothing is
  EXPECT_EQ(counted.at("table_walks"), 0U); // the MMU is off
}

// Translated code counts instructions where somebody needs to know.
TEST(Statistics, TellInstructionsRetired) {
  for (const bool counting : {false, true}) {
    TestVm vm(TestVm::Interrupts::kNone);
    vm.put_code({kAddX0, kAddX0, kHvc0});
    const hv_softhv_instruction_time_t config{};
    if (counting) {
      EXPECT_EQ(hv_softhv_vm_set_instruction_time(&config), HV_SUCCESS);
    }
    const TestVcpu vcpu;
    EXPECT_EQ(vcpu.run(), 0x16);
    EXPECT_EQ(statistics().at("instructions_retired"), counting || !has_jit() ? 3U : 0U);
  }
}

TEST(Statistics, CanBeReadWhileVcpusRun) {
  TestVm vm;
  constexpr u32 kStrX0X1 = 0xf900'0020;
  vm.put_code({kAddX0, kStrX0X1, 0x17ff'fffe}); // b .-8
  std::atomic<hv_vcpu_t> running{~0ULL};
  std::thread thread([&] {
    const TestVcpu vcpu;
    vcpu.set(HV_REG_X1, TestVm::kRamBase + TestVm::kData);
    running = vcpu.id;
    EXPECT_EQ(hv_vcpu_run(vcpu.id), HV_SUCCESS);
    EXPECT_EQ(vcpu.exit->reason, HV_EXIT_REASON_CANCELED);
  });
  while (running == ~0ULL || statistics().at("blocks_translated") == 0)
    std::this_thread::yield();
  EXPECT_EQ(statistics().at("exits_canceled"), 0U);
  hv_vcpu_t id = running;
  EXPECT_EQ(hv_vcpus_exit(&id, 1), HV_SUCCESS);
  thread.join();
  EXPECT_EQ(statistics().at("exits_canceled"), 1U);
}

TEST(Statistics, OfVcpusThatAreGoneRemain) {
  TestVm vm;
  vm.put_code({kHvc0});
  for (int round = 0; round < 2; ++round) {
    const TestVcpu vcpu;
    EXPECT_EQ(vcpu.run(), 0x16);
  }
  EXPECT_EQ(statistics().at("exits_hvc"), 2U);
  hv_softhv_statistic_t one;
  EXPECT_EQ(hv_softhv_vm_get_statistic(0, nullptr), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_softhv_vm_get_statistic(1000, &one), HV_BAD_ARGUMENT);
}

TEST(Statistics, AStoreToCodeInvalidatesItsPage) {
  TestVm vm;
  constexpr u32 kStrW2X1 = 0xb900'0022;
  vm.put_code({kStrW2X1, kHvc0, kHvc0});
  const TestVcpu vcpu;
  vcpu.set(HV_REG_X1, TestVm::kRamBase + 8);
  vcpu.set(HV_REG_X2, kHvc0);
  EXPECT_EQ(vcpu.run(), 0x16);
  EXPECT_EQ(statistics().at("code_pages_invalidated"), 1U);
}

} // namespace
} // namespace softhv::api
