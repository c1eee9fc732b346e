// SPDX-License-Identifier: Apache-2.0
// Data accesses off the fast path: alignment, Device memory, pages, MMIO, protected memory, cache
// maintenance, and code that changes itself.
#include <gtest/gtest.h>

#include "arch/sysreg.h"
#include "softhv/mmu/data_abort.h"
#include "softhv/testing/rig.h"

namespace softhv::testing {
namespace {

using kindling::arch::sysreg;

constexpr u32 kSctlr = sysreg(3, 0, 1, 0, 0);
constexpr u64 kVa = 0x12'3456'0000;
constexpr u64 kIo = 0x0900'0000; // nothing is mapped there
constexpr u64 kAttributes = kDescAf | kDescInner | kDescUxn | kDescPxn;

constexpr u32 kLdarX0X1 = 0xc8df'fc20;
constexpr u32 kStlrX0X1 = 0xc89f'fc20;
constexpr u32 kLdxrX0X1 = 0xc85f'7c20;
constexpr u32 kLdaddX0X3X1 = 0xf820'0023; // ldadd x0, x3, [x1]
constexpr u32 kDcZvaX1 = 0xd50b'7421;
constexpr u32 kDcCvacX1 = 0xd50b'7a21;
constexpr u32 kIcIvauX1 = 0xd50b'7521;
constexpr u32 kLdrX0Sp = 0xf940'03e0;

class Access : public ::testing::Test {
protected:
  Access() {
    rig.tables.map(kVa, kData, kAttributes | kDescUser);
    rig.tables.map(kVa + 0x1000, kData + 0x1000, kAttributes | kDescUser);
    rig.tables.map(kVa + 0x3000, kData, kAttributes | desc_attr(1)); // Device-nGnRnE
    rig.tables.map(kVa + 0x4000, kIo, kAttributes | kDescUser | desc_attr(1));
    rig.tables.map(kVa + 0x5000, kData, kAttributes | kDescReadOnly);
  }

  Outcome at(u64 va, u32 word, unsigned el = 1) {
    rig.machine.x(1) = va;
    return rig.execute(el, {word});
  }

