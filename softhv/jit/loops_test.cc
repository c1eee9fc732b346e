// SPDX-License-Identifier: Apache-2.0
// Hot loops: how they are found, the registers and looks of their own, and that they end as they do
// in the interpreter.
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "softhv/jit/lift.h"
#include "softhv/jit/own_registers.h"
#include "softhv/jit/passes.h"
#include "softhv/jit/register_use.h"
#include "softhv/mmu/tlb.h"
#include "softhv/testing/rig.h"

namespace softhv::jit {
namespace {

using testing::kData;
using testing::kDescAf;
using testing::kDescInner;
using testing::kDescReadOnly;
using testing::kNop;
using testing::kRet;
using testing::Outcome;
using testing::Rig;

constexpr u32 kAddX10X10X11 = 0x8b0b'014a;
constexpr u32 kAddX12X12X10 = 0x8b0a'018c;
constexpr u32 kSubX9 = 0xd100'0529;        // sub x9, x9, #1
constexpr u32 kAndX13X12Ff = 0x9240'1d8d;  // and x13, x12, #0xff
constexpr u32 kLdrW14X8X13 = 0xb86d'790e;  // ldr w14, [x8, x13, lsl #2]
constexpr u32 kLdrbW14X8X13 = 0x386d'690e; // ldrb w14, [x8, x13]
constexpr u32 kAddX10X10X14 = 0x8b0e'014a;
constexpr u32 kLdrX11X8 = 0xf940'050b;     // ldr x11, [x8, #8]
constexpr u32 kStrX10X8 = 0xf900'090a;     // str x10, [x8, #16]
constexpr u32 kLdrX11X7Post = 0xf840'84eb; // ldr x11, [x7], #8
constexpr u32 kIsb = 0xd503'3fdf;
constexpr u32 cbnz_x9(int words) {
  return 0xb500'0009 | (static_cast<u32>(words) & 0x7'ffff) << 5;
}
constexpr u32 cbz_x14(int words) {
  return 0xb400'000e | (static_cast<u32>(words) & 0x7'ffff) << 5;
}
constexpr u32 b(int words) {
  return 0x1400'0000 | (static_cast<u32>(words) & 0x3ff'ffff);
}

std::vector<u8> page_of(const std::vector<u32>& words) {
  std::vector<u8> page(kTlbPageSize);
  for (u32 at = 0; at < kTlbPageSize; at += 4)
    std::memcpy(&page[at], &kNop, 4);
  std::memcpy(page.data(), words.data(), 4 * words.size());
  return page;
}

// The loop that begins with the first of the words; of none the length is 0.
ir::Block loop_of(const std::vector<u32>& words) {
  ir::Block block;
  if (!lift_loop(block, page_of(words).data(), 0, Mode{}))
    block = {};
  return block;
}

TEST(LiftLoop, EndsWithTheLastBranchBackIntoIt) {
  EXPECT_EQ(loop_of({kSubX9, cbnz_x9(-1), kNop, kRet}).words.size(), 2U);
  EXPECT_EQ(loop_of({kSubX9, cbnz_x9(-1), kNop, cbz_x14(-2), kRet}).words.size(), 4U);
  EXPECT_EQ(loop_of({kSubX9, cbnz_x9(-1), kNop, cbz_x14(-1), kRet}).words.size(), 2U)
      << "another loop follows";
}

TEST(LiftLoop, GoesOnBehindWhatBranchesLeadAround) {
  const ir::Block block =
      loop_of({cbz_x14(3), kAddX10X10X11, b(2), kAddX12X12X10, kSubX9, cbnz_x9(-5), kRet});
  EXPECT_EQ(block.words.size(), 6U);
  EXPECT_TRUE(block.falls_through);
  EXPECT_EQ(loop_of({cbz_x14(2), kRet, kSubX9, b(-3)}).words.size(), 4U);
  EXPECT_FALSE(loop_of({cbz_x14(2), kRet, kSubX9, b(-3)}).falls_through);
}

TEST(LiftLoop, MayBeginWithWhatDoesNothing) {
  const ir::Block block = loop_of({kNop, kSubX9, cbnz_x9(-2), kRet});
  EXPECT_EQ(block.words.size(), 3U);
  EXPECT_EQ(block.insts.size(), 2U);
}

TEST(LiftLoop, KnowsWhatIsNone) {
  EXPECT_TRUE(loop_of({kSubX9, kRet}).words.empty());
  EXPECT_TRUE(loop_of({kSubX9, cbnz_x9(-2), kRet}).words.empty()) << "before the page";
  EXPECT_TRUE(loop_of({kSubX9, kRet, cbnz_x9(-2)}).words.empty()) << "never reached";
}

