// SPDX-License-Identifier: Apache-2.0
// What a host that takes a guest back to an earlier state needs: to know the pages that it writes
// to, and to set its time.
#include <optional>
#include <vector>

#include <Hypervisor/hv_softhv.h>

#include "softhv/api/test_vm.h"

namespace softhv::api {
namespace {

constexpr hv_ipa_t kPage = 0x1000;
constexpr hv_ipa_t kFirst = TestVm::kRamBase + 0x10000;
constexpr hv_ipa_t kSecond = kFirst + kPage;

// Stores x1 at [x0] and at [x0 + 4096], and loads from [x0 + 8192]; 100 times.
constexpr std::initializer_list<u32> kStores = {
    0xd2800c82, // mov x2, #100
    0xf9000001, // 1: str x1, [x0]
    0x91400403, // add x3, x0, #1, lsl #12
    0xf9000061, // str x1, [x3]
    0x91400803, // add x3, x0, #2, lsl #12
    0xf9400064, // ldr x4, [x3]
    0xf1000442, // subs x2, x2, #1
    0x54ffff41, // b.ne 1b
    0xd4000002, // hvc #0
};

class WriteWatchTest : public ::testing::TestWithParam<u64> {
protected:
  WriteWatchTest() : vm(TestVm::Interrupts::kNone) {
    vm.put_code(kStores);
    EXPECT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_ENGINE, GetParam()), HV_SUCCESS);
    vcpu.emplace();
  }

  void run(u64 value) {
    vcpu->set(HV_REG_PC, TestVm::kRamBase);
    vcpu->set(HV_REG_X0, kFirst);
    vcpu->set(HV_REG_X1, value);
    EXPECT_EQ(vcpu->run(), 0x16);
  }

  void watch() {
    EXPECT_EQ(hv_softhv_vm_watch_writes(
                  [](void* context, hv_ipa_t page) {
                    auto& test = *static_cast<WriteWatchTest*>(context);
                    test.pages.push_back(page);
                    test.before.push_back(test.vm.word(page));
                  },
                  this),
              HV_SUCCESS);
  }

  TestVm vm;
  std::optional<TestVcpu> vcpu;
  std::vector<hv_ipa_t> pages;
  std::vector<u64> before; // their first words when they were told of
};

INSTANTIATE_TEST_SUITE_P(Engines, WriteWatchTest,
                         ::testing::Range<u64>(HV_SOFTHV_ENGINE_INTERPRETER,
                                               has_jit() ? HV_SOFTHV_ENGINE_JIT + 1
                                                         : HV_SOFTHV_ENGINE_JIT),
                         [](const auto& param) {
                           return param.param == HV_SOFTHV_ENGINE_JIT ? "Jit" : "Interpreter";
                         });

TEST_P(WriteWatchTest, TellsOfEachPageOnceBeforeItIsWritten) {
  watch();
  run(7);
  EXPECT_EQ(pages, (std::vector<hv_ipa_t>{kFirst, kSecond}));
  EXPECT_EQ(before, (std::vector<u64>{0, 0}));
  run(8);
  EXPECT_EQ(pages.size(), 2U);
}

TEST_P(WriteWatchTest, BeginsAnewWithEveryCall) {
  run(6); // with write fast paths from before
  watch();
  run(7);
  watch();
  run(8);
  EXPECT_EQ(pages, (std::vector<hv_ipa_t>{kFirst, kSecond, kFirst, kSecond}));
  EXPECT_EQ(before, (std::vector<u64>{6, 6, 7, 7}));
}

TEST_P(WriteWatchTest, EndsWithANullFunction) {
  watch();
  EXPECT_EQ(hv_softhv_vm_watch_writes(nullptr, nullptr), HV_SUCCESS);
  run(7);
  EXPECT_TRUE(pages.empty());
  EXPECT_EQ(vm.word(kSecond), 7U);
}

// ldxr x4, [x0]; hvc #1; stxr w5, x1, [x0]; hvc #0
constexpr std::initializer_list<u32> kExclusive = {0xc85f7c04, 0xd4000022, 0xc8057c01, 0xd4000002};

TEST_P(WriteWatchTest, SettingTheStateOpensTheExclusiveMonitor) {
  vm.put_code(kExclusive);
  for (const bool set : {false, true}) {
    vcpu->set(HV_REG_PC, TestVm::kRamBase);
    vcpu->set(HV_REG_X0, kFirst);
    EXPECT_EQ(vcpu->run(), 0x16);
    if (set)
      vcpu->set(HV_REG_CPSR, vcpu->get(HV_REG_CPSR));
    EXPECT_EQ(vcpu->run(), 0x16);
    EXPECT_EQ(vcpu->get(HV_REG_X5), set ? 1U : 0U);
  }
}

TEST(SetTime, TheCounterGoesOnFromTheTimeThatWasSet) {
  uint64_t ns = 0;
  EXPECT_EQ(hv_softhv_vm_get_time(&ns), HV_NO_DEVICE);
  EXPECT_EQ(hv_softhv_vm_set_time(0), HV_NO_DEVICE);
  const TestVm vm(TestVm::Interrupts::kNone);
  for (const u64 seconds : {u64{5}, u64{1} << 30, u64{0}}) {
    EXPECT_EQ(hv_softhv_vm_set_time(seconds * 1'000'000'000), HV_SUCCESS);
    EXPECT_GE(hv_softhv_absolute_time(), seconds * 24'000'000);
    EXPECT_LT(hv_softhv_absolute_time(), (seconds + 600) * 24'000'000);
    EXPECT_EQ(hv_softhv_vm_get_time(&ns), HV_SUCCESS);
    EXPECT_GE(ns, seconds * 1'000'000'000);
  }
}

TEST(SetTime, OfInstructionsIsExact) {
  TestVm vm(TestVm::Interrupts::kNone);
  vm.put_code({0xd503201f, 0xd4000002}); // nop; hvc #0
  hv_softhv_instruction_time_t config = {};
  EXPECT_EQ(hv_softhv_vm_set_instruction_time(&config), HV_SUCCESS);
  const TestVcpu vcpu;
  EXPECT_EQ(vcpu.run(), 0x16);
  for (const u64 start : {1'000'000U, 500U}) {
    EXPECT_EQ(hv_softhv_vm_set_time(start), HV_SUCCESS);
    vcpu.set(HV_REG_PC, TestVm::kRamBase);
    EXPECT_EQ(vcpu.run(), 0x16);
    uint64_t ns = 0;
    EXPECT_EQ(hv_softhv_vm_get_time(&ns), HV_SUCCESS);
    EXPECT_EQ(ns, start + 2);
  }
}

} // namespace
} // namespace softhv::api
