// SPDX-License-Identifier: Apache-2.0
#include "arch/psci.h"

#include <gtest/gtest.h>

namespace kindling::arch::psci {
namespace {

TEST(Psci, ReturnCodesFillTheWholeRegister) {
  EXPECT_EQ(to_register(ReturnCode::kSuccess), 0U);
  EXPECT_EQ(to_register(ReturnCode::kNotSupported), ~0ULL);
  EXPECT_EQ(to_register(ReturnCode::kInvalidAddress), 0xffff'ffff'ffff'fff7ULL);
}

TEST(Psci, NamesBothWidths) {
  EXPECT_EQ(function_name(kCpuOn), "CPU_ON");
  EXPECT_EQ(function_name(kCpuOn | kSmc64), "CPU_ON");
  EXPECT_EQ(function_name(0xc400'0003), "CPU_ON");
  EXPECT_EQ(function_name(kSmcccVersion), "SMCCC_VERSION");
  EXPECT_EQ(function_name(0x8400'00ff), "unknown function");
}

} // namespace
} // namespace kindling::arch::psci