TEST(RegisterUse, OfOperationsOfSeveralRegisters) {
  const auto use = [](u32 word) {
    return use_of(lift_block(page_of({word}).data(), 0, Mode{}, 1).insts[0]);
  };
  const RegisterUse pair = use(0xa940'07e2); // ldp x2, x1, [sp]
  EXPECT_EQ(pair.reads.general, 1U << 31);
  EXPECT_EQ(pair.writes.general, 0b110U);
  EXPECT_EQ(use(0xa900'07e2).reads.general, 1U << 31 | 0b110U); // stp x2, x1, [sp]
  const RegisterUse insert = use(0xb340'1c41);                  // bfi x1, x2, #0, #8
  EXPECT_EQ(insert.reads.general, 0b110U);
  EXPECT_EQ(insert.writes.general, 0b010U);
  const RegisterUse swap = use(0xc8e1'fc62); // casal x1, x2, [x3]
  EXPECT_EQ(swap.reads.general, 0b1110U);
  EXPECT_EQ(swap.writes.general, 0b010U);
  const RegisterUse exclusive = use(0xc87f'0861); // ldxp x1, x2, [x3]
  EXPECT_EQ(exclusive.reads.general, 0b1000U);
  EXPECT_EQ(exclusive.writes.general, 0b0110U);
  const RegisterUse status = use(0xc824'0861); // stxp w4, x1, x2, [x3]
  EXPECT_EQ(status.reads.general, 0b1110U);
  EXPECT_EQ(status.writes.general, 1U << 4);
  EXPECT_EQ(use(0xf800'0861 /* sttr x1, [x3] */).reads.general, 0b1010U);
  EXPECT_EQ(use(0xf800'0861).writes.general, 0U);
  const RegisterUse fused = use(0x4e62'cc20); // fmla v0.2d, v1.2d, v2.2d
  EXPECT_EQ(fused.reads.vector, 0b111U);
  EXPECT_EQ(fused.writes.vector, 0b001U);
  EXPECT_EQ(use(0x4ea0'1c20 /* mov v0.16b, v1.16b */).reads.general, 0U);
  const RegisterUse several = use(0x4cdf'a020); // ld1 {v0.16b, v1.16b}, [x1], #32
  EXPECT_EQ(several.writes.vector, 0b11U);
}

TEST(OwnRegisters, AreThoseThatTheLoopUsesMost) {
  const ir::Block block = loop_of({kAddX10X10X11, kAddX12X12X10, kSubX9, cbnz_x9(-3)});
  const OwnRegisters own = choose_registers(block, false);
  for (const ir::Reg r : {9, 10, 12})
    EXPECT_GE(own.map.general[r], 0) << int{r};
  EXPECT_EQ(own.map.general[11], RegisterMap::kInMemory) << "once in a round is not worth it";
  ASSERT_EQ(own.general.size(), 3U);
  EXPECT_TRUE(own.vector.empty());
  for (const Exchange& e : own.general) {
    EXPECT_TRUE(e.written);
    EXPECT_EQ(e.host, kRegisterMap.general[e.usual]);
    EXPECT_EQ(e.host, own.map.general[e.own]);
    EXPECT_EQ(own.map.general[e.usual], RegisterMap::kInMemory);
  }
}

TEST(OwnRegisters, LeaveUsualOnesThatAreUsedAsMuch) {
  // add x0, x0, x1; sub x5, x5, #1; cbnz x5
  EXPECT_TRUE(choose_registers(loop_of({0x8b01'0000, 0xd100'04a5, 0xb5ff'ffc5}), true).empty());
}

// Of the loop's loads and stores, which were looked for before it.
std::vector<bool> hoisted_in(const std::vector<u32>& words) {
  ir::Block block = loop_of(words);
  hoist_looks(block);
  std::vector<bool> result;
  for (const ir::Inst& inst : block.insts)
    if (inst.op >= ir::Op::kLoad && inst.op <= ir::Op::kStorePair)
      result.push_back(inst.look != 0 && block.looks[inst.look - 1U].hoisted);
  return result;
}

TEST(HoistLooks, OfAddressesThatDoNotChange) {
  ir::Block block = loop_of({kLdrX11X8, kStrX10X8, kSubX9, cbnz_x9(-3)});
  hoist_looks(block);
  ASSERT_EQ(block.looks.size(), 1U);
  const ir::Look& look = block.looks[0];
  EXPECT_EQ(look.base, 8);
  EXPECT_EQ(look.low, 8);
  EXPECT_EQ(look.bytes, 16);
  EXPECT_TRUE(look.reads && look.writes);
  EXPECT_EQ(block.insts[0].within, 0);
  EXPECT_EQ(block.insts[1].within, 8);
}

TEST(HoistLooks, OfIndicesWithABound) {
  ir::Block block = loop_of({kAndX13X12Ff, kLdrW14X8X13, kSubX9, cbnz_x9(-3)});
  hoist_looks(block);
  ASSERT_EQ(block.looks.size(), 1U);
  EXPECT_EQ(block.looks[0].bytes, 1024);
  EXPECT_EQ(hoisted_in({kLdrW14X8X13, kAndX13X12Ff, kSubX9, cbnz_x9(-3)}),
            (std::vector<bool>{false}))
      << "not yet in the first round";
  EXPECT_EQ(hoisted_in({cbz_x14(2), kAndX13X12Ff, kLdrW14X8X13, kSubX9, cbnz_x9(-4)}),
            (std::vector<bool>{false}))
      << "not on the way around";
}

TEST(HoistLooks, NotOfIndicesWithABoundThatIsTooLarge) {
  for (const u32 mask : {
           0x9240'2d8d, // and x13, x12, #0xfff
           0x9240'798d, // and x13, x12, #0x7fff'ffff
           0x9240'f98d, // and x13, x12, #0x7fff'ffff'ffff'ffff
           0x9241'018d, // and x13, x12, #0x8000'0000'0000'0000
       })
    EXPECT_EQ(hoisted_in({mask, kLdrbW14X8X13, kLdrW14X8X13, kSubX9, cbnz_x9(-4)}),
              (std::vector<bool>{false, false}))
        << mask;
}

TEST(HoistLooks, NotWhereTheAddressOrTheTlbMayChange) {
  EXPECT_EQ(hoisted_in({kLdrX11X7Post, kLdrX11X8, kSubX9, cbnz_x9(-3)}),
            (std::vector<bool>{false, true}));
  EXPECT_EQ(hoisted_in({kLdrX11X8, kIsb, kSubX9, cbnz_x9(-3)}), (std::vector<bool>{false}));
}

// Loops are improved after so many rounds.
EngineOptions options(u32 rounds) {
  return {.engine = softhv::Engine::kJit, .rounds_to_improve = rounds};
}

TEST(HotLoops, ComputeWhatTheyDidBefore) {
  for (const u32 rounds : {1U, 7U, 1000U}) {
    Rig rig(options(rounds));
    rig.tables.map(kData, kData, kDescAf | kDescInner);
    for (u32 i = 0; i < 256; ++i)
      rig.machine.write(kData + 4 * i, i * 3);
    u64* x = rig.cpu().s.x;
    x[8] = kData;
    x[9] = 100;
    x[10] = x[11] = 1;
    x[12] = 0;
    ASSERT_TRUE(rig.execute(1, {kAndX13X12Ff, kLdrW14X8X13, kAddX10X10X14, kAddX10X10X11,
                                kAddX12X12X10, kSubX9, cbnz_x9(-6)})
                    .completed);
    u64 x10 = 1;
    u64 x12 = 0;
    for (int i = 0; i < 100; ++i) {
      x10 += (x12 & 0xff) * 3 + 1;
      x12 += x10;
    }
    EXPECT_EQ(rig.machine.x(10), x10) << rounds;
    EXPECT_EQ(rig.machine.x(12), x12) << rounds;
    EXPECT_EQ(rig.machine.x(9), 0U);
  }
}

TEST(HotLoops, AreCounted) {
  const auto counted = [](std::initializer_list<u32> words, u64 x8) {
    Rig rig(options(1));
    rig.tables.map(kData, kData, kDescAf | kDescInner);
    rig.tables.map(kData + kTlbPageSize, kData + kTlbPageSize, kDescAf | kDescInner);
    rig.cpu().s.x[8] = x8;
    rig.cpu().s.x[9] = 20;
    EXPECT_TRUE(rig.execute(1, words).completed);
    const EngineStatistics& s = rig.cpu().statistics;
    return std::vector<u64>{s.loops_improved.get(), s.loops_with_own_registers.get(),
                            s.loops_with_hoisted_looks.get()};
  };
  const std::initializer_list<u32> hoisting = {kLdrX11X8, kAddX10X10X11, kSubX9, cbnz_x9(-3)};
  EXPECT_EQ(counted({kAddX10X10X11, kAddX12X12X10, kSubX9, cbnz_x9(-3)}, kData),
            (std::vector<u64>{1, 1, 0}));
  EXPECT_EQ(counted(hoisting, kData), (std::vector<u64>{1, 1, 1}));
  EXPECT_EQ(counted(hoisting, kData + kTlbPageSize - 12), (std::vector<u64>{1, 1, 1}))
      << "once, though the look fails";
  EXPECT_EQ(counted({kAddX10X10X11, kSubX9}, kData), (std::vector<u64>{0, 0, 0})) << "no loop";
}

// The look before the loop fails for a table that no page holds; an access that faults does so in
// its own round, with all registers as they are there.
TEST(HotLoops, FaultWhereTheAccessIs) {
  for (const bool writable : {true, false}) {
    Rig rig(options(1));
    constexpr u64 kTable = kData + kTlbPageSize - 16;
    rig.tables.map(kData, kData, kDescAf | kDescInner);
    rig.tables.map(kData + kTlbPageSize, kData + kTlbPageSize,
                   kDescAf | kDescInner | (writable ? 0 : kDescReadOnly));
    u64* x = rig.cpu().s.x;
    x[8] = kTable;
    x[9] = 50;
    x[10] = 5;
    x[11] = 0;
    // str x10, [x8, #16] is in the second page, ldr x11, [x8, #8] in the first
    const Outcome outcome =
        rig.execute(1, {kLdrX11X8, kAddX10X10X11, kSubX9, kStrX10X8, cbnz_x9(-4)});
    EXPECT_EQ(outcome.completed, writable);
    EXPECT_EQ(rig.machine.x(9), writable ? 0U : 49U);
    if (!writable) {
      EXPECT_EQ(outcome.far, kTable + 16);
    }
  }
}

// LDXP writes two registers, of which the loop may do nothing else but read the second.
TEST(HotLoops, KeepWhatExclusivesLoad) {
  constexpr u32 kLdxpX10X11X8 = 0xc87f'2d0a;
  constexpr u32 kAddX12X12X11 = 0x8b0b'018c;
  constexpr u32 kAddX8X8Pair = 0x9100'4108; // add x8, x8, #16
  constexpr u64 kRounds = 20;
  Rig rig(options(1));
  rig.tables.map(kData, kData, kDescAf | kDescInner);
  u64 sum = 0;
  for (u64 i = 0; i < kRounds; ++i) {
    rig.machine.write<u64>(kData + 16 * i, i);
    rig.machine.write<u64>(kData + 16 * i + 8, 100 + i);
    sum += 2 * (100 + i);
  }
  u64* x = rig.cpu().s.x;
  x[8] = kData;
  x[9] = kRounds;
  x[10] = x[11] = x[12] = 0;
  ASSERT_TRUE(rig.execute(1, {kLdxpX10X11X8, kAddX12X12X11, kAddX12X12X11, kAddX8X8Pair, kSubX9,
                              cbnz_x9(-5)})
                  .completed);
  EXPECT_EQ(rig.machine.x(12), sum);
  EXPECT_EQ(rig.machine.x(11), 100 + kRounds - 1);
  EXPECT_EQ(rig.machine.x(10), kRounds - 1);
}

// Every way out gives back what the loop has taken: an exception, the run loop, the end.
TEST(HotLoops, KeepTheRegistersThatTheyTakeThePlacesOf) {
  Rig rig(options(1));
  rig.tables.map(kData, kData, kDescAf | kDescInner);
  u64* x = rig.cpu().s.x;
  for (const unsigned r : {0, 1, 2, 3, 4, 5, 19, 20, 21})
    x[r] = 1000 + r;
  x[7] = kData; // runs into what is not mapped
  x[9] = 10'000;
  x[10] = x[11] = x[12] = 0;
  const Outcome outcome =
      rig.execute(1, {kLdrX11X7Post, kAddX10X10X11, kAddX12X12X10, kSubX9, cbnz_x9(-4)});
  EXPECT_FALSE(outcome.completed);
  EXPECT_EQ(outcome.far, kData + kTlbPageSize);
  EXPECT_EQ(rig.machine.x(9), 10'000 - kTlbPageSize / 8);
  for (const unsigned r : {0U, 1U, 2U, 3U, 4U, 5U, 19U, 20U, 21U})
    EXPECT_EQ(rig.machine.x(r), 1000 + r);
}

} // namespace
} // namespace softhv::jit