  Rig rig;
};

TEST_F(Access, UnalignedAccessesWorkAndCrossPages) {
  rig.machine.x(0) = 0x8877'6655'4433'2211;
  for (const u64 offset : {0x7ULL, 0xff9ULL, 0xfffULL}) {
    rig.machine.x(0) = 0x8877'6655'4433'2211;
    ASSERT_TRUE(at(kVa + offset, kStrX0X1).completed);
    EXPECT_EQ(rig.machine.read<u64>(kData + offset), 0x8877'6655'4433'2211);
    rig.machine.x(0) = 0;
    ASSERT_TRUE(at(kVa + offset, kLdrX0X1).completed);
    EXPECT_EQ(rig.machine.x(0), 0x8877'6655'4433'2211);
  }
}

TEST_F(Access, ACrossingStoreThatFaultsChangesNothing) {
  rig.machine.write<u64>(kData + 0x1ff8, 0);
  rig.machine.x(0) = ~0ULL;
  const Outcome outcome = at(kVa + 0x1ffc, kStrX0X1); // the page behind is not mapped
  EXPECT_EQ(outcome.iss(), 0x47);
  EXPECT_EQ(outcome.far, kVa + 0x2000);
  EXPECT_EQ(rig.machine.read<u64>(kData + 0x1ff8), 0);
}

TEST_F(Access, AlignmentIsCheckedWhereTheArchitectureSaysSo) {
  EXPECT_EQ(at(kVa + 4, kLdarX0X1).iss(), 0x21);
  EXPECT_EQ(at(kVa + 4, kStlrX0X1).iss(), 0x61);
  EXPECT_EQ(at(kVa + 4, kLdxrX0X1).iss(), 0x21);
  EXPECT_EQ(at(kVa + 4, kLdaddX0X3X1).iss(), 0x21);
  EXPECT_EQ(at(kVa + 4, kLdaddX0X3X1).far, kVa + 4);
  // Device memory.
  EXPECT_TRUE(at(kVa + 0x3008, kLdrX0X1).completed);
  EXPECT_EQ(at(kVa + 0x3004, kLdrX0X1).iss(), 0x21);
  EXPECT_EQ(at(kVa + 0x3004, kStrX0X1).iss(), 0x61);
  // SCTLR_EL1.A, before translation.
  rig.set_sysreg(kSctlr, rig.get_sysreg(kSctlr) | kSctlrA);
  EXPECT_TRUE(at(kVa + 8, kLdrX0X1).completed);
  EXPECT_EQ(at(kVa + 4, kLdrX0X1).iss(), 0x21);
  EXPECT_EQ(at(kVa + 0x9004, kLdrX0X1).iss(), 0x21);
  // With the MMU off all data is Device-nGnRnE.
  rig.set_sysreg(kSctlr, rig.get_sysreg(kSctlr) & ~kSctlrA);
  rig.set_mmu(false);
  EXPECT_EQ(at(kData + 4, kLdrX0X1).iss(), 0x21);
  EXPECT_TRUE(at(kData + 8, kLdrX0X1).completed);
}

TEST_F(Access, SpAlignmentIsCheckedWhenAsked) {
  const u64 sctlr = rig.get_sysreg(kSctlr);
  const auto with_sp = [&](unsigned el, u64 sp) {
    rig.cpu().s.sp_el[0] = rig.cpu().s.sp_el[1] = rig.cpu().s.x[kRegSp] = sp;
    return rig.execute(el, {kLdrX0Sp});
  };
  EXPECT_TRUE(with_sp(1, kVa + 8).completed);
  rig.set_sysreg(kSctlr, sctlr | kSctlrSa);
  const Outcome outcome = with_sp(1, kVa + 8);
  EXPECT_EQ(outcome.ec(), 0x26);
  EXPECT_EQ(outcome.iss(), 0);
  EXPECT_TRUE(with_sp(1, kVa + 16).completed);
  EXPECT_TRUE(with_sp(0, kVa + 8).completed);
  rig.set_sysreg(kSctlr, sctlr | kSctlrSa0);
  EXPECT_EQ(with_sp(0, kVa + 8).ec(), 0x26);
}

struct Syndrome {
  const char* text;
  u32 word;
  u32 iss; // bits 24:14, 0: ISV = 0
};

constexpr u32 isv(u32 sas, bool sse, u32 srt, bool sf, bool ar = false) {
  return 1U << 24 | sas << 22 | (sse ? 1U << 21 : 0) | srt << 16 | (sf ? 1U << 15 : 0) |
         (ar ? 1U << 14 : 0);
}

constexpr Syndrome kSyndromes[] = {
    {"ldrb w5, [x1]", 0x3940'0025, isv(0, false, 5, false)},
    {"ldrh w5, [x1]", 0x7940'0025, isv(1, false, 5, false)},
    {"ldr w5, [x1]", 0xb940'0025, isv(2, false, 5, false)},
    {"ldr x5, [x1]", 0xf940'0025, isv(3, false, 5, true)},
    {"str wzr, [x1]", 0xb900'003f, isv(2, false, 31, false)},
    {"ldrsb w5, [x1]", 0x39c0'0025, isv(0, true, 5, false)},
    {"ldrsb x5, [x1]", 0x3980'0025, isv(0, true, 5, true)},
    {"ldrsh w5, [x1]", 0x79c0'0025, isv(1, true, 5, false)},
    {"ldrsw x5, [x1]", 0xb980'0025, isv(2, true, 5, true)},
    {"ldur w5, [x1]", 0xb840'0025, isv(2, false, 5, false)},
    {"ldtr w5, [x1]", 0xb840'0825, isv(2, false, 5, false)},
    {"ldr w5, [x1, x2]", 0xb862'6825, isv(2, false, 5, false)},
    {"ldar w5, [x1]", 0x88df'fc25, isv(2, false, 5, false, true)},
    {"stlrb w5, [x1]", 0x089f'fc25, isv(0, false, 5, false, true)},
    {"ldapr x5, [x1]", 0xf8bf'c025, isv(3, false, 5, true, true)},
    {"ldr w5, [x1], #4", 0xb840'4425, 0},
    {"ldr w5, [x1, #4]!", 0xb840'4c25, 0},
    {"ldp w5, w6, [x1]", 0x2940'1825, 0},
    {"ldxr w5, [x1]", 0x885f'7c25, 0},
    {"ldadd w5, w6, [x1]", 0xb825'0026, 0},
    {"cas w5, w6, [x1]", 0x88a5'7c26, 0},
    {"ldr q5, [x1]", 0x3dc0'0025, 0},
    {"ldr s5, [x1]", 0xbd40'0025, 0},
};

TEST(InstructionSyndrome, IsThatOfTheArmArm) {
  for (const Syndrome& s : kSyndromes)
    EXPECT_EQ(instruction_syndrome(s.word), s.iss) << s.text;
  EXPECT_EQ(instruction_syndrome(0x5800'0005), isv(3, false, 5, true)); // ldr x5, literal
  EXPECT_EQ(instruction_syndrome(0x9800'0005), isv(2, true, 5, true));  // ldrsw x5, literal
  EXPECT_EQ(instruction_syndrome(0xf980'0025), 0);                      // prfm
}

TEST_F(Access, MmioLeavesToTheHost) {
  for (const Syndrome& s : kSyndromes) {
    rig.machine.x(2) = 0;
    const Outcome outcome = at(kVa + 0x4010, s.word);
    ASSERT_TRUE(outcome.exited) << s.text;
    const u64 esr = outcome.exit.syndrome;
    EXPECT_EQ(esr >> 25, 0x24U << 1 | 1) << s.text;
    EXPECT_EQ(esr & 0x1ff'c000, s.iss) << s.text;
    EXPECT_EQ(esr & 0x3f, 7) << s.text;
    const u64 offset = s.word == 0xb840'4c25 ? 4 : 0;
    EXPECT_EQ(outcome.exit.virtual_address, kVa + 0x4010 + offset) << s.text;
    EXPECT_EQ(outcome.exit.physical_address, kIo + 0x10 + offset) << s.text;
    EXPECT_EQ(rig.cpu().s.pc, kCodeEl1) << s.text;
    EXPECT_EQ(rig.machine.x(1), kVa + 0x4010) << s.text << ": no writeback";
  }
  EXPECT_EQ(at(kVa + 0x4010, 0xb900'0025).exit.syndrome & 0x40, 0x40); // WnR of a store
}

TEST_F(Access, TheHostCompletesMmioByMovingOn) {
  rig.machine.x(1) = kVa + 0x4000;
  const Outcome outcome = rig.execute(1, {kLdrX0X1, 0x9100'0400}); // add x0, x0, #1
  ASSERT_TRUE(outcome.exited);
  rig.machine.x(0) = 41;
  rig.cpu().s.pc += 4;
  ASSERT_TRUE(rig.resume().completed);
  EXPECT_EQ(rig.machine.x(0), 42);
}

TEST_F(Access, WriteProtectedMemoryLeavesAsAPermissionFault) {
  rig.machine.x(0) = 9;
  EXPECT_TRUE(at(kVa + 8, kStrX0X1).completed);
  ASSERT_EQ(rig.machine.vm().stage2.protect(kData, 0x1000, kStage2Read), Stage2::Status::kOk);
  const ShootdownRequest request{
      .kind = ShootdownRequest::Kind::kIpa, .ipa = kData, .size = 0x1000};
  shootdown_post(rig.machine.vm(), nullptr, request);
  shootdown_wait(nullptr);
  EXPECT_TRUE(at(kVa + 8, kLdrX0X1).completed);
  const Outcome outcome = at(kVa + 8, kStrX0X1);
  ASSERT_TRUE(outcome.exited);
  EXPECT_EQ(outcome.exit.syndrome, 0x24ULL << 26 | 1 << 25 | isv(3, false, 0, true) | 0x4f);
  EXPECT_EQ(outcome.exit.physical_address, kData + 8);
  ASSERT_EQ(rig.machine.vm().stage2.protect(kData, 0x1000, kStage2Read | kStage2Write),
            Stage2::Status::kOk);
  shootdown_post(rig.machine.vm(), nullptr, request);
  EXPECT_TRUE(rig.resume().completed); // the same store, again
}

TEST_F(Access, UnmappedAndUnexecutableCodeLeavesToTheHost) {
  rig.tables.map(kVa + 0x6000, kIo, kDescAf | kDescInner);
  rig.machine.x(1) = kVa + 0x6008;
  Outcome outcome = rig.execute(1, {kBrX1});
  ASSERT_TRUE(outcome.exited);
  EXPECT_EQ(outcome.exit.syndrome, 0x20ULL << 26 | 1 << 25 | 7);
  EXPECT_EQ(outcome.exit.virtual_address, kVa + 0x6008);
  EXPECT_EQ(outcome.exit.physical_address, kIo + 8);
}

TEST_F(Access, DcZvaZeroesItsBlock) {
  std::memset(rig.machine.host(kData), 0xff, 0x1000);
  ASSERT_TRUE(at(kVa + 0x75, kDcZvaX1).completed);
  for (u64 i = 0; i < 0x100; ++i)
    EXPECT_EQ(rig.machine.read<u8>(kData + i), i >= 0x40 && i < 0x80 ? 0 : 0xff) << i;
  const Outcome device = at(kVa + 0x3047, kDcZvaX1);
  EXPECT_EQ(device.iss(), 0x61);
  EXPECT_EQ(device.far, kVa + 0x3047);
  EXPECT_EQ(at(kVa + 0x5047, kDcZvaX1).iss(), 0x4f);
  // At EL0 only with SCTLR_EL1.DZE.
  EXPECT_EQ(at(kVa, kDcZvaX1, 0).ec(), 0x18);
  rig.set_sysreg(kSctlr, rig.get_sysreg(kSctlr) | kSctlrDze);
  EXPECT_TRUE(at(kVa, kDcZvaX1, 0).completed);
}

TEST_F(Access, CacheMaintenanceByVaChecksPermissions) {
  EXPECT_TRUE(at(kVa, kDcCvacX1).completed);
  const Outcome outcome = at(kVa + 0x9000, kDcCvacX1);
  EXPECT_EQ(outcome.ec(), 0x25);
  EXPECT_EQ(outcome.iss(), 1 << 8 | 1 << 6 | 7); // CM, WnR
  EXPECT_EQ(at(kVa, kDcCvacX1, 0).ec(), 0x18);
  EXPECT_EQ(at(kVa, kIcIvauX1, 0).ec(), 0x18);
  rig.set_sysreg(kSctlr, rig.get_sysreg(kSctlr) | kSctlrUci);
  EXPECT_TRUE(at(kVa, kDcCvacX1, 0).completed);
  EXPECT_TRUE(at(kVa, kIcIvauX1, 0).completed);
  EXPECT_EQ(at(kVa + 0x5000, kDcCvacX1, 0).iss(), 1 << 8 | 1 << 6 | 0xf);
}

TEST_F(Access, CodeThatTheGuestWritesIsExecuted) {
  rig.tables.map(kVa + 0x7000, kData + 0x7000, kDescAf | kDescInner);
  rig.tables.map(kVa + 0x8000, kData + 0x7000, kAttributes); // the same page, to write through
  // Calls the page, patches its first instruction through the alias, calls it again.
  const u64 code = kVa + 0x7000;
  rig.machine.write<u32>(kData + 0x7000, 0xd280'0025); // mov x5, #1
  rig.machine.write<u32>(kData + 0x7004, kRet);
  rig.machine.x(7) = code;
  rig.machine.x(1) = kVa + 0x8000;
  rig.machine.x(0) = u64{kRet} << 32 | 0xd280'0045;                            // mov x5, #2; ret
  const Outcome outcome = rig.execute(1, {0xd63f'00e0,                         // blr x7
                                          0xaa05'03e6,                         // mov x6, x5
                                          kStrX0X1, kDsb, kIsb, 0xd63f'00e0}); // blr x7
  ASSERT_TRUE(outcome.completed);
  EXPECT_EQ(rig.machine.x(6), 1);
  EXPECT_EQ(rig.machine.x(5), 2);
}

TEST_F(Access, CodeThatTheHostWritesIsExecutedInTheNextRun) {
  for (u32 n = 1; n < 4; ++n) {
    ASSERT_TRUE(rig.execute(1, {0xd280'0000 | n << 5}).completed); // mov x0, #n
    EXPECT_EQ(rig.machine.x(0), n);
  }
}

} // namespace
} // namespace softhv::testing
