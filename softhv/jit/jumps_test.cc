// SPDX-License-Identifier: Apache-2.0
// Jumps between pages and predicted returns: linked for speed, and right when what they were linked
// for is gone.
#include <gtest/gtest.h>

#include "softhv/gic/cpu_interface.h"
#include "softhv/gic/gic.h"
#include "softhv/testing/rig.h"

namespace softhv::jit {
namespace {

using testing::hvc;
using testing::kData;
using testing::kDescAf;
using testing::kDescInner;
using testing::kDsb;
using testing::kIsb;
using testing::kRet;
using testing::Outcome;
using testing::Rig;
using testing::svc;
using testing::tlbi_x2;

constexpr u64 kPage = kTlbPageSize;
constexpr u64 kUpper = 0xffff'0000'0000'0000; // of the addresses that code at EL1 is linked at
constexpr u64 kCaller = kUpper | 0x1000'0000;
constexpr u64 kCallee = kCaller + kPage;
constexpr u64 kDescUser = 1 << 6;

constexpr u32 kSubX5 = 0xd100'04a5;    // sub x5, x5, #1
constexpr u32 kMovX9X30 = 0xaa1e'03e9; // mov x9, x30
constexpr u32 kStrX4X3 = 0xf900'0064;  // str x4, [x3]
constexpr u32 kTlbiVaae1 = tlbi_x2(7, 3);
constexpr u32 add_x0(u32 imm) {
  return 0x9100'0000 | imm << 10;
}
constexpr u32 bl(i64 bytes) {
  return 0x9400'0000 | (static_cast<u32>(bytes / 4) & 0x3ff'ffff);
}
constexpr u32 b(i64 bytes) {
  return 0x1400'0000 | (static_cast<u32>(bytes / 4) & 0x3ff'ffff);
}
constexpr u32 cbnz_x5(i64 words) {
  return 0xb500'0005 | (static_cast<u32>(words) & 0x7'ffff) << 5;
}

class JitJumps : public ::testing::Test {
protected:
  JitJumps() : rig({.engine = softhv::Engine::kJit}) {
    map(kCaller, 0);
    map(kCallee, 1);
  }

  void map(u64 va, u64 frame, u64 more = 0) {
    rig.tables.map(va, address(frame), kAttributes | more);
  }
  // What MMU and TLB see of a page's frame when the guest writes `descriptor(frame)` to
  // rig.tables.slot(va, 3), which is mapped.
  static u64 address(u64 frame) { return kData + frame * kPage; }
  static u64 descriptor(u64 frame) { return address(frame) | kAttributes | 3; }
  void map_slot(u64 va) {
    const u64 slot = rig.tables.slot(va, 3);
    rig.tables.map(slot, slot, kAttributes);
    rig.cpu().s.x[3] = slot;
    rig.cpu().s.x[2] = va >> 12 & 0xfff'ffff'ffff; // TLBI's operand
  }

  void write(u64 frame, std::initializer_list<u32> words, u64 offset = 0) {
    for (const u32 word : words) {
      rig.machine.write(address(frame) + offset, word);
      offset += 4;
    }
  }
  u64 linked() { return rig.cpu().statistics.jumps_linked.get(); }
  u64& x(unsigned n) { return rig.cpu().s.x[n]; }

  static constexpr u64 kAttributes = kDescAf | kDescInner;
  Rig rig;
};

TEST_F(JitJumps, CallsBetweenPagesAreLinked) {
  write(0, {bl(kPage), kSubX5, cbnz_x5(-2), hvc(0x200)});
  write(1, {add_x0(1), kRet});
  x(5) = 100;
  EXPECT_TRUE(rig.run_at(1, kCaller).completed);
  EXPECT_EQ(x(0), 100U);
  EXPECT_EQ(linked(), 1U);
}

TEST_F(JitJumps, CodeOfEl0IsLinkedInTheLowerHalf) {
  constexpr u64 kLow = 0x1000'0000;
  map(kLow, 0, kDescUser);
  map(kLow + kPage, 1, kDescUser);
  write(0, {b(kPage), svc(0x200)});
  write(1, {add_x0(1), kSubX5, cbnz_x5(-1026), b(-static_cast<i64>(kPage) - 8)});
  x(5) = 40;
  EXPECT_TRUE(rig.run_at(0, kLow).completed);
  EXPECT_EQ(x(0), 40U);
  EXPECT_GE(linked(), 2U);
}

