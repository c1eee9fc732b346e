// SPDX-License-Identifier: Apache-2.0
// System registers as the guest and the host reach them (Arm ARM D17).
#include "softhv/system/sysreg.h"

#include <gtest/gtest.h>

#include "arch/bits.h"
#include "arch/sysreg.h"
#include "softhv/system/debug.h"
#include "softhv/system/id_profile.h"
#include "softhv/testing/rig.h"

namespace softhv::testing {
namespace {

using kindling::arch::sysreg;
using kindling::arch::sysreg_name;

constexpr u32 kSctlr = sysreg(3, 0, 1, 0, 0);
constexpr u32 kCpacr = sysreg(3, 0, 1, 0, 2);
constexpr u32 kCntkctl = sysreg(3, 0, 14, 1, 0);
constexpr u32 kMdscr = sysreg(2, 0, 0, 2, 2);
constexpr u32 kFpcr = sysreg(3, 3, 4, 4, 0);
constexpr u32 kFpsr = sysreg(3, 3, 4, 4, 1);

class Sysreg : public ::testing::Test {
protected:
  Outcome mrs(unsigned el, u32 encoding) { return rig.execute(el, {mrs_x0(encoding)}); }
  Outcome msr(unsigned el, u32 encoding, u64 value) {
    rig.machine.x(0) = value;
    return rig.execute(el, {msr_x0(encoding)});
  }
  Rig rig;
};

struct Rights {
  u32 encoding;
  const char* name;
  bool el0_read, el0_write, el1_read, el1_write;
};

TEST_F(Sysreg, AccessRightsAreThoseOfTheArmArm) {
  constexpr Rights kRights[] = {
      {sysreg(3, 0, 0, 0, 0), "MIDR_EL1", false, false, true, false},
      {sysreg(3, 0, 0, 0, 5), "MPIDR_EL1", false, false, true, false},
      {sysreg(3, 0, 0, 4, 0), "ID_AA64PFR0_EL1", false, false, true, false},
      {sysreg(3, 0, 0, 7, 7), "reserved ID space", false, false, true, false},
      {sysreg(3, 0, 0, 1, 0), "ID_PFR0_EL1", false, false, true, false},
      {sysreg(3, 0, 4, 2, 2), "CurrentEL", false, false, true, false},
      {sysreg(3, 0, 6, 0, 0), "FAR_EL1", false, false, true, true},
      {sysreg(3, 3, 13, 0, 2), "TPIDR_EL0", true, true, true, true},
      {sysreg(3, 3, 13, 0, 3), "TPIDRRO_EL0", true, false, true, true},
      {sysreg(3, 0, 13, 0, 4), "TPIDR_EL1", false, false, true, true},
      {sysreg(3, 3, 0, 0, 7), "DCZID_EL0", true, false, true, false},
      {sysreg(3, 3, 4, 2, 0), "NZCV", true, true, true, true},
      {kFpcr, "FPCR", true, true, true, true},
      {sysreg(2, 0, 1, 0, 4), "OSLAR_EL1", false, false, false, true},
      {sysreg(2, 0, 1, 1, 4), "OSLSR_EL1", false, false, true, false},
      {sysreg(2, 0, 0, 5, 4), "DBGBVR5_EL1", false, false, true, true},
      {sysreg(2, 0, 0, 6, 4), "DBGBVR6_EL1", false, false, false, false},
      {sysreg(2, 0, 0, 3, 6), "DBGWVR3_EL1", false, false, true, true},
      {sysreg(2, 0, 0, 4, 6), "DBGWVR4_EL1", false, false, false, false},
      {sysreg(3, 4, 1, 0, 0), "SCTLR_EL2", false, false, false, false},
      {sysreg(3, 4, 4, 1, 0), "SP_EL1", false, false, false, false},
      {sysreg(3, 3, 9, 12, 0), "PMCR_EL0", false, false, false, false},
      {sysreg(3, 0, 2, 1, 0), "APIAKEYLO_EL1", false, false, false, false},
  };
  for (const Rights& r : kRights) {
    EXPECT_EQ(mrs(0, r.encoding).completed, r.el0_read) << r.name;
    EXPECT_EQ(mrs(1, r.encoding).completed, r.el1_read) << r.name;
    u64 value = 0;
    if (r.el1_read)
      value = rig.machine.x(0);
    EXPECT_EQ(msr(0, r.encoding, value).completed, r.el0_write) << r.name;
    const Outcome outcome = msr(1, r.encoding, value);
    EXPECT_EQ(outcome.completed, r.el1_write) << r.name;
    if (!r.el1_write) {
      EXPECT_EQ(outcome.esr, 1U << 25) << r.name << ": UNDEFINED";
    }
  }
}

TEST_F(Sysreg, ReservedBitsStay) {
  struct Case {
    u32 encoding;
    u64 zeroes; // written with all ones, these stay 0
    u64 ones;   // written with 0, these stay 1
  };
  constexpr Case kCases[] = {
      {kCpacr, ~(3ULL << 20), 0},
      {sysreg(3, 0, 12, 0, 0), 0x7ff, 0}, // VBAR_EL1
      {kCntkctl, ~0x3ffULL, 0},
      {sysreg(3, 0, 2, 0, 2), ~0x77'ffff'ffbfULL, 0}, // TCR_EL1
      {sysreg(3, 3, 4, 2, 0), ~(0xfULL << 28), 0},    // NZCV
      {kFpcr, ~0x07c8'0000ULL, 0},
      {kFpsr, ~0x0800'009fULL, 0},
      {sysreg(2, 0, 1, 3, 4), ~1ULL, 0}, // OSDLR_EL1
  };
  for (const Case& c : kCases) {
    const u64 before = rig.get_sysreg(c.encoding);
    rig.set_sysreg(c.encoding, ~0ULL);
    EXPECT_EQ(rig.get_sysreg(c.encoding) & c.zeroes, 0) << sysreg_name(c.encoding);
    EXPECT_EQ(rig.get_sysreg(c.encoding) | c.zeroes, ~0ULL) << sysreg_name(c.encoding);
    rig.set_sysreg(c.encoding, 0);
    EXPECT_EQ(rig.get_sysreg(c.encoding), c.ones) << sysreg_name(c.encoding);
    rig.set_sysreg(c.encoding, before);
  }
  rig.set_sysreg(kSctlr, 0);
  EXPECT_EQ(rig.get_sysreg(kSctlr), 0x3050'0980);
}

TEST_F(Sysreg, TrapsFromEl0CarryTheInstruction) {
  constexpr u32 kCtr = sysreg(3, 3, 0, 0, 1);
  const Outcome outcome = mrs(0, kCtr);
  EXPECT_EQ(outcome.ec(), 0x18);
  EXPECT_EQ(outcome.iss(), 3 << 20 | 1 << 17 | 3 << 14 | 0 << 10 | 0 << 5 | 0 << 1 | 1);
  rig.set_sysreg(kSctlr, rig.get_sysreg(kSctlr) | kSctlrUct);
  EXPECT_TRUE(mrs(0, kCtr).completed);
  EXPECT_EQ(rig.machine.x(0), id::kCtr);

  struct Timer {
    u32 encoding;
    u64 enable;
  };
  constexpr Timer kTimers[] = {{sysreg(3, 3, 14, 0, 1), 1 << 0}, {sysreg(3, 3, 14, 0, 2), 1 << 1},
                               {sysreg(3, 3, 14, 3, 1), 1 << 8}, {sysreg(3, 3, 14, 3, 2), 1 << 8},
                               {sysreg(3, 3, 14, 2, 0), 1 << 9}, {sysreg(3, 3, 14, 0, 0), 1 << 0},
                               {sysreg(3, 3, 14, 0, 0), 1 << 1}};
  for (const Timer& t : kTimers) {
    rig.set_sysreg(kCntkctl, 0x3ff & ~t.enable & ~(t.encoding == kTimers[5].encoding ? 3 : 0));
    EXPECT_EQ(mrs(0, t.encoding).ec(), 0x18) << sysreg_name(t.encoding);
    rig.set_sysreg(kCntkctl, t.enable);
    EXPECT_TRUE(mrs(0, t.encoding).completed) << sysreg_name(t.encoding);
  }
}

TEST_F(Sysreg, DebugCommunicationTrapsFromEl0) {
  constexpr u32 kMdccsr = sysreg(2, 3, 0, 1, 0);
  EXPECT_TRUE(mrs(0, kMdccsr).completed);
  rig.set_sysreg(kMdscr, 1 << 12);
  EXPECT_EQ(mrs(0, kMdccsr).ec(), 0x18);
}

TEST_F(Sysreg, FpStatusTrapsWithFloatingPoint) {
  rig.set_sysreg(kCpacr, 1 << 20);
  EXPECT_TRUE(mrs(1, kFpsr).completed);
  const Outcome el0 = mrs(0, kFpsr);
  EXPECT_EQ(el0.esr, 7ULL << 26 | 1 << 25 | 1 << 24 | 0xe << 20);
  rig.set_sysreg(kCpacr, 0);
  EXPECT_EQ(mrs(1, kFpcr).ec(), 7);
}

TEST_F(Sysreg, DczidShowsWhetherZeroingIsProhibited) {
  mrs(0, sysreg(3, 3, 0, 0, 7));
  EXPECT_EQ(rig.machine.x(0), 0x14);
  rig.set_sysreg(kSctlr, rig.get_sysreg(kSctlr) | kSctlrDze);
  mrs(0, sysreg(3, 3, 0, 0, 7));
  EXPECT_EQ(rig.machine.x(0), 4);
}

TEST_F(Sysreg, TheHostSetsWhatTheGuestCannot) {
  rig.set_sysreg(sysreg(3, 0, 0, 0, 5), 0x8000'0103);
  mrs(1, sysreg(3, 0, 0, 0, 5));
  EXPECT_EQ(rig.machine.x(0), 0x8000'0103);
  u64 value;
  EXPECT_TRUE(read_system_register(rig.cpu(), sysreg(3, 0, 0, 4, 0), value));
  EXPECT_TRUE(write_system_register(rig.cpu(), sysreg(3, 0, 0, 4, 0), value));
  EXPECT_FALSE(write_system_register(rig.cpu(), sysreg(3, 0, 0, 4, 0), value ^ 1));
  EXPECT_FALSE(read_system_register(rig.cpu(), sysreg(3, 4, 1, 0, 0), value));
  for (u32 n = 0; n < 10; ++n) { // the five PAC keys
    const u32 key = sysreg(3, 0, 2, 1 + n / 4, n % 4);
    rig.set_sysreg(key, 1000 + n);
  }
  for (u32 n = 0; n < 10; ++n)
    EXPECT_EQ(rig.get_sysreg(sysreg(3, 0, 2, 1 + n / 4, n % 4)), 1000 + n);
  rig.set_sysreg(sysreg(2, 0, 0, 15, 7), 0x1e5);
  EXPECT_EQ(rig.get_sysreg(sysreg(2, 0, 0, 15, 7)), 0x1e5);
}

TEST_F(Sysreg, DebugRegisterAccessesLeaveToTheHostWhenAsked) {
  rig.cpu().debug->trap_reg_accesses = true;
  const Outcome outcome = msr(1, kMdscr, 0);
  ASSERT_TRUE(outcome.exited);
  EXPECT_EQ(outcome.exit.syndrome, 0x18ULL << 26 | 1 << 25 | 2 << 20 | 2 << 17 | 2 << 1);
  EXPECT_EQ(rig.cpu().s.pc, kCodeEl1);
}

TEST(IdProfile, StatesWhatIsImplemented) {
  const id::Variation v{.ipa_bits = 40, .gic = true};
  const auto field = [&](u32 crm, u32 op2, unsigned lsb) {
    return bits(id::feature_register(sysreg(3, 0, 0, crm, op2), v), lsb + 3, lsb);
  };
  EXPECT_EQ(field(4, 0, 0), 1);  // EL0 AArch64 only
  EXPECT_EQ(field(4, 0, 8), 0);  // no EL2
  EXPECT_EQ(field(4, 0, 16), 1); // FP16
  EXPECT_EQ(field(4, 0, 24), 1); // GIC
  EXPECT_EQ(field(6, 0, 20), 2); // LSE
  EXPECT_EQ(field(6, 1, 4), 0);  // no PAC
  EXPECT_EQ(field(7, 0, 0), 2);  // 40 bits
  EXPECT_EQ(field(7, 0, 20), 1); // 16 KiB granule
  EXPECT_EQ(field(7, 1, 20), 1); // PAN
  EXPECT_EQ(id::feature_register(sysreg(3, 0, 0, 2, 0), v), 0) << "AArch32";
  EXPECT_EQ(id::physical_address_bits(33), 36U);
}

} // namespace
} // namespace softhv::testing
