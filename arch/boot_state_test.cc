// SPDX-License-Identifier: Apache-2.0
#include "arch/boot_state.h"

#include <gtest/gtest.h>

#include "arch/esr.h"

namespace kindling::arch {
namespace {

TEST(BootState, PrimaryFollowsTheLinuxBootProtocol) {
  const BootState state = primary_boot_state(0x4020'0000, 0x4800'0000);
  EXPECT_EQ(state.pc, 0x4020'0000U);
  EXPECT_EQ(state.x0, 0x4800'0000U);
  EXPECT_EQ(state.pstate, 0x3c5U);
  EXPECT_EQ(state.mpidr, 0x8000'0000U);
}

TEST(BootState, SecondaryStartsWithItsContext) {
  const BootState state = secondary_boot_state(0x4000'1000, 0xdead'beef'cafe, 17);
  EXPECT_EQ(state.pc, 0x4000'1000U);
  EXPECT_EQ(state.x0, 0xdead'beef'cafeU);
  EXPECT_EQ(state.pstate, 0x3c5U);
  EXPECT_EQ(state.mpidr, 0x8000'0101U);
}

TEST(ExceptionEntry, VectorsByOrigin) {
  EXPECT_EQ(take_synchronous_exception({0x1000, kPstateEl1h, 0x8000, 0}).pc, 0x8200U);
  EXPECT_EQ(take_synchronous_exception({0x1000, kPstateEl1t, 0x8000, 0}).pc, 0x8000U);
  EXPECT_EQ(take_synchronous_exception({0x1000, kPstateEl0t, 0x8000, 0}).pc, 0x8400U);
}

TEST(ExceptionEntry, SavesAndMasks) {
  const u64 pstate = 0x6000'0000 | kPstateEl0t | kPstateUao | kPstateSs;
  const auto with_span = take_synchronous_exception({0x1234, pstate, 0, 1ULL << 23});
  EXPECT_EQ(with_span.elr, 0x1234U);
  EXPECT_EQ(with_span.spsr, pstate);
  EXPECT_EQ(with_span.pstate, 0x6000'03c5U);
  const auto without_span = take_synchronous_exception({0x1234, pstate, 0, 0});
  EXPECT_EQ(without_span.pstate, 0x6000'03c5U | kPstatePan);
}

TEST(ExternalAbort, KeepsDirectionAndTellsTheLevel) {
  const u64 store = make_esr(ExceptionClass::kDataAbortLower, 1 << 24 | 1 << 6 | 0x05);
  EXPECT_EQ(external_abort_syndrome(store, kPstateEl1h),
            make_esr(ExceptionClass::kDataAbortSame, 1 << 6 | 0x10));
  EXPECT_EQ(external_abort_syndrome(store, kPstateEl0t),
            make_esr(ExceptionClass::kDataAbortLower, 1 << 6 | 0x10));
  const u64 fetch = make_esr(ExceptionClass::kInstructionAbortLower, 0x05);
  EXPECT_EQ(external_abort_syndrome(fetch, kPstateEl1h),
            make_esr(ExceptionClass::kInstructionAbortSame, 0x10));
  const u64 walk = make_esr(ExceptionClass::kDataAbortLower, 1 << 7 | 0x05);
  EXPECT_EQ(external_abort_syndrome(walk, kPstateEl0t) & 0x3f, 0x17U);
}

TEST(UndefinedInstruction, IsTheUnknownClass) {
  EXPECT_EQ(undefined_instruction_syndrome(), 0x0200'0000U);
}

} // namespace
} // namespace kindling::arch
