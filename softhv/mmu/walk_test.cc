// SPDX-License-Identifier: Apache-2.0
// Translation as the guest sees it: granules, levels, faults and permissions (Arm ARM D8).
#include <gtest/gtest.h>

#include "arch/sysreg.h"
#include "softhv/testing/rig.h"

namespace softhv::testing {
namespace {

using kindling::arch::sysreg;

constexpr u32 kTcr = sysreg(3, 0, 2, 0, 2);
constexpr u32 kSctlr = sysreg(3, 0, 1, 0, 0);
constexpr u64 kNormal = kDescAf | kDescInner | kDescUxn | kDescPxn;
constexpr u64 kDataAbortSame = 0x25;
constexpr u64 kDataAbortLower = 0x24;
constexpr u64 kFetchAbortSame = 0x21;
constexpr u64 kFetchAbortLower = 0x20;
constexpr u64 kWnr = 1 << 6;

class Granule : public ::testing::TestWithParam<unsigned> {
protected:
  Granule() : rig(GetParam()) {}
  Rig rig;
};

TEST_P(Granule, TranslatesPages) {
  const u64 va = 0x12'3456'0000;
  const u64 page = 1ULL << GetParam();
  rig.tables.map(va, kData, kNormal);
  rig.machine.write<u64>(kData + page - 8, 0x1122'3344'5566'7788);
  rig.machine.x(1) = va + page - 8;
  ASSERT_TRUE(rig.execute(1, {kLdrX0X1}).completed);
  EXPECT_EQ(rig.machine.x(0), 0x1122'3344'5566'7788);
  rig.machine.x(0) = 42;
  rig.machine.x(1) = va;
  ASSERT_TRUE(rig.execute(1, {kStrX0X1}).completed);
  EXPECT_EQ(rig.machine.read<u64>(kData), 42);
}

TEST_P(Granule, TranslatesTheUpperHalf) {
  const u64 va = 0xffff'0012'3456'0000;
  rig.tables.map(va, kData, kNormal);
  rig.machine.write<u64>(kData, 7);
  rig.machine.x(1) = va;
  ASSERT_TRUE(rig.execute(1, {kLdrX0X1}).completed);
  EXPECT_EQ(rig.machine.x(0), 7);
}

TEST_P(Granule, TranslatesBlocksWhereAllowed) {
  // From the bottom up, since a block at level 0 takes the place of the tables below it.
  for (unsigned level = 3; level-- > rig.tables.first_level();) {
    const unsigned shift = rig.tables.shift(level);
    const bool allowed = level == 2 || (level == 1 && GetParam() == 12);
    const u64 va = 0x9000'0000'0000 + (static_cast<u64>(level) << 44);
    const u64 offset = kData & ((1ULL << shift) - 1);
    rig.tables.map(va, kData - offset, kNormal, level);
    rig.machine.write<u64>(kData + 0x38, level + 100);
    rig.machine.x(1) = va + offset + 0x38;
    const Outcome outcome = rig.execute(1, {kLdrX0X1});
    ASSERT_EQ(outcome.completed, allowed) << level;
    if (allowed)
      EXPECT_EQ(rig.machine.x(0), level + 100);
    else
      EXPECT_EQ(outcome.iss(), 4 + level);
  }
}

TEST_P(Granule, ReportsTheLevelOfATranslationFault) {
  for (unsigned level = rig.tables.first_level(); level <= 3; ++level) {
    const u64 va = 0x9000'0000'0000 + (static_cast<u64>(level) << 44);
    rig.machine.write<u64>(rig.tables.slot(va, level), 0);
    rig.machine.x(1) = va + 0x123;
    const Outcome load = rig.execute(1, {kLdrX0X1});
    EXPECT_EQ(load.ec(), kDataAbortSame);
    EXPECT_EQ(load.iss(), 4 + level);
    EXPECT_EQ(load.far, va + 0x123);
    EXPECT_EQ(load.elr, kCodeEl1);
    EXPECT_EQ(load.vector, 4);
    EXPECT_EQ(rig.execute(1, {kStrX0X1}).iss(), kWnr | (4 + level));
    rig.machine.x(1) = va;
    const Outcome fetch = rig.execute(1, {kBrX1});
    EXPECT_EQ(fetch.ec(), kFetchAbortSame);
    EXPECT_EQ(fetch.iss(), 4 + level);
    EXPECT_EQ(fetch.far, va);
    EXPECT_EQ(fetch.elr, va);
  }
}

TEST_P(Granule, ReportsAReservedLevel3DescriptorAsATranslationFault) {
  const u64 va = 0x12'3456'0000;
  rig.machine.write<u64>(rig.tables.slot(va, 3), kData | kNormal | kDescValid);
  rig.machine.x(1) = va;
  EXPECT_EQ(rig.execute(1, {kLdrX0X1}).iss(), 7);
}

TEST_P(Granule, ReportsAccessFlagFaults) {
  const u64 va = 0x12'3456'0000;
  rig.tables.map(va, kData, kNormal & ~kDescAf);
  rig.machine.x(1) = va;
  EXPECT_EQ(rig.execute(1, {kLdrX0X1}).iss(), 0xb);
  rig.tables.map(va + (1ULL << 40), 0, kNormal & ~kDescAf, 2);
  rig.machine.x(1) = va + (1ULL << 40);
  EXPECT_EQ(rig.execute(1, {kStrX0X1}).iss(), kWnr | 0xa);
  // Faults are not cached: setting the flag is enough.
  rig.tables.map(va, kData, kNormal);
  rig.machine.x(1) = va;
  EXPECT_TRUE(rig.execute(1, {kLdrX0X1}).completed);
}

TEST_P(Granule, ReportsAddressSizeFaults) {
  const u64 va = 0x12'3456'0000;
  rig.set_sysreg(kTcr, (rig.tables.tcr() & ~(7ULL << 32)) | 1ULL << 32); // 36 bits
  rig.tables.map(va, 1ULL << 36, kNormal);
  rig.machine.x(1) = va;
  EXPECT_EQ(rig.execute(1, {kLdrX0X1}).iss(), 3);
  rig.machine.write<u64>(rig.tables.slot(va, 2), 1ULL << 40 | 3);
  EXPECT_EQ(rig.execute(1, {kLdrX0X1}).iss(), 2);
  rig.set_sysreg(sysreg(3, 0, 2, 0, 1), 1ULL << 40);
  rig.machine.x(1) = 0xffff'0000'0000'0000;
  EXPECT_EQ(rig.execute(1, {kLdrX0X1}).iss(), 0);
}

TEST_P(Granule, RefusesAddressesBetweenTheHalves) {
  for (const u64 va :
       {0x0001'0000'0000'0000ULL, 0xfffe'ffff'ffff'fff8ULL, 0x8000'0000'0000'0000ULL}) {
    rig.machine.x(1) = va;
    const Outcome outcome = rig.execute(1, {kLdrX0X1});
    EXPECT_EQ(outcome.iss(), 4) << std::hex << va;
    EXPECT_EQ(outcome.far, va);
  }
}

TEST_P(Granule, HonoursEpdAndSmallerRegions) {
  const u64 va = 0xffff'ffff'fffe'0000;
  rig.tables.map(va, kData, kNormal);
  rig.machine.x(1) = va;
  EXPECT_TRUE(rig.execute(1, {kLdrX0X1}).completed);
  rig.set_sysreg(kTcr, rig.tables.tcr() | 1 << 23);
  EXPECT_EQ(rig.execute(1, {kLdrX0X1}).iss(), 4);
  PageTables small(rig.machine, kTables + 0x20'0000, GetParam(), 36);
  const u64 upper = ~0ULL << 36;
  small.map(upper + 0x1234'0000, kData, kNormal);
  rig.set_sysreg(sysreg(3, 0, 2, 0, 1), small.root());
  rig.set_sysreg(kTcr, (rig.tables.tcr() & ~(63ULL << 16)) | 28 << 16);
  rig.machine.x(1) = upper + 0x1234'0000;
  EXPECT_TRUE(rig.execute(1, {kLdrX0X1}).completed);
  rig.machine.x(1) = upper - 0x1'0000;
  EXPECT_EQ(rig.execute(1, {kLdrX0X1}).iss(), 4);
}

TEST_P(Granule, IgnoresTheTopByteWhenAsked) {
  const u64 va = 0x12'3456'0000;
  rig.tables.map(va, kData, kNormal);
  rig.machine.write<u64>(kData, 99);
  rig.machine.x(1) = va | 0xab00'0000'0000'0000;
  EXPECT_EQ(rig.execute(1, {kLdrX0X1}).iss(), 4);
  rig.set_sysreg(kTcr, rig.tables.tcr() | 1ULL << 37);
  ASSERT_TRUE(rig.execute(1, {kLdrX0X1}).completed);
  EXPECT_EQ(rig.machine.x(0), 99);
  rig.machine.x(1) = (va + 0x40'0000'0000) | 0xab00'0000'0000'0000;
  EXPECT_EQ(rig.execute(1, {kLdrX0X1}).far, rig.machine.x(1));
  // A branch drops the tag.
  rig.machine.write<u32>(kCodeEl1 + 0x800, hvc(0x200));
  rig.machine.x(1) = (kCodeEl1 + 0x800) | 0x5500'0000'0000'0000;
  ASSERT_TRUE(rig.execute(1, {kBrX1}).completed);
  EXPECT_EQ(rig.cpu().s.pc, kCodeEl1 + 0x804);
}

TEST_P(Granule, HierarchicalAttributesTakeAway) {
  const u64 va = 0x12'3456'0000;
  rig.tables.map(va, kData, kDescAf | kDescInner | kDescUser);
  const u64 table = rig.tables.slot(va, 2);
  const u64 plain = rig.machine.read<u64>(table);
  const auto flush = [&] { return rig.execute(1, {tlbi_x2(7, 0), kDsb, kIsb}).completed; };
  rig.machine.x(1) = va;
  EXPECT_TRUE(rig.execute(0, {kStrX0X1}).completed);
  rig.machine.write(table, plain | 1ULL << 62); // read-only
  ASSERT_TRUE(flush());
  EXPECT_TRUE(rig.execute(0, {kLdrX0X1}).completed);
  EXPECT_EQ(rig.execute(0, {kStrX0X1}).iss(), kWnr | 0xf);
  EXPECT_EQ(rig.execute(1, {kStrX0X1}).iss(), kWnr | 0xf);
  rig.machine.write(table, plain | 1ULL << 61); // no EL0
  ASSERT_TRUE(flush());
  EXPECT_EQ(rig.execute(0, {kLdrX0X1}).iss(), 0xf);
  EXPECT_TRUE(rig.execute(1, {kStrX0X1}).completed);
  rig.machine.write(table, plain | 1ULL << 60); // UXN
  ASSERT_TRUE(flush());
  const Outcome outcome = rig.execute(0, {kBrX1});
  EXPECT_EQ(outcome.ec(), kFetchAbortLower);
  EXPECT_EQ(outcome.iss(), 0xf);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Granule, ::testing::Values(12U, 14U, 16U));

struct Rights {
  bool user, read_only, uxn, pxn, wxn, pan;
};

// The permission table of Arm ARM D8.4.1, written out independently of the walker.
bool may(unsigned el, char access, const Rights& r) {
  const bool el0_data = r.user;
  const bool el1_write = !r.read_only;
  const bool el0_write = r.user && !r.read_only;
  switch (access) {
  case 'r': return el == 0 ? el0_data : !(r.pan && r.user);
  case 'w': return el == 0 ? el0_write : el1_write && !(r.pan && r.user);
  default:
    if (el == 0)
      return !r.uxn && !(r.wxn && el0_write);
    return !r.pxn && !el0_write && !(r.wxn && el1_write);
  }
}

TEST(Permissions, FollowTheTableInEveryCombination) {
  Rig rig;
  const u64 base = 0x12'3400'0000;
  const u64 sctlr = rig.get_sysreg(kSctlr);
  for (unsigned n = 0; n < 64; ++n) {
    const Rights r{(n & 1) != 0, (n & 2) != 0,  (n & 4) != 0,
                   (n & 8) != 0, (n & 16) != 0, (n & 32) != 0};
    const u64 va = base + n * 0x1000;
    rig.tables.map(va, kData,
                   kDescAf | kDescInner | (r.user ? kDescUser : 0) |
                       (r.read_only ? kDescReadOnly : 0) | (r.uxn ? kDescUxn : 0) |
                       (r.pxn ? kDescPxn : 0));
    // WXN takes execution from the rig's writable EL1 code, so that is made read-only for it.
    rig.set_sysreg(kSctlr, sctlr | kSctlrSpan | (r.wxn ? kSctlrWxn : 0));
    for (const u64 page : {kCodeEl1, kVectors})
      rig.tables.map(page, page, kDescAf | kDescInner | kDescUxn | kDescReadOnly);
    ASSERT_TRUE(rig.execute(1, {tlbi_x2(7, 0), kDsb, kIsb}).completed);
    for (unsigned el = 0; el < 2; ++el) {
      for (const char access : {'r', 'w', 'x'}) {
        rig.cpu().s.pstate.pan = r.pan ? 1 : 0;
        rig.machine.x(1) = va;
        rig.machine.x(0) = el == 0 ? svc(0x200) : hvc(0x200);
        rig.machine.write<u64>(kData, rig.machine.x(0));
        const Outcome outcome = rig.execute(el, {access == 'r'   ? kLdrX0X1
                                                 : access == 'w' ? kStrX0X1
                                                                 : kBrX1});
        EXPECT_EQ(outcome.completed, may(el, access, r)) << n << " EL" << el << ' ' << access;
        if (outcome.completed)
          continue;
        EXPECT_EQ(outcome.ec(), access == 'x' ? kFetchAbortLower + el : kDataAbortLower + el);
        EXPECT_EQ(outcome.iss(), (access == 'w' ? kWnr : 0) | 0xf);
        EXPECT_EQ(outcome.far, va);
      }
    }
  }
}

TEST(Permissions, UnprivilegedAccessesUseThoseOfEl0) {
  Rig rig;
  const u64 va = 0x12'3456'0000;
  rig.tables.map(va, kData, kNormal);
  rig.tables.map(va + 0x1000, kData, kNormal | kDescUser);
  rig.machine.x(1) = va;
  EXPECT_EQ(rig.execute(1, {kLdtrX0X1}).iss(), 0xf);
  EXPECT_EQ(rig.execute(1, {kSttrX0X1}).iss(), kWnr | 0xf);
  rig.machine.x(1) = va + 0x1000;
  rig.cpu().s.pstate.pan = 1;
  EXPECT_EQ(rig.execute(1, {kLdrX0X1}).iss(), 0xf);
  rig.cpu().s.pstate.pan = 1;
  EXPECT_TRUE(rig.execute(1, {kLdtrX0X1}).completed);
  rig.cpu().s.pstate.pan = 0;
  rig.cpu().s.pstate.uao = 1;
  rig.machine.x(1) = va;
  EXPECT_TRUE(rig.execute(1, {kLdtrX0X1}).completed);
}

TEST(Translation, ATableOutsideOfMemoryIsAStage2FaultOnTheWalk) {
  Rig rig;
  const u64 va = 0x12'3456'0000;
  rig.machine.write<u64>(rig.tables.slot(va, 1), 0x2000'0000 | 3);
  rig.machine.x(1) = va + 0x10;
  const Outcome outcome = rig.execute(1, {kLdrX0X1});
  ASSERT_TRUE(outcome.exited);
  EXPECT_EQ(outcome.exit.syndrome >> 26, kDataAbortLower);
  EXPECT_EQ(outcome.exit.syndrome & 0x1ff'ffff, 1U << 7 | 7); // S1PTW, ISV = 0
  EXPECT_EQ(outcome.exit.virtual_address, va + 0x10);
  EXPECT_EQ(outcome.exit.physical_address, 0x2000'0000 + 8 * ((va >> 21) & 511));
  const Outcome fetch = rig.execute(1, {kBrX1});
  ASSERT_TRUE(fetch.exited);
  EXPECT_EQ(fetch.exit.syndrome >> 26, kFetchAbortLower);
}

TEST(Translation, WithTheMmuOffAddressesAreChecked) {
  Rig rig;
  rig.set_mmu(false);
  rig.machine.write<u64>(kData, 5);
  rig.machine.x(1) = kData;
  ASSERT_TRUE(rig.execute(1, {kLdrX0X1}).completed);
  EXPECT_EQ(rig.machine.x(0), 5);
  rig.machine.x(1) = 1ULL << 40;
  const Outcome outcome = rig.execute(1, {kLdrX0X1});
  EXPECT_EQ(outcome.ec(), kDataAbortSame);
  EXPECT_EQ(outcome.iss(), 0);
}

} // namespace
} // namespace softhv::testing
