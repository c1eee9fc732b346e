// SPDX-License-Identifier: Apache-2.0
// Software step, breakpoints and watchpoints (Arm ARM D2).
#include "softhv/system/debug.h"

#include <gtest/gtest.h>

#include "arch/sysreg.h"
#include "softhv/testing/rig.h"

namespace softhv::testing {
namespace {

using kindling::arch::sysreg;

constexpr u32 kMdscr = sysreg(2, 0, 0, 2, 2);
constexpr u32 kOslar = sysreg(2, 0, 1, 0, 4);
constexpr u32 kSpsr = sysreg(3, 0, 4, 0, 0);
constexpr u32 kElr = sysreg(3, 0, 4, 0, 1);
constexpr u64 kSs = 1, kKde = 1 << 13, kMde = 1 << 15;
constexpr u64 kSpsrSs = 1 << 21;
constexpr u64 kVa = 0x12'3456'0000;
constexpr u32 kAddX0 = 0x9100'0400; // add x0, x0, #1
constexpr u32 kBrk = 0xd420'0000;

constexpr u32 bvr(unsigned n) {
  return sysreg(2, 0, 0, n, 4);
}
constexpr u32 bcr(unsigned n) {
  return sysreg(2, 0, 0, n, 5);
}
constexpr u32 wvr(unsigned n) {
  return sysreg(2, 0, 0, n, 6);
}
constexpr u32 wcr(unsigned n) {
  return sysreg(2, 0, 0, n, 7);
}
constexpr u64 kBreakEl1 = 1 << 1 | 0xf << 5 | 1;
constexpr u64 kBreakEl0 = 2 << 1 | 0xf << 5 | 1;

class Debug : public ::testing::Test {
protected:
  Debug() {
    rig.set_sysreg(kOslar, 0);
    rig.cpu().s.pstate.daif &= ~kDaifD;
    rig.tables.map(kVa, kData, kDescAf | kDescInner | kDescUser | kDescUxn | kDescPxn);
  }

  // Writes code for EL0, and ERETs to it with PSTATE.SS.
  Outcome step_el0(std::initializer_list<u32> words, u64 spsr = kSpsrSs) {
    u64 at = kCodeEl0;
    for (const u32 word : words) {
      rig.machine.write(at, word);
      at += 4;
    }
    rig.machine.write(at, svc(0x200));
    rig.set_sysreg(kSpsr, spsr);
    rig.set_sysreg(kElr, kCodeEl0);
    return rig.execute(1, {kEret});
  }

