// SPDX-License-Identifier: Apache-2.0
// What loads and stores do when they fault, and the alignment rules that user-mode emulators do not
// check. Ordinary results are compared with QEMU's by softhv-difftest.
#include <gtest/gtest.h>

#include "softhv/interp/insn.h"
#include "softhv/system/exception.h"
#include "softhv/testing/rig.h"

namespace softhv::testing {
namespace {

using interp::insn;

constexpr u64 kMapped = kData;
constexpr u64 kUnmapped = kData + 0x1000;
constexpr u64 kAlignmentFault = 0x21; // DFSC
constexpr u64 kWnr = 1 << 6;
constexpr u64 kDataAbortFromEl0 = 0x24;
constexpr u64 kSpAlignmentFault = 0x26;

class LoadStore : public ::testing::Test {
protected:
  LoadStore() {
    rig.tables.map(kMapped, kMapped, kDescAf | kDescInner | kDescUser | kDescUxn);
    for (unsigned n = 0; n < 31; ++n)
      x(n) = 0x1000 + n;
    for (u64 at = 0; at < 0x1000; at += 8)
      rig.machine.write<u64>(kMapped + at, 0x0101'0101'0101'0101 * (at / 8 % 251 + 1));
  }

  u64& x(unsigned n) { return rig.cpu().s.x[n]; }
  Vec& v(unsigned n) { return rig.cpu().s.v[n]; }
  u64 memory(u64 address) { return rig.machine.read<u64>(address); }
  void set_check_sp(bool check) {
    constexpr u32 kSctlrEl1 = 0xc080; // packed as hv_sys_reg_t is
    const u64 value = rig.get_sysreg(kSctlrEl1) & ~(kSctlrSa | kSctlrSa0);
    rig.set_sysreg(kSctlrEl1, check ? value | kSctlrSa | kSctlrSa0 : value);
  }

  Rig rig;
};

TEST_F(LoadStore, APairThatFaultsHalfWayChangesNoRegister) {
  x(1) = kUnmapped - 8;
  const Outcome outcome = rig.execute(0, {insn(0xa8c10c22, "ldp x2, x3, [x1], #16")});
  EXPECT_EQ(outcome.ec(), kDataAbortFromEl0);
  EXPECT_EQ(outcome.far, kUnmapped);
  EXPECT_EQ(outcome.iss() & kWnr, 0U);
  EXPECT_EQ(x(1), kUnmapped - 8);
  EXPECT_EQ(x(2), 0x1002U);
  EXPECT_EQ(x(3), 0x1003U);
}

TEST_F(LoadStore, AFaultingWriteBackLeavesTheBase) {
  x(1) = kUnmapped - 8;
  Outcome outcome = rig.execute(0, {insn(0xf8408c22, "ldr x2, [x1, #8]!")});
  EXPECT_EQ(outcome.far, kUnmapped);
  EXPECT_EQ(x(1), kUnmapped - 8);
  EXPECT_EQ(x(2), 0x1002U);
  x(1) = kUnmapped;
  outcome = rig.execute(0, {insn(0xf8008422, "str x2, [x1], #8")});
  EXPECT_EQ(outcome.iss() & kWnr, kWnr);
  EXPECT_EQ(x(1), kUnmapped);
  x(1) = kUnmapped - 24;
  outcome = rig.execute(0, {insn(0xad808420, "stp q0, q1, [x1, #16]!")});
  EXPECT_EQ(outcome.iss() & kWnr, kWnr);
  EXPECT_EQ(x(1), kUnmapped - 24);
}

TEST_F(LoadStore, AFaultingAtomicChangesNothing) {
  x(1) = kUnmapped;
  Outcome outcome = rig.execute(0, {insn(0xf8e20023, "ldaddal x2, x3, [x1]")});
  EXPECT_EQ(outcome.ec(), kDataAbortFromEl0);
  EXPECT_EQ(x(3), 0x1003U);
  outcome = rig.execute(0, {insn(0xc8e2fc23, "casal x2, x3, [x1]")});
  EXPECT_EQ(outcome.ec(), kDataAbortFromEl0);
  EXPECT_EQ(x(2), 0x1002U);
}

TEST_F(LoadStore, UnalignedAccessesWorkWithinAndAcrossPages) {
  rig.tables.map(kUnmapped, kUnmapped, kDescAf | kDescInner | kDescUser | kDescUxn);
  x(1) = kMapped + 3;
  x(2) = 0x1122'3344'5566'7788;
  x(4) = kUnmapped - 3;
  v(0) = Vec{{0x0706'0504'0302'0100, 0x0f0e'0d0c'0b0a'0908}};
  x(6) = kUnmapped - 5;
  const Outcome outcome =
      rig.execute(0, {insn(0xf9000022, "str x2, [x1]"), insn(0xf9400023, "ldr x3, [x1]"),
                      insn(0xf9000082, "str x2, [x4]"), insn(0xb9400085, "ldr w5, [x4]"),
                      insn(0x3d8000c0, "str q0, [x6]"), insn(0x3dc000c1, "ldr q1, [x6]")});
  EXPECT_TRUE(outcome.completed);
  EXPECT_EQ(x(3), 0x1122'3344'5566'7788U);
  EXPECT_EQ(x(5), 0x5566'7788U);
  EXPECT_EQ(v(1), v(0));
  EXPECT_EQ(rig.machine.read<u8>(kMapped + 3), 0x88);
}

TEST_F(LoadStore, OrderedAndExclusiveAccessesMustBeAligned) {
  for (const u32 word :
       {insn(0xc8dffc22, "ldar x2, [x1]"), insn(0xb8bfc022, "ldapr w2, [x1]"),
        insn(0x489ffc22, "stlrh w2, [x1]"), insn(0x885f7c22, "ldxr w2, [x1]"),
        insn(0xc87f8c22, "ldaxp x2, x3, [x1]"), insn(0xc8047c22, "stxr w4, x2, [x1]"),
        insn(0xc8240c22, "stxp w4, x2, x3, [x1]"), insn(0xb8220023, "ldadd w2, w3, [x1]"),
        insn(0xf8228023, "swp x2, x3, [x1]"), insn(0xc8a27c23, "cas x2, x3, [x1]"),
        insn(0x48227c24, "casp x2, x3, x4, x5, [x1]")}) {
    x(1) = kMapped + 1;
    const Outcome outcome = rig.execute(0, {word});
    EXPECT_EQ(outcome.ec(), kDataAbortFromEl0) << std::hex << word;
    EXPECT_EQ(outcome.iss() & 0x3f, kAlignmentFault) << std::hex << word;
    EXPECT_EQ(outcome.far, kMapped + 1) << std::hex << word;
  }
}

TEST_F(LoadStore, TheStackPointerIsCheckedWhenAsked) {
  constexpr u32 kWords[] = {
      insn(0xf94003e2, "ldr x2, [sp]"),          insn(0x390007e2, "strb w2, [sp, #1]"),
      insn(0xa8c10fe2, "ldp x2, x3, [sp], #16"), insn(0xadbf07e0, "stp q0, q1, [sp, #-32]!"),
      insn(0xf8400be2, "ldtr x2, [sp]"),         insn(0xf8636be2, "ldr x2, [sp, x3]"),
      insn(0xc8dfffe2, "ldar x2, [sp]"),         insn(0xc85f7fe2, "ldxr x2, [sp]"),
      insn(0xc8047fe2, "stxr w4, x2, [sp]"),     insn(0xf82203e3, "ldadd x2, x3, [sp]"),
      insn(0xc8a27fe3, "cas x2, x3, [sp]")};
  for (const u32 word : kWords) {
    x(3) = 8;
    set_check_sp(true);
    set_stack_pointer(rig.cpu().s, 0, kMapped + 0x808);
    Outcome outcome = rig.execute(0, {word});
    EXPECT_EQ(outcome.ec(), kSpAlignmentFault) << std::hex << word;
    EXPECT_EQ(stack_pointer(rig.cpu().s, 0), kMapped + 0x808) << std::hex << word;
    set_check_sp(false);
    x(3) = 8;
    outcome = rig.execute(0, {word});
    EXPECT_TRUE(outcome.completed) << std::hex << word;
  }
  set_check_sp(true);
  set_stack_pointer(rig.cpu().s, 0, kMapped + 8);
  EXPECT_TRUE(
      rig.execute(0, {insn(0xf98003e0, "prfm pldl1keep, [sp]"), insn(0x910023e2, "add x2, sp, #8")})
          .completed);
}

TEST_F(LoadStore, SmallLoadsExtendAndClearTheRest) {
  rig.machine.write<u64>(kMapped, 0xffff'ffff'ffff'ff80);
  x(1) = kMapped;
  v(1) = Vec{{~0ULL, ~0ULL}};
  EXPECT_TRUE(rig.execute(0, {insn(0x39c00022, "ldrsb w2, [x1]"),
                              insn(0x39800023, "ldrsb x3, [x1]"), insn(0x39400024, "ldrb w4, [x1]"),
                              insn(0xb9800025, "ldrsw x5, [x1]"), insn(0x3d400021, "ldr b1, [x1]")})
                  .completed);
  EXPECT_EQ(x(2), 0xffff'ff80U);
  EXPECT_EQ(x(3), 0xffff'ffff'ffff'ff80U);
  EXPECT_EQ(x(4), 0x80U);
  EXPECT_EQ(x(5), 0xffff'ffff'ffff'ff80U);
  EXPECT_EQ(v(1), (Vec{{0x80, 0}}));
}

TEST_F(LoadStore, LoadsToXzrAreDoneAndDropped) {
  x(1) = kMapped;
  EXPECT_TRUE(rig.execute(0, {insn(0xf840843f, "ldr xzr, [x1], #8"),
                              insn(0xaa1f03e2, "mov x2, xzr"), insn(0xf900003f, "str xzr, [x1]")})
                  .completed);
  EXPECT_EQ(x(1), kMapped + 8);
  EXPECT_EQ(x(2), 0U);
  EXPECT_EQ(memory(kMapped + 8), 0U);
  x(1) = kUnmapped;
  EXPECT_EQ(rig.execute(0, {insn(0xf940003f, "ldr xzr, [x1]")}).ec(), kDataAbortFromEl0);
}

} // namespace
} // namespace softhv::testing
