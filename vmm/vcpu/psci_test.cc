// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/psci.h"

#include <gtest/gtest.h>

namespace kindling::vmm {
namespace {

namespace psci = arch::psci;
using psci::ReturnCode;

constexpr u64 kEntry = arch::kRamBase + 0x1000;

u64 code(ReturnCode c) {
  return psci::to_register(c);
}

class PsciTest : public testing::Test {
protected:
  PsciTest() {
    psci_.power_on(arch::primary_boot_state(kEntry, 0));
    EXPECT_TRUE(psci_.take_start(0).has_value());
  }
  u64 call(u32 function, u64 a = 0, u64 b = 0, u64 c = 0) {
    const PsciAnswer answer = psci_.call(0, {function, a, b, c});
    EXPECT_EQ(answer.action, PsciAction::kReturn);
    return answer.x0;
  }

  std::vector<unsigned> started_;
  Psci psci_{18, {arch::kRamBase, 64 * arch::kMiB}, [this](unsigned i) { started_.push_back(i); }};
};

TEST_F(PsciTest, Discovery) {
  EXPECT_EQ(call(psci::kVersion), 0x10001U);
  EXPECT_EQ(call(psci::kSmcccVersion), 0x10001U);
  EXPECT_EQ(call(psci::kSmcccArchFeatures, psci::kSmcccVersion), 0U);
  EXPECT_EQ(call(psci::kSmcccArchFeatures, 0x80008000), code(ReturnCode::kNotSupported));
  EXPECT_EQ(call(psci::kMigrateInfoType), 2U);
  for (const u32 known : {psci::kVersion, psci::kCpuOn, psci::kCpuOn | psci::kSmc64, psci::kCpuOff,
                          psci::kSystemReset2 | psci::kSmc64, psci::kFeatures, psci::kSmcccVersion,
                          psci::kCpuSuspend | psci::kSmc64}) {
    EXPECT_EQ(call(psci::kFeatures, known), 0U) << std::hex << known;
  }
  for (const u32 unknown :
       {psci::kMigrate, psci::kSystemSuspend, psci::kCpuOff | psci::kSmc64, 0x84000050U, 0U}) {
    EXPECT_EQ(call(psci::kFeatures, unknown), code(ReturnCode::kNotSupported)) << unknown;
  }
}

TEST_F(PsciTest, UnknownCallsAreNotSupported) {
  for (const u32 id : {0U, 0x84000050U, 0x8600ff01U, 0xc4000002U, 0xffffffffU}) {
    EXPECT_EQ(call(id), code(ReturnCode::kNotSupported)) << std::hex << id;
  }
}

TEST_F(PsciTest, CpuOnGoesThroughPending) {
  EXPECT_EQ(call(psci::kAffinityInfo | psci::kSmc64, 1), 1U);
  EXPECT_EQ(call(psci::kCpuOn | psci::kSmc64, 1, kEntry, 0x1'2345'6789), 0U);
  EXPECT_EQ(started_, std::vector<unsigned>{1});
  EXPECT_EQ(psci_.power(1), CpuPower::kOnPending);
  EXPECT_EQ(call(psci::kAffinityInfo | psci::kSmc64, 1), 2U);
  EXPECT_EQ(call(psci::kCpuOn | psci::kSmc64, 1, kEntry, 0), code(ReturnCode::kOnPending));
  const auto start = psci_.take_start(1);
  ASSERT_TRUE(start.has_value());
  EXPECT_EQ(start->pc, kEntry);
  EXPECT_EQ(start->x0, 0x1'2345'6789U);
  EXPECT_EQ(start->mpidr, 0x8000'0001U);
  EXPECT_FALSE(psci_.take_start(1).has_value());
  EXPECT_EQ(call(psci::kAffinityInfo | psci::kSmc64, 1), 0U);
  EXPECT_EQ(call(psci::kCpuOn | psci::kSmc64, 1, kEntry, 0), code(ReturnCode::kAlreadyOn));
  EXPECT_EQ(psci_.call(1, {psci::kCpuOff}).action, PsciAction::kCpuOff);
  EXPECT_EQ(call(psci::kAffinityInfo, 1), 1U);
  EXPECT_EQ(call(psci::kCpuOn, 1, kEntry, 0xf'0000'0002), 0U);
  EXPECT_EQ(psci_.take_start(1)->x0, 2U) << "a 32-bit call has a 32-bit context";
}

TEST_F(PsciTest, CpuOnChecksItsArguments) {
  const u32 on = psci::kCpuOn | psci::kSmc64;
  EXPECT_EQ(call(on, 0, kEntry), code(ReturnCode::kAlreadyOn));
  EXPECT_EQ(call(on, 0x101, kEntry), code(ReturnCode::kSuccess)) << "vCPU 17";
  EXPECT_EQ(call(on, 0x102, kEntry), code(ReturnCode::kInvalidParameters));
  EXPECT_EQ(call(on, 0x8000'0001, kEntry), code(ReturnCode::kInvalidParameters));
  EXPECT_EQ(call(on, 2, 0x1000), code(ReturnCode::kInvalidAddress));
  EXPECT_EQ(call(on, 2, kEntry + 1), code(ReturnCode::kInvalidAddress));
  EXPECT_EQ(call(on, 2, arch::kRamBase + 64 * arch::kMiB - 2), code(ReturnCode::kInvalidAddress));
  EXPECT_EQ(call(on, 2, ~u64{3}), code(ReturnCode::kInvalidAddress));
}

TEST_F(PsciTest, AffinityInfoOfClusters) {
  const u32 info = psci::kAffinityInfo | psci::kSmc64;
  EXPECT_EQ(call(info, 0x003, 1), 0U) << "vCPU 0 of the first cluster is on";
  EXPECT_EQ(call(info, 0x103, 1), 1U);
  EXPECT_EQ(call(info, 0x200, 1), code(ReturnCode::kInvalidParameters));
  EXPECT_EQ(call(info, 0xff00, 2), 0U);
  EXPECT_EQ(call(info, 0, 4), code(ReturnCode::kInvalidParameters));
  EXPECT_EQ(call(info, 0x12), code(ReturnCode::kInvalidParameters));
}

TEST_F(PsciTest, SystemCalls) {
  EXPECT_EQ(psci_.call(3, {psci::kSystemOff}).action, PsciAction::kSystemOff);
  EXPECT_EQ(psci_.call(3, {psci::kSystemReset}).action, PsciAction::kSystemReset);
  EXPECT_EQ(psci_.call(3, {psci::kSystemReset2 | psci::kSmc64, 0}).action,
            PsciAction::kSystemReset);
  EXPECT_EQ(call(psci::kSystemReset2, 1), code(ReturnCode::kInvalidParameters));
  EXPECT_EQ(call(psci::kSystemReset2, 0x8000'0000), code(ReturnCode::kNotSupported));
}

TEST_F(PsciTest, SuspendIsAWait) {
  EXPECT_EQ(psci_.call(0, {psci::kCpuSuspend, 0}).action, PsciAction::kSuspend);
  EXPECT_EQ(psci_.call(0, {psci::kCpuSuspend | psci::kSmc64, 0x0101'0000}).action,
            PsciAction::kSuspend);
  EXPECT_EQ(call(psci::kCpuSuspend, 0x8000'0000), code(ReturnCode::kInvalidParameters));
}

} // namespace
} // namespace kindling::vmm