  Rig rig;
};

TEST_F(Debug, StepsOneInstruction) {
  rig.set_sysreg(kMdscr, kSs);
  rig.machine.x(0) = 0;
  const Outcome outcome = step_el0({kAddX0, kAddX0});
  EXPECT_EQ(outcome.esr, 0x32ULL << 26 | 1 << 25 | 1 << 24 | 0x22);
  EXPECT_EQ(outcome.elr, kCodeEl0 + 4);
  EXPECT_EQ(rig.machine.x(0), 1);
  EXPECT_EQ(rig.get_sysreg(kSpsr) & kSpsrSs, 0);
  // Without SPSR.SS the exception is due at once, and nothing has been stepped.
  const Outcome pending = step_el0({kAddX0, kAddX0}, 0);
  EXPECT_EQ(pending.esr, 0x32ULL << 26 | 1 << 25 | 0x22);
  EXPECT_EQ(pending.elr, kCodeEl0);
  EXPECT_EQ(rig.machine.x(0), 1);
}

TEST_F(Debug, StepReportsLoadExclusive) {
  rig.set_sysreg(kMdscr, kSs);
  rig.machine.x(1) = kVa;
  const Outcome outcome = step_el0({0xc85f'7c20}); // ldxr x0, [x1]
  EXPECT_EQ(outcome.iss(), 1 << 24 | 1 << 6 | 0x22);
}

TEST_F(Debug, SteppingASvcIsReportedAfterItReturns) {
  rig.set_sysreg(kMdscr, kSs);
  const Outcome call = step_el0({svc(5), kAddX0});
  EXPECT_EQ(call.ec(), 0x15);
  EXPECT_EQ(call.elr, kCodeEl0 + 4);
  EXPECT_EQ(rig.get_sysreg(kSpsr) & kSpsrSs, 0) << "the SVC has been stepped";
  const u64 elr = call.elr;
  rig.set_sysreg(kElr, elr);
  const Outcome after = rig.execute(1, {kEret});
  EXPECT_EQ(after.ec(), 0x32);
  EXPECT_EQ(after.elr, elr);
}

TEST_F(Debug, AFaultingInstructionIsStillToBeStepped) {
  rig.set_sysreg(kMdscr, kSs);
  rig.machine.x(1) = kVa + 0x1000;
  const Outcome fault = step_el0({kLdrX0X1});
  EXPECT_EQ(fault.ec(), 0x24);
  EXPECT_EQ(fault.elr, kCodeEl0);
  EXPECT_EQ(rig.get_sysreg(kSpsr) & kSpsrSs, kSpsrSs);
}

TEST_F(Debug, StepIsOffWhileLockedOrAtEl1) {
  rig.set_sysreg(kMdscr, kSs);
  rig.set_sysreg(kOslar, 1);
  EXPECT_TRUE(step_el0({kAddX0, kAddX0}).completed);
  rig.set_sysreg(kOslar, 0);
  rig.cpu().s.pstate.ss = 1;
  EXPECT_TRUE(rig.execute(1, {kAddX0, kAddX0}).completed);
}

TEST_F(Debug, BrkReportsItsComment) {
  const Outcome outcome = rig.execute(0, {kNop, kBrk | 0xbeef << 5});
  EXPECT_EQ(outcome.esr, 0x3cULL << 26 | 1 << 25 | 0xbeef);
  EXPECT_EQ(outcome.elr, kCodeEl0 + 4);
  rig.cpu().debug->trap_exceptions = true;
  const Outcome trapped = rig.execute(1, {kBrk | 7 << 5});
  ASSERT_TRUE(trapped.exited);
  EXPECT_EQ(trapped.exit.syndrome, 0x3cULL << 26 | 1 << 25 | 7);
  EXPECT_EQ(rig.cpu().s.pc, kCodeEl1);
}

TEST_F(Debug, BreakpointsMatchAddressAndLevel) {
  rig.set_sysreg(kMdscr, kMde);
  rig.set_sysreg(bvr(3), kCodeEl0 + 8);
  rig.set_sysreg(bcr(3), kBreakEl0);
  rig.machine.x(0) = 0;
  const Outcome outcome = rig.execute(0, {kAddX0, kAddX0, kAddX0});
  EXPECT_EQ(outcome.esr, 0x30ULL << 26 | 1 << 25 | 0x22);
  EXPECT_EQ(outcome.elr, kCodeEl0 + 8);
  EXPECT_EQ(rig.machine.x(0), 2);
  rig.set_sysreg(bcr(3), kBreakEl1);
  EXPECT_TRUE(rig.execute(0, {kAddX0, kAddX0, kAddX0}).completed);
  // From EL1 only with KDE and PSTATE.D clear.
  rig.set_sysreg(bvr(3), kCodeEl1 + 4);
  rig.cpu().s.pstate.daif = 0;
  EXPECT_TRUE(rig.execute(1, {kAddX0, kAddX0}).completed);
  rig.set_sysreg(kMdscr, kMde | kKde);
  EXPECT_EQ(rig.execute(1, {kAddX0, kAddX0}).esr, 0x31ULL << 26 | 1 << 25 | 0x22);
  rig.cpu().s.pstate.daif = kDaifD;
  EXPECT_TRUE(rig.execute(1, {kAddX0, kAddX0}).completed);
}

TEST_F(Debug, ContextBreakpointsLink) {
  rig.set_sysreg(kMdscr, kMde);
  rig.set_sysreg(sysreg(3, 0, 13, 0, 1), 1234); // CONTEXTIDR_EL1
  rig.set_sysreg(bvr(5), 1234);
  rig.set_sysreg(bcr(5), kBreakEl0 | 3 << 20); // linked context
  EXPECT_TRUE(rig.execute(0, {kAddX0}).completed) << "matches only through a link";
  rig.set_sysreg(bvr(0), kCodeEl0);
  rig.set_sysreg(bcr(0), kBreakEl0 | 1 << 20 | 5 << 16);
  EXPECT_EQ(rig.execute(0, {kAddX0}).ec(), 0x30);
  rig.set_sysreg(sysreg(3, 0, 13, 0, 1), 99);
  EXPECT_TRUE(rig.execute(0, {kAddX0}).completed);
}

TEST_F(Debug, WatchpointsMatchBytes) {
  constexpr u64 kLoadStore = 3 << 3, kEl0 = 2 << 1, kEl1 = 1 << 1;
  rig.set_sysreg(kMdscr, kMde);
  rig.set_sysreg(wvr(1), kVa + 0x40);
  rig.set_sysreg(wcr(1), 1 | kEl0 | kLoadStore | 0x0c << 5); // bytes 2 and 3
  const auto access = [&](u64 va, u32 word, unsigned el = 0) {
    rig.machine.x(1) = va;
    return rig.execute(el, {word});
  };
  constexpr u32 kLdrbX0X1 = 0x3940'0020;
  const Outcome hit = access(kVa + 0x42, kLdrbX0X1);
  EXPECT_EQ(hit.esr, 0x34ULL << 26 | 1 << 25 | 0x22);
  EXPECT_EQ(hit.far, kVa + 0x42);
  EXPECT_EQ(hit.elr, kCodeEl0);
  EXPECT_TRUE(access(kVa + 0x41, kLdrbX0X1).completed);
  EXPECT_TRUE(access(kVa + 0x44, kLdrbX0X1).completed);
  EXPECT_EQ(access(kVa + 0x40, kLdrX0X1).ec(), 0x34);
  EXPECT_EQ(access(kVa + 0x3c, kStrX0X1).iss(), 1 << 6 | 0x22);
  EXPECT_TRUE(access(kVa + 0x42, kLdrbX0X1, 1).completed) << "EL1 is not watched";
  // LDTR is an EL0 access.
  rig.set_sysreg(kMdscr, kMde | kKde);
  rig.cpu().s.pstate.daif = 0;
  EXPECT_EQ(access(kVa + 0x40, kLdtrX0X1, 1).ec(), 0x35);
  // Loads only; and a range.
  rig.set_sysreg(wcr(1), 1 | kEl0 | kEl1 | 1 << 3 | 0xff << 5 | 6 << 24);
  rig.set_sysreg(kMdscr, kMde);
  EXPECT_TRUE(access(kVa + 0x7f, kStrX0X1).completed);
  EXPECT_EQ(access(kVa + 0x7f, kLdrbX0X1).ec(), 0x34);
  EXPECT_TRUE(access(kVa + 0x80, kLdrbX0X1).completed);
  rig.set_sysreg(kMdscr, 0);
  EXPECT_TRUE(access(kVa + 0x40, kLdrX0X1).completed);
}

TEST_F(Debug, TheHostCanHaveDebugExceptions) {
  rig.cpu().debug->trap_exceptions = true;
  rig.set_sysreg(kMdscr, kMde);
  rig.set_sysreg(bvr(0), kCodeEl1 + 4);
  rig.set_sysreg(bcr(0), kBreakEl1);
  rig.cpu().s.pstate.daif = 0x3c0; // PSTATE.D does not mask them
  const Outcome outcome = rig.execute(1, {kAddX0, kAddX0});
  ASSERT_TRUE(outcome.exited);
  EXPECT_EQ(outcome.exit.syndrome, 0x30ULL << 26 | 1 << 25 | 0x22);
  EXPECT_EQ(rig.cpu().s.pc, kCodeEl1 + 4);
}

} // namespace
} // namespace softhv::testing