TEST_F(JitJumps, ALinkedPageMayBeMappedToAnotherFrame) {
  map_slot(kCallee);
  x(4) = descriptor(2);
  write(0, {bl(kPage), kSubX5, cbnz_x5(-2), kStrX4X3, kDsb, kTlbiVaae1, kDsb, kIsb,
            bl(static_cast<i64>(kPage) - 32), hvc(0x200)});
  write(1, {add_x0(1), kRet});
  write(2, {add_x0(1000), kRet});
  x(5) = 100;
  EXPECT_TRUE(rig.run_at(1, kCaller).completed);
  EXPECT_EQ(x(0), 1100U);
}

// What is linked for one ASID is not for the others, unless it is global.
TEST_F(JitJumps, ALinkedPageMayBeAnotherOneInAnotherAsid) {
  constexpr u32 kMsrTtbr0X6 = 0xd518'2006;
  constexpr u32 kMovX5One = 0xd280'0025;
  constexpr u32 kMovX7Zero = 0xd280'0007;
  constexpr u32 kCbzX7Forward8 = 0xb400'0107;
  map(kCallee, 1, testing::kDescNonGlobal);
  map_slot(kCallee);
  x(4) = descriptor(2) | testing::kDescNonGlobal;
  x(6) = rig.tables.root() | 6ULL << 48;
  x(7) = 1;
  write(0, {bl(kPage), kSubX5, cbnz_x5(-2), kCbzX7Forward8, kStrX4X3, kDsb, kMsrTtbr0X6, kIsb,
            kMovX7Zero, kMovX5One, b(-40), hvc(0x200)});
  write(1, {add_x0(1), kRet});
  write(2, {add_x0(1000), kRet});
  x(5) = 100;
  EXPECT_TRUE(rig.run_at(1, kCaller).completed);
  EXPECT_EQ(x(0), 1100U);
  EXPECT_EQ(linked(), 1U);
}

