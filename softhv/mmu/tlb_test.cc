// SPDX-License-Identifier: Apache-2.0
// What the TLB keeps and what each TLBI takes away (Arm ARM D8.13, D8.14). Every test changes a
// descriptor, sees that the old translation is still in use where the rig knows it to be cached,
// and that the invalidation under test ends that.
#include <gtest/gtest.h>

#include "arch/sysreg.h"
#include "softhv/core/shootdown.h"
#include "softhv/mmu/tlb_store.h"
#include "softhv/testing/rig.h"

namespace softhv::testing {
namespace {

using kindling::arch::sysreg;

constexpr u32 kTtbr0 = sysreg(3, 0, 2, 0, 0);
constexpr u32 kPar = sysreg(3, 0, 7, 4, 0);
constexpr u64 kVa = 0x12'3456'0000;
constexpr u64 kUser = kDescAf | kDescInner | kDescUxn | kDescPxn | kDescNonGlobal;
constexpr u64 kGlobal = kUser & ~kDescNonGlobal;

// TLBI op2 values.
constexpr u32 kVmall = 0, kVae1 = 1, kAside1 = 2, kVaae1 = 3, kVale1 = 5, kVaale1 = 7;
constexpr u32 kBlrX1 = 0xd63f'0020;
constexpr u32 kInner = 3, kLocal = 7; // CRm

class Tlb : public ::testing::TestWithParam<u32> {
protected:
  explicit Tlb(unsigned grain = 12) : rig(grain) {
    rig.machine.write<u64>(kData, 1);
    rig.machine.write<u64>(kData + 0x10'0000, 2);
  }

  void set_asid(u64 asid) { rig.set_sysreg(kTtbr0, rig.tables.root() | asid << 48); }

  // The value that EL1 reads at `va`; 0: a fault.
  u64 look(u64 va = kVa) {
    rig.machine.x(1) = va;
    return rig.execute(1, {kLdrX0X1}).completed ? rig.machine.x(0) : 0;
  }

  void tlbi(u32 crm, u32 op2, u64 va, u64 asid) {
    rig.machine.x(2) = (va >> 12 & 0xfff'ffff'ffff) | asid << 48;
    ASSERT_TRUE(rig.execute(1, {tlbi_x2(crm, op2), kDsb, kIsb}).completed);
  }

  Rig rig;
};

TEST_F(Tlb, KeepsTranslationsUntilTheyAreInvalidated) {
  rig.tables.map(kVa, kData, kGlobal);
  EXPECT_EQ(look(), 1);
  rig.tables.map(kVa, kData + 0x10'0000, kGlobal);
  EXPECT_EQ(look(), 1);
  tlbi(kLocal, kVaae1, kVa + 0x1000, 0);
  EXPECT_EQ(look(), 1);
  tlbi(kLocal, kVaae1, kVa, 0);
  EXPECT_EQ(look(), 2);
}

TEST_F(Tlb, FaultsAreNotCached) {
  for (const u32 instruction : {kLdrX0X1, kStrX0X1, kLdtrX0X1}) {
    rig.machine.x(1) = kVa;
    const Outcome fault = rig.execute(1, {instruction});
    EXPECT_FALSE(fault.completed);
    EXPECT_EQ(fault.far, kVa);
    rig.tables.map(kVa, kData, kGlobal | kDescUser);
    EXPECT_TRUE(rig.run_at(1, fault.elr).completed);
    rig.machine.write<u64>(rig.tables.slot(kVa, 3), 0);
    tlbi(kLocal, kVmall, 0, 0);
  }
}

// Code in an upper half that contexts share may be linked to by way of any of them.
TEST(TlbStoreTest, AContextThatIsForgottenPassesOnWhereThereIsCode) {
  const auto store = std::make_unique<TlbStore>();
  constexpr u64 kCode = 0xffff'8000'1234'5000;
  const auto select = [&](u16 asid) -> TlbSlot& {
    return store->select({.asid = asid, .enabled = true});
  };
  TlbStore::note_code(select(1), kCode);
  u16 asid = 1;
  while (asid <= TlbPresence::kSlots)
    select(++asid);
  const TlbSlot& last = select(asid);
  const u32 epoch = last.group->upper_code.number;
  store->invalidate({.kind = ShootdownRequest::Kind::kVaAllAsid, .va = kCode + 0x1000});
  EXPECT_EQ(last.group->upper_code.number, epoch);
  store->invalidate({.kind = ShootdownRequest::Kind::kVaAllAsid, .va = kCode});
  EXPECT_NE(last.group->upper_code.number, epoch);
}

TEST(TlbStoreTest, ATableIsMadeWhenItIsToBeFilled) {
  const auto store = std::make_unique<TlbStore>();
  TlbSlot& slot = store->select({.tcr = 1, .enabled = true});
  for (const Regime regime : {Regime::kEl0, Regime::kEl1, Regime::kEl1Pan}) {
    EXPECT_EQ(&slot.filled(regime).seen(), &kEmptyTlbTable);
    TlbTable& made = slot.filled(regime).made();
    EXPECT_EQ(&slot.filled(regime).seen(), &made);
    EXPECT_EQ(&slot.filled(regime).made(), &made);
  }
}

TEST_F(Tlb, TheFirstTranslationIsFoundOnTheFastPath) {
  rig.tables.map(kVa, kData, kUser);
  set_asid(7);
  EXPECT_EQ(rig.cpu().tlb, &kEmptyTlbTable);
  EXPECT_EQ(look(), 1);
  EXPECT_EQ(rig.cpu().tlb->entry_for(kVa).read_tag, kVa);
  EXPECT_EQ(kEmptyTlbTable.entry_for(kVa).read_tag, kTlbInvalid);
}

struct Form {
  u32 op2;
  bool by_va, by_asid;
};

TEST_F(Tlb, EachFormTakesWhatItNames) {
  constexpr Form kForms[] = {{kVmall, false, false}, {kVae1, true, true},  {kAside1, false, true},
                             {kVaae1, true, false},  {kVale1, true, true}, {kVaale1, true, false}};
  for (const u32 crm : {kInner, kLocal}) {
    for (const Form& form : kForms) {
      for (const bool right_va : {true, false}) {
        for (const bool right_asid : {true, false}) {
          set_asid(5);
          rig.tables.map(kVa, kData, kUser);
          tlbi(kLocal, kVmall, 0, 0);
          ASSERT_EQ(look(), 1);
          rig.tables.map(kVa, kData + 0x10'0000, kUser);
          ASSERT_EQ(look(), 1);
          tlbi(crm, form.op2, right_va ? kVa : kVa + 0x7000, right_asid ? 5 : 6);
          const bool gone = (right_va || !form.by_va) && (right_asid || !form.by_asid);
          EXPECT_EQ(look(), gone ? 2 : 1) << crm << ' ' << form.op2 << right_va << right_asid;
        }
      }
    }
  }
}

TEST_F(Tlb, GlobalEntriesSurviveAnAsidButNotTheirAddress) {
  set_asid(5);
  // TTBR1_EL1's half, where the kernel keeps global pages.
  const u64 va = 0xffff'0000'0000'0000 | kVa;
  rig.tables.map(va, kData, kGlobal);
  EXPECT_EQ(look(va), 1);
  rig.tables.map(va, kData + 0x10'0000, kGlobal);
  tlbi(kInner, kAside1, 0, 5);
  EXPECT_EQ(look(va), 1);
  tlbi(kInner, kVae1, va, 77); // another ASID: global entries match any
  EXPECT_EQ(look(va), 2);
}

TEST_F(Tlb, AsidsKeepTheirTranslationsApart) {
  // More of them than the vCPU has fast tables for.
  for (u64 asid = 1; asid <= 20; ++asid) {
    set_asid(asid);
    rig.machine.write<u64>(kData + asid * 0x1000, 100 + asid);
    rig.tables.map(kVa, kData + asid * 0x1000, kUser);
    tlbi(kLocal, kVae1, kVa, asid);
    ASSERT_EQ(look(), 100 + asid);
  }
  // The table has the page of ASID 20; the last ASIDs are still cached with their own.
  for (const u64 asid : {20, 19, 20, 18}) {
    set_asid(asid);
    EXPECT_EQ(look(), 100 + asid);
  }
  tlbi(kLocal, kAside1, 0, 19);
  set_asid(19);
  EXPECT_EQ(look(), 120);
  set_asid(18);
  EXPECT_EQ(look(), 118);
}

// Of the kernel's pages, which every process has.
TEST_F(Tlb, GlobalEntriesAreThereInEveryAsid) {
  const u64 va = 0xffff'0000'0000'0000 | kVa;
  const auto cached = [&] { return rig.cpu().tlb->entry_for(va).read_tag == va; };
  rig.tables.map(va, kData, kGlobal);
  for (u64 asid = 1; asid <= 20; ++asid) {
    set_asid(asid);
    EXPECT_EQ(cached(), asid > 1);
    EXPECT_EQ(look(va), 1);
  }
  rig.tables.map(va, kData + 0x10'0000, kGlobal);
  tlbi(kInner, kVae1, va, 3);
  for (u64 asid = 1; asid <= 20; ++asid) {
    set_asid(asid);
    EXPECT_EQ(look(va), 2);
  }
}

TEST_F(Tlb, OthersOfTheUpperHalfAreNot) {
  const u64 va = 0xffff'0000'0000'0000 | kVa;
  set_asid(5);
  rig.tables.map(va, kData, kUser);
  EXPECT_EQ(look(va), 1);
  set_asid(6);
  rig.tables.map(va, kData + 0x10'0000, kUser);
  EXPECT_EQ(look(va), 2);
  rig.tables.map(va, kData, kUser);
  tlbi(kInner, kAside1, 0, 5);
  EXPECT_EQ(look(va), 1) << "the TLB may forget more than it is told to, and here does";
}

TEST_F(Tlb, EntriesOfAnotherAsidAreInvalidatedBehindItsBack) {
  for (const u32 op2 : {kVae1, kAside1}) {
    set_asid(5);
    rig.tables.map(kVa, kData, kUser);
    ASSERT_EQ(look(), 1);
    set_asid(6);
    rig.tables.map(kVa, kData + 0x10'0000, kUser);
    tlbi(kLocal, op2, kVa, 5);
    set_asid(5);
    EXPECT_EQ(look(), 2);
    tlbi(kLocal, kVmall, 0, 0);
  }
}

// Contexts that differ in more than the ASID have nothing in common but what TLBI takes away.
TEST_F(Tlb, ContextsThatWereNotUsedForLongMissNoInvalidation) {
  constexpr u32 kMairEl1 = sysreg(3, 0, 10, 2, 0);
  const u64 va = 0xffff'0000'0000'0000 | kVa;
  for (const u64 others : {3, 20}) {
    rig.set_sysreg(kMairEl1, kMair);
    rig.tables.map(va, kData, kGlobal);
    tlbi(kLocal, kVmall, 0, 0);
    ASSERT_EQ(look(va), 1);
    rig.tables.map(va, kData + 0x10'0000, kGlobal);
    for (u64 other = 1; other <= others; ++other) {
      rig.set_sysreg(kMairEl1, kMair | other << 56);
      ASSERT_EQ(look(va), 2) << "in a context of its own";
    }
    tlbi(kInner, kVaae1, va, 0);
    rig.set_sysreg(kMairEl1, kMair);
    EXPECT_EQ(look(va), 2);
  }
}

TEST_F(Tlb, AnyAddressOfABlockInvalidatesAllOfIt) {
  const u64 block = 0x12'4000'0000;
  for (unsigned level = 1; level <= 2; ++level) {
    const u64 size = 1ULL << rig.tables.shift(level);
    const u64 base = block + level * 0x1'0000'0000;
    const u64 pa = kRamBase & ~(size - 1);
    rig.tables.map(base, pa, kGlobal, level);
    const u64 offset = (kData - pa) & (size - 1);
    const u64 page = level == 1 ? offset : 0x3000;
    const u64 there = pa + page;
    rig.machine.write<u64>(there, 11);
    ASSERT_EQ(look(base + page), 11);
    rig.machine.write<u64>(rig.tables.slot(base, level), 0);
    ASSERT_EQ(look(base + page), 11);
    tlbi(kInner, kVaae1, base + size - 0x1000, 0);
    EXPECT_EQ(look(base + page), 0) << level;
  }
}

// A read makes room for the writes that follow, unless they have to be noticed.
TEST_F(Tlb, PagesThatWereWrittenAreWritableWhenRead) {
  const auto writable = [&] {
    tlbi(kLocal, kVmall, 0, 0);
    EXPECT_NE(look(), 0);
    return rig.cpu().tlb->entry_for(kVa).write_tag == kVa;
  };
  rig.tables.map(kVa, kData, kGlobal);
  EXPECT_FALSE(writable()) << "not written yet";
  rig.machine.x(1) = kVa;
  ASSERT_TRUE(rig.execute(1, {kStrX0X1}).completed);
  EXPECT_TRUE(writable());
  rig.tables.map(kVa, kData, kGlobal | kDescReadOnly);
  EXPECT_FALSE(writable());
  rig.tables.map(kVa, kData, kGlobal & ~kDescPxn);
  rig.machine.write<u32>(kData, kRet);
  tlbi(kLocal, kVmall, 0, 0);
  rig.machine.x(1) = kVa;
  ASSERT_TRUE(rig.execute(1, {kBlrX1}).completed);
  EXPECT_FALSE(writable()) << "holds code";
}

TEST_F(Tlb, ReadsFaultAgainAfterPermissionsChange) {
  rig.tables.map(kVa, kData, kGlobal);
  rig.machine.x(1) = kVa;
  EXPECT_TRUE(rig.execute(1, {kStrX0X1}).completed);
  rig.tables.map(kVa, kData, kGlobal | kDescReadOnly);
  tlbi(kLocal, kVale1, kVa, 0);
  EXPECT_EQ(rig.execute(1, {kStrX0X1}).iss(), 0x4f);
  EXPECT_TRUE(rig.execute(1, {kLdrX0X1}).completed);
}

class LargePages : public Tlb {
protected:
  LargePages() : Tlb(16) {}
};

TEST_F(LargePages, AnyAddressOfA64KPageInvalidatesAllOfIt) {
  rig.tables.map(kVa, kData, kGlobal);
  rig.machine.write<u64>(kData + 0x5000, 50);
  ASSERT_EQ(look(kVa + 0x5000), 50);
  rig.tables.map(kVa, kData + 0x10'0000, kGlobal);
  rig.machine.write<u64>(kData + 0x10'5000, 51);
  ASSERT_EQ(look(kVa + 0x5000), 50);
  tlbi(kInner, kVae1, kVa + 0xf000, 0);
  EXPECT_EQ(look(kVa + 0x5000), 51);
}

TEST(TlbSmp, BroadcastReachesOtherVcpusAndTheLocalFormDoesNot) {
  Rig rig(12, 2);
  rig.tables.map(kVa, kData, kGlobal);
  rig.machine.write<u64>(kData, 1);
  rig.machine.write<u64>(kData + 0x10'0000, 2);
  const auto look = [&](unsigned cpu) {
    rig.machine.x(1, cpu) = kVa;
    EXPECT_TRUE(rig.execute(1, {kLdrX0X1}, cpu).completed);
    return rig.machine.x(0, cpu);
  };
  EXPECT_EQ(look(0), 1);
  EXPECT_EQ(look(1), 1);
  rig.tables.map(kVa, kData + 0x10'0000, kGlobal);
  rig.machine.x(2) = kVa >> 12;
  ASSERT_TRUE(rig.execute(1, {tlbi_x2(kLocal, kVaae1), kDsb, kIsb}).completed);
  EXPECT_EQ(look(0), 2);
  EXPECT_EQ(look(1), 1);
  ASSERT_TRUE(rig.execute(1, {tlbi_x2(kInner, kVaae1), kDsb, kIsb}).completed);
  EXPECT_EQ(look(1), 2);
}

TEST(TlbSmp, RequestsToAVcpuThatDoesNotRunStayFewAndTakeEffect) {
  Rig rig(12, 2);
  rig.tables.map(kVa, kData, kGlobal);
  rig.machine.write<u64>(kData, 1);
  rig.machine.write<u64>(kData + 0x10'0000, 2);
  const auto look = [&] {
    rig.machine.x(1, 1) = kVa;
    EXPECT_TRUE(rig.execute(1, {kLdrX0X1}, 1).completed);
    return rig.machine.x(0, 1);
  };
  ASSERT_EQ(look(), 1);
  rig.tables.map(kVa, kData + 0x10'0000, kGlobal);
  Cpu& self = rig.machine.cpu(0);
  for (u64 i = 0; i < 10'000; ++i)
    shootdown_post(self.vm, &self,
                   {.kind = ShootdownRequest::Kind::kVaAllAsid, .va = kVa + i * kTlbPageSize});
  EXPECT_LE(rig.machine.cpu(1).mailbox->queue.size(), 64U);
  EXPECT_EQ(look(), 2);
}

TEST_F(Tlb, AddressTranslationInstructionsFillPar) {
  const auto at = [&](u32 op2, u64 va) {
    rig.machine.x(1) = va;
    EXPECT_TRUE(rig.execute(1, {at_x1(op2), kIsb}).completed);
    return rig.get_sysreg(kPar);
  };
  constexpr u32 kS1E1R = 0, kS1E1W = 1, kS1E0R = 2, kS1E0W = 3;
  rig.tables.map(kVa, kData, kGlobal | kDescReadOnly);
  const u64 good = kData | 0xffULL << 56 | 1 << 11 | 3 << 7;
  EXPECT_EQ(at(kS1E1R, kVa + 0x123), good);
  EXPECT_EQ(at(kS1E1W, kVa), 1 << 11 | 0xf << 1 | 1);
  EXPECT_EQ(at(kS1E0R, kVa), 1 << 11 | 0xf << 1 | 1);
  EXPECT_EQ(at(kS1E1R, kVa + 0x1000), 1 << 11 | 7 << 1 | 1);
  rig.tables.map(kVa + 0x2000, kData, kGlobal | kDescUser | desc_attr(1));
  EXPECT_EQ(at(kS1E0W, kVa + 0x2000), kData | 1 << 11 | 2 << 7); // Device-nGnRnE
}

} // namespace
} // namespace softhv::testing
