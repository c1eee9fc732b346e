// SPDX-License-Identifier: Apache-2.0
// Exception entry and return, calls, and what is UNDEFINED (Arm ARM D1.3, D1.4).
#include "softhv/system/exception.h"

#include <gtest/gtest.h>

#include "arch/sysreg.h"
#include "softhv/testing/rig.h"

namespace softhv::testing {
namespace {

using kindling::arch::sysreg;

constexpr u32 kSctlr = sysreg(3, 0, 1, 0, 0);
constexpr u32 kSpsr = sysreg(3, 0, 4, 0, 0);
constexpr u32 kElr = sysreg(3, 0, 4, 0, 1);
constexpr u32 kUdf = 0;
constexpr u32 kMsrSpSel0 = 0xd500'40bf;
constexpr u32 kMsrSpSel1 = 0xd500'41bf;
constexpr u32 kMsrPan1 = 0xd500'419f;
constexpr u32 kMsrUao1 = 0xd500'417f;
constexpr u32 kMsrDaifSet15 = 0xd503'4fdf;
constexpr u32 kMsrDaifClr15 = 0xd503'4fff;

class Exceptions : public ::testing::Test {
protected:
  Pstate& pstate() { return rig.cpu().s.pstate; }
  // ERETs from EL1 with this SPSR to an HVC or SVC in the code page of that level.
  Outcome eret(u64 spsr, u64 elr) {
    rig.set_sysreg(kSpsr, spsr);
    rig.set_sysreg(kElr, elr);
    return rig.execute(1, {kEret});
  }
  Rig rig;
};

TEST_F(Exceptions, SvcGoesToTheVectorOfItsLevel) {
  const Outcome el0 = rig.execute(0, {svc(0x1234)});
  EXPECT_EQ(el0.vector, 8);
  EXPECT_EQ(el0.esr, 0x15ULL << 26 | 1 << 25 | 0x1234);
  EXPECT_EQ(el0.elr, kCodeEl0 + 4);
  const Outcome el1 = rig.execute(1, {svc(7)});
  EXPECT_EQ(el1.vector, 4);
  EXPECT_EQ(el1.elr, kCodeEl1 + 4);
  const Outcome el1t = rig.execute(1, {kMsrSpSel0, svc(7)});
  EXPECT_EQ(el1t.vector, 0);
}

TEST_F(Exceptions, EntrySavesAndSetsPstate) {
  const u64 sctlr = rig.get_sysreg(kSctlr);
  for (const bool span : {false, true}) {
    rig.set_sysreg(kSctlr, span ? sctlr | kSctlrSpan : sctlr & ~kSctlrSpan);
    pstate() = {.nzcv = kFlagN | kFlagV, .daif = kDaifD | kDaifF, .el = 1, .sp_sel = 1, .uao = 1};
    rig.execute(0, {svc(0)});
    EXPECT_EQ(rig.get_sysreg(kSpsr), kFlagN | kFlagV | kDaifD | kDaifF | 1U << 23);
    EXPECT_EQ(pstate().daif, 0x3c0);
    EXPECT_EQ(pstate().el, 1);
    EXPECT_EQ(pstate().sp_sel, 1);
    EXPECT_EQ(pstate().uao, 0);
    EXPECT_EQ(pstate().pan, span ? 0 : 1);
    EXPECT_EQ(pstate().nzcv, kFlagN | kFlagV) << "the flags stay";
  }
}

TEST_F(Exceptions, StackPointersFollowSpSel) {
  CpuState& s = rig.cpu().s;
  set_stack_pointer(s, 0, 0x1000);
  set_stack_pointer(s, 1, 0x2000);
  ASSERT_TRUE(rig.execute(1, {0x9100'03e3,             // mov x3, sp
                              0xd538'4102,             // mrs x2, sp_el0
                              kMsrSpSel0, 0x9100'03e4, // mov x4, sp
                              0x9100'43ff,             // add sp, sp, #16
                              kMsrSpSel1, 0x9100'03e5, // mov x5, sp
                              0xd538'4106})            // mrs x6, sp_el0
                  .completed);
  EXPECT_EQ(s.x[2], 0x1000);
  EXPECT_EQ(s.x[3], 0x2000);
  EXPECT_EQ(s.x[4], 0x1000);
  EXPECT_EQ(s.x[5], 0x2000);
  EXPECT_EQ(s.x[6], 0x1010);
  rig.execute(0, {0x9100'03e3, svc(0)});
  EXPECT_EQ(s.x[3], 0x1010);
  EXPECT_EQ(stack_pointer(s, 1), 0x2000);
  // SP_EL0 is not accessible while it is in use.
  EXPECT_EQ(rig.execute(1, {kMsrSpSel0, 0xd538'4102}).ec(), 0);
}

TEST_F(Exceptions, EretRestoresPstate) {
  rig.machine.write<u32>(kCodeEl0 + 0x800, svc(0x200));
  const u64 spsr = kFlagC | kDaifI | 1 << 22 | 1 << 23;
  rig.cpu().s.exclusive_size = 8;
  ASSERT_TRUE(eret(spsr, kCodeEl0 + 0x800).completed);
  EXPECT_EQ(rig.get_sysreg(kSpsr), spsr);
  EXPECT_EQ(rig.cpu().s.exclusive_size, 0) << "ERET clears the monitor";
}

TEST_F(Exceptions, IllegalReturnsSetIl) {
  rig.machine.write<u32>(kCodeEl1 + 0x800, hvc(0x200));
  for (const u64 mode : {0x1, 0x2, 0x3, 0x6, 0x7, 0x8, 0x9, 0xc, 0xd, 0xf, 0x10, 0x13, 0x1f}) {
    const Outcome outcome = eret(kFlagZ | kDaifA | mode, kCodeEl1 + 0x800);
    EXPECT_EQ(outcome.esr, 0x0eULL << 26 | 1 << 25) << mode;
    EXPECT_EQ(outcome.elr, kCodeEl1 + 0x800);
    EXPECT_EQ(outcome.vector, 4) << "EL and SP stay";
    EXPECT_EQ(rig.get_sysreg(kSpsr), kFlagZ | kDaifA | 1U << 20 | 5) << mode;
    EXPECT_EQ(pstate().il, 0);
  }
  // IL in a legal SPSR is restored as it is.
  const Outcome outcome = eret(1 << 20 | 5, kCodeEl1 + 0x800);
  EXPECT_EQ(outcome.ec(), 0x0e);
}

TEST_F(Exceptions, UndefinedInstructionsHaveNoSyndrome) {
  constexpr u32 kHlt = 0xd440'0000, kDcps1 = 0xd4a0'0001, kDrps = 0xd6bf'03e0;
  constexpr u32 kMrsUnknown = 0xd538'f000, kSysUnknown = 0xd508'f000, kPacga = 0x9ac2'3020;
  for (const u32 word : {kUdf, kHlt, kDcps1, kDrps, kMrsUnknown, kSysUnknown, kPacga}) {
    for (unsigned el = 0; el < 2; ++el) {
      const Outcome outcome = rig.execute(el, {kNop, word});
      EXPECT_EQ(outcome.esr, 1U << 25) << std::hex << word;
      EXPECT_EQ(outcome.elr, (el == 0 ? kCodeEl0 : kCodeEl1) + 4);
      EXPECT_EQ(outcome.vector, el == 0 ? 8 : 4);
    }
  }
  constexpr u32 kSmc = 0xd400'0003;
  for (const u32 word : {hvc(0), kSmc, kEret, kMsrPan1, kMsrUao1, kMsrSpSel0, tlbi_x2(7, 0),
                         at_x1(0), msr_x0(kSctlr), mrs_x0(kSctlr)})
    EXPECT_EQ(rig.execute(0, {word}).esr, 1U << 25) << std::hex << word;
}

TEST_F(Exceptions, CallsLeaveToTheHost) {
  const Outcome call = rig.execute(1, {hvc(0x77)});
  ASSERT_TRUE(call.exited);
  EXPECT_EQ(call.exit.syndrome, 0x16ULL << 26 | 1 << 25 | 0x77);
  EXPECT_EQ(rig.cpu().s.pc, kCodeEl1 + 4);
  const Outcome secure = rig.execute(1, {0xd400'0003 | 0x55 << 5});
  ASSERT_TRUE(secure.exited);
  EXPECT_EQ(secure.exit.syndrome, 0x17ULL << 26 | 1 << 25 | 0x55);
  EXPECT_EQ(rig.cpu().s.pc, kCodeEl1) << "the host moves on from a trapped SMC";
}

TEST_F(Exceptions, MisalignedPcFaults) {
  rig.machine.x(1) = kCodeEl1 + 0x802;
  const Outcome outcome = rig.execute(1, {kBrX1});
  EXPECT_EQ(outcome.esr, 0x22ULL << 26 | 1 << 25);
  EXPECT_EQ(outcome.far, kCodeEl1 + 0x802);
  EXPECT_EQ(outcome.elr, kCodeEl1 + 0x802);
}

TEST_F(Exceptions, InterruptMasksMoveOneByOne) {
  pstate().daif = 0;
  ASSERT_TRUE(rig.execute(1, {kMsrDaifSet15, 0xd53b'4223, // mrs x3, daif
                              0xd503'42ff, 0xd53b'4224})  // msr daifclr, #2; mrs x4, daif
                  .completed);
  EXPECT_EQ(rig.machine.x(3), 0x3c0);
  EXPECT_EQ(rig.machine.x(4), 0x340);
  // At EL0 with SCTLR_EL1.UMA only.
  const Outcome trapped = rig.execute(0, {kMsrDaifClr15});
  EXPECT_EQ(trapped.ec(), 0x18);
  EXPECT_EQ(trapped.iss(), 0ULL << 20 | 7 << 17 | 3 << 14 | 4 << 10 | 31 << 5 | 15 << 1);
  rig.set_sysreg(kSctlr, rig.get_sysreg(kSctlr) | kSctlrUma);
  EXPECT_TRUE(rig.execute(0, {kMsrDaifSet15}).completed);
}

TEST_F(Exceptions, WaitsAreTrappedFromEl0WhenAsked) {
  EXPECT_EQ(rig.execute(0, {0xd503'207f}).esr, 1ULL << 26 | 1 << 25 | 1 << 24 | 0xe << 20); // WFI
  EXPECT_EQ(rig.execute(0, {0xd503'205f}).esr,
            1ULL << 26 | 1 << 25 | 1 << 24 | 0xe << 20 | 1); // WFE
}

} // namespace
} // namespace softhv::testing