TEST_F(JitJumps, TheJumpingPageMayMove) {
  write(0, {bl(kPage), kSubX5, cbnz_x5(-2), hvc(0x200)});
  write(1, {add_x0(1), kRet});
  write(3, {add_x0(1000), kRet});
  x(5) = 10;
  EXPECT_TRUE(rig.run_at(1, kCaller).completed);
  // The same code at another address, from where the call leads to another page.
  constexpr u64 kAlias = kCaller + 16 * kPage;
  map(kAlias, 0);
  map(kAlias + kPage, 3);
  x(5) = 10;
  EXPECT_TRUE(rig.run_at(1, kAlias).completed);
  EXPECT_EQ(x(0), 10'010U);
  x(5) = 10;
  EXPECT_TRUE(rig.run_at(1, kCaller).completed);
  EXPECT_EQ(x(0), 10'020U);
}

TEST_F(JitJumps, ALinkedPageMayBeRewritten) {
  map(kCaller + 8 * kPage, 1); // where it is written
  x(6) = kCaller + 8 * kPage;
  x(7) = add_x0(50);
  write(0, {bl(kPage), kSubX5, cbnz_x5(-2), 0xb900'00c7 /* str w7, [x6] */, kDsb, kIsb,
            bl(static_cast<i64>(kPage) - 24), hvc(0x200)});
  write(1, {add_x0(1), kRet});
  x(5) = 100;
  EXPECT_TRUE(rig.run_at(1, kCaller).completed);
  EXPECT_EQ(x(0), 150U);
}

TEST_F(JitJumps, AReturnGoesToWhatIsThereNow) {
  map_slot(kCaller);
  x(4) = descriptor(2);
  write(0, {bl(kPage), add_x0(1), hvc(0x200)});
  write(1, {kStrX4X3, kDsb, kTlbiVaae1, kDsb, kIsb, kRet});
  write(2, {bl(kPage), add_x0(1000), hvc(0x200)});
  EXPECT_TRUE(rig.run_at(1, kCaller).completed);
  EXPECT_EQ(x(0), 1000U);
}

TEST_F(JitJumps, AReturnGoesWhereTheRegisterSays) {
  write(0, {bl(kPage), add_x0(1), hvc(0x200), add_x0(7), hvc(0x200)});
  write(1, {0x9100'23de /* add x30, x30, #8 */, kRet});
  EXPECT_TRUE(rig.run_at(1, kCaller).completed);
  EXPECT_EQ(x(0), 7U);
}

TEST_F(JitJumps, AReturnToNowhereFaults) {
  write(0, {0x9280'001e /* mov x30, #-1 */, kRet});
  const Outcome outcome = rig.run_at(1, kCaller);
  EXPECT_FALSE(outcome.completed);
  EXPECT_EQ(outcome.ec(), 0x22U) << "PC alignment fault";
  EXPECT_EQ(outcome.far, ~0ULL);
}

// Deeper than returns are predicted: a procedure that calls itself, its return addresses on its
// own stack.
TEST_F(JitJumps, CallsMayNestDeeply) {
  for (u64 page = 0; page < 64; ++page)
    rig.tables.map(kUpper | (0x2000'0000 + page * kPage), address(16 + page), kAttributes);
  x(6) = kUpper | 0x2000'0000; // a stack that grows upward
  write(0, {bl(kPage), hvc(0x200)});
  write(1, {0xf800'84de /* str x30, [x6], #8 */, add_x0(1), kSubX5, 0xb400'0045 /* cbz x5, .+8 */,
            bl(-16), 0xf85f'8cde /* ldr x30, [x6, #-8]! */, kRet});
  x(5) = 20'000;
  EXPECT_TRUE(rig.run_at(1, kCaller).completed);
  EXPECT_EQ(x(0), 20'000U);
  EXPECT_EQ(x(6), kUpper | 0x2000'0000);
}

// A look over a page's end fails, and the block is left for code that shares none, with an
// interrupt that is masked to be looked at on the way. The jump must lead to that code from then
// on: linked to the ordinary code of the same place it would lead to one more block that fails.
TEST_F(JitJumps, AJumpIsLinkedToTheKindOfCodeItAskedFor) {
  constexpr u64 kGicd = 0x3000'0000;
  constexpr u32 kSpi = 40;
  Vm& vm = rig.machine.vm();
  Cpu& cpu = rig.cpu();
  vm.gic = std::make_unique<gic::Gic>(
      vm, gic::Config{.distributor_base = kGicd, .redistributor_base = 0x3800'0000});
  cpu.gic = std::make_unique<gic::CpuInterface>(*vm.gic, cpu, 0);
  ASSERT_TRUE(vm.internal_write(cpu, kGicd, 4, gic::kCtlrEnableGroup1));
  ASSERT_TRUE(vm.internal_write(cpu, kGicd + 0x104, 4, 1U << (kSpi - 32))); // GICD_ISENABLER1
  ASSERT_TRUE(cpu.gic->write(gic::kIccPmrEl1, 0xf0));
  ASSERT_TRUE(cpu.gic->write(gic::kIccIgrpen1El1, 1));
  rig.tables.map(kGicd, kGicd, kDescAf | testing::desc_attr(1));
  map(kCaller + 8 * kPage, 8);
  map(kCaller + 9 * kPage, 9);
  write(0, {0xb900'00c7 /* str w7, [x6] */, 0xf85f'812a /* ldur x10, [x9, #-8] */,
            0xf940'012b /* ldr x11, [x9] */, hvc(0x200)});
  x(6) = kGicd + 0x40; // GICD_SETSPI_NSR
  x(7) = kSpi;
  x(9) = kCaller + 9 * kPage;
  EXPECT_TRUE(rig.run_at(1, kCaller).completed);
  EXPECT_NE(cpu.interrupt_lines.load(), 0U);
  EXPECT_EQ(cpu.statistics.blocks_translated.get(), 2U);
}

// Entries of the return stack that nothing returns to.
TEST_F(JitJumps, CallsNeedNotReturn) {
  write(0, {kMovX9X30, bl(8), hvc(1), kSubX5, cbnz_x5(-3), hvc(0x200)});
  x(5) = 5000;
  EXPECT_TRUE(rig.run_at(1, kCaller).completed);
}

} // namespace
} // namespace softhv::jit
