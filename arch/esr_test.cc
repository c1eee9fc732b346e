// SPDX-License-Identifier: Apache-2.0
#include "arch/esr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/sysreg.h"

namespace kindling::arch {
namespace {

using testing::HasSubstr;

// ldrsh x3, [..] that faulted at stage 2, level 1.
constexpr u64 kLdrsh = 0x24ULL << 26 | 1ULL << 25 | 1ULL << 24 | 1ULL << 22 | 1ULL << 21 |
                       3ULL << 16 | 1ULL << 15 | 0x05;

TEST(Esr, DataAbortFields) {
  EXPECT_EQ(exception_class(kLdrsh), ExceptionClass::kDataAbortLower);
  const DataAbort abort = decode_data_abort(kLdrsh);
  EXPECT_TRUE(abort.valid);
  EXPECT_EQ(abort.access_size, 2);
  EXPECT_TRUE(abort.sign_extend);
  EXPECT_EQ(abort.reg, 3);
  EXPECT_TRUE(abort.wide);
  EXPECT_FALSE(abort.write);
  EXPECT_TRUE(abort.far_valid);
  EXPECT_EQ(abort.fault_status, 5);
}

TEST(Esr, EachFlagOfADataAbortHasItsBit) {
  EXPECT_TRUE(decode_data_abort(1 << 14).acquire_release);
  EXPECT_FALSE(decode_data_abort(1 << 10).far_valid);
  EXPECT_TRUE(decode_data_abort(1 << 9).external);
  EXPECT_TRUE(decode_data_abort(1 << 8).cache_maintenance);
  EXPECT_TRUE(decode_data_abort(1 << 7).table_walk);
  EXPECT_TRUE(decode_data_abort(1 << 6).write);
  EXPECT_FALSE(decode_data_abort(0).valid);
  EXPECT_EQ(decode_data_abort(3ULL << 22).access_size, 8);
}

TEST(Esr, LoadsAreExtendedToTheRegister) {
  DataAbort abort = decode_data_abort(kLdrsh);
  EXPECT_EQ(extend_load(abort, 0xabcd'8001), 0xffff'ffff'ffff'8001ULL);
  abort.wide = false;
  EXPECT_EQ(extend_load(abort, 0xabcd'8001), 0xffff'8001ULL);
  abort.sign_extend = false;
  EXPECT_EQ(extend_load(abort, 0xabcd'8001), 0x8001ULL);
  abort.access_size = 8;
  abort.wide = true;
  EXPECT_EQ(extend_load(abort, 0xabcd'8001'0000'0001), 0xabcd'8001'0000'0001ULL);
}

TEST(Esr, SystemRegisterTrap) {
  // mrs x7, SCTLR_EL1 (3, 0, c1, c0, 0)
  const u64 esr = make_esr(ExceptionClass::kSysReg, 3ULL << 20 | 1ULL << 10 | 7ULL << 5 | 1);
  const SystemRegisterTrap trap = decode_system_register_trap(esr);
  EXPECT_EQ(trap.encoding, 0xc080U);
  EXPECT_EQ(trap.reg, 7);
  EXPECT_TRUE(trap.read);
  EXPECT_THAT(describe_esr(esr), HasSubstr("read of SCTLR_EL1"));
}

TEST(Esr, SystemRegisterNames) {
  EXPECT_EQ(sysreg_name(0xc080), "SCTLR_EL1");
  EXPECT_EQ(sysreg_name(sysreg(3, 3, 14, 3, 1)), "CNTV_CTL_EL0");
  EXPECT_EQ(sysreg_name(sysreg(2, 0, 0, 5, 4)), "DBGBVR5_EL1");
  EXPECT_EQ(sysreg_name(sysreg(3, 0, 12, 12, 0)), "ICC_IAR1_EL1");
  EXPECT_EQ(sysreg_name(sysreg(3, 7, 15, 15, 7)), "S3_7_C15_C15_7");
}

TEST(Esr, DescriptionsSayWhatHappened) {
  EXPECT_THAT(describe_esr(kLdrsh), HasSubstr("2-byte load of x3, translation fault, level 1"));
  EXPECT_THAT(describe_esr(0x24ULL << 26 | 1 << 6), HasSubstr("store that the syndrome"));
  EXPECT_THAT(describe_esr(make_esr(ExceptionClass::kHvc64, 0x12)), HasSubstr("HVC"));
  EXPECT_THAT(describe_esr(make_esr(ExceptionClass::kInstructionAbortLower, 0x10)),
              HasSubstr("synchronous external abort"));
  EXPECT_THAT(describe_esr(0x3fULL << 26), HasSubstr("reserved"));
}

TEST(Esr, WfiAndWfe) {
  EXPECT_FALSE(is_wfe(make_esr(ExceptionClass::kWfx, 0)));
  EXPECT_TRUE(is_wfe(make_esr(ExceptionClass::kWfx, 1)));
}

} // namespace
} // namespace kindling::arch
