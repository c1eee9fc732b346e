// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/passes.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "softhv/jit/lift.h"
#include "softhv/mmu/tlb.h"

namespace softhv::jit {
namespace {

constexpr u32 kSubsX0X0X1 = 0xeb01'0000;
constexpr u32 kAddsX2X2X3 = 0xab03'0042;
constexpr u32 kAddX4X4X5 = 0x8b05'0084;
constexpr u32 kMulX4X4X5 = 0x9b05'7c84;
constexpr u32 kCselX6 = 0x9a85'0086; // csel x6, x4, x5, eq
constexpr u32 kAdcX6 = 0x9a05'0086;  // adc x6, x4, x5
constexpr u32 kLdrX6X7 = 0xf940'00e6;
constexpr u32 kRet = 0xd65f'03c0;
constexpr u32 b_eq(int words) {
  return 0x5400'0000 | (static_cast<u32>(words) & 0x7'ffff) << 5;
}

constexpr u32 kLdpX0X1Sp16 = 0xa941'07e0;   // ldp x0, x1, [sp, #16]
constexpr u32 kStrX2Sp = 0xf900'03e2;       // str x2, [sp]
constexpr u32 kAddX29Sp32 = 0x9100'83fd;    // add x29, sp, #32
constexpr u32 kLdrX3X29 = 0xf940'07a3;      // ldr x3, [x29, #8]
constexpr u32 kLdrX3X29Far = 0xf941'07a3;   // ldr x3, [x29, #520]
constexpr u32 kLdrX7X7 = 0xf940'00e7;       // ldr x7, [x7]
constexpr u32 kLdpX29X30Post = 0xa8c2'7bfd; // ldp x29, x30, [sp], #32
constexpr u32 kIsb = 0xd503'3fdf;
constexpr u32 kNop = 0xd503'201f;

enum class Flags : u8 { kDead, kReach, kLive };

// Of the first instruction of a block of these words.
Flags flags_of_first(const std::vector<u32>& words) {
  std::vector<u8> page(kTlbPageSize);
  std::memcpy(page.data(), words.data(), words.size() * 4);
  ir::Block block = lift_block(page.data(), 0, {}, static_cast<u32>(words.size()));
  mark_flags(block);
  for (const ir::Inst& inst : block.insts)
    if (inst.index == 0 && inst.has(ir::kSetsFlags))
      return inst.has(ir::kFlagsLive)    ? Flags::kLive
             : inst.has(ir::kFlagsReach) ? Flags::kReach
                                         : Flags::kDead;
  ADD_FAILURE() << "the first instruction sets no flags";
  return Flags::kDead;
}

TEST(MarkFlags, AreLiveAtTheEndOfABlock) {
  EXPECT_EQ(flags_of_first({kSubsX0X0X1}), Flags::kLive);
  EXPECT_EQ(flags_of_first({kSubsX0X0X1, kAddX4X4X5, kRet}), Flags::kLive);
}

TEST(MarkFlags, AreDeadWhenSetAgainUnseen) {
  EXPECT_EQ(flags_of_first({kSubsX0X0X1, kAddsX2X2X3}), Flags::kDead);
  EXPECT_EQ(flags_of_first({kSubsX0X0X1, kAddX4X4X5, kMulX4X4X5, kAddsX2X2X3}), Flags::kDead);
}

TEST(MarkFlags, AreLiveWhereAnAccessMayFault) {
  EXPECT_EQ(flags_of_first({kSubsX0X0X1, kLdrX6X7, kAddsX2X2X3}), Flags::kLive);
}

TEST(MarkFlags, ReachAReaderThatFollowsAtOnce) {
  EXPECT_EQ(flags_of_first({kSubsX0X0X1, kCselX6, kAddsX2X2X3}), Flags::kReach);
  EXPECT_EQ(flags_of_first({kSubsX0X0X1, kCselX6, kCselX6, kAddsX2X2X3}), Flags::kReach);
}

TEST(MarkFlags, AreLiveForAReaderBehindWhatChangesTheHostsFlags) {
  EXPECT_EQ(flags_of_first({kSubsX0X0X1, kMulX4X4X5, kCselX6, kAddsX2X2X3}), Flags::kLive);
}

TEST(MarkFlags, AreLiveWhenTheBranchLeavesTheBlock) {
  EXPECT_EQ(flags_of_first({kSubsX0X0X1, b_eq(100), kAddsX2X2X3}), Flags::kLive);
}

TEST(MarkFlags, AreNotLiveWhenBothWaysOfABranchSetThem) {
  EXPECT_NE(flags_of_first({kSubsX0X0X1, b_eq(2), kAddX4X4X5, kAddsX2X2X3}), Flags::kLive);
  EXPECT_EQ(flags_of_first({kSubsX0X0X1, b_eq(2), kAddX4X4X5, kRet}), Flags::kLive);
}

// A way back may be interrupted.
TEST(MarkFlags, AreLiveWhenTheBranchGoesBack) {
  EXPECT_EQ(flags_of_first({kSubsX0X0X1, b_eq(-1), kAddsX2X2X3}), Flags::kLive);
}

TEST(MarkFlags, ReadersAreKnown) {
  std::vector<u8> page(kTlbPageSize);
  const std::vector<u32> words = {kAdcX6, kCselX6, b_eq(4), kAddX4X4X5, kSubsX0X0X1};
  std::memcpy(page.data(), words.data(), words.size() * 4);
  const ir::Block block = lift_block(page.data(), 0, {}, 5);
  for (const ir::Inst& inst : block.insts)
    EXPECT_EQ(reads_flags(inst), inst.index < 3) << inst.index;
}

struct Shared {
  std::vector<u8> looks; // of the loads and stores, in order
  std::vector<u16> within;
  std::vector<bool> follows;
};

ir::Block shared_block(const std::vector<u32>& words) {
  std::vector<u8> page(kTlbPageSize, 0);
  std::memcpy(page.data(), words.data(), 4 * words.size());
  ir::Block block = lift_block(page.data(), 0, Mode{}, static_cast<u32>(words.size()));
  share_looks(block);
  return block;
}

Shared accesses_of(const ir::Block& block) {
  Shared shared;
  for (const ir::Inst& inst : block.insts)
    if (inst.op >= ir::Op::kLoad && inst.op <= ir::Op::kStorePair) {
      shared.looks.push_back(inst.look);
      shared.within.push_back(inst.within);
      shared.follows.push_back(inst.has(ir::kFollows));
    }
  return shared;
}

TEST(ShareLooks, OneLookIsForAllThatIsNear) {
  const ir::Block block = shared_block({kLdpX0X1Sp16, kStrX2Sp, kLdrX3X29, kRet});
  ASSERT_EQ(block.looks.size(), 1U);
  EXPECT_EQ(block.looks[0].low, 0);
  EXPECT_EQ(block.looks[0].bytes, 32);
  EXPECT_TRUE(block.looks[0].reads);
  EXPECT_TRUE(block.looks[0].writes);
  const Shared shared = accesses_of(block);
  EXPECT_EQ(shared.looks, (std::vector<u8>{1, 1, 0}));
  EXPECT_EQ(shared.within, (std::vector<u16>{16, 0, 0}));
  EXPECT_EQ(shared.follows, (std::vector<bool>{false, true, false}));
}

TEST(ShareLooks, SumsOfOneRegisterAreFollowed) {
  const ir::Block block = shared_block({kAddX29Sp32, kLdrX3X29, kLdpX29X30Post, kStrX2Sp, kRet});
  ASSERT_EQ(block.looks.size(), 1U);
  EXPECT_EQ(block.looks[0].low, -32) << "from x29, the register of the first access";
  EXPECT_EQ(block.looks[0].bytes, 48);
  EXPECT_EQ(accesses_of(block).within, (std::vector<u16>{40, 0, 32}));
}

TEST(ShareLooks, AccessesFarFromEachOtherLookForThemselves) {
  const ir::Block block = shared_block({kLdrX3X29, kLdrX3X29Far, kRet});
  EXPECT_EQ(accesses_of(block).looks, (std::vector<u8>{0, 0}));
}

TEST(ShareLooks, ARegisterThatIsLoadedHasAnotherValue) {
  const ir::Block block = shared_block({kLdrX7X7, kLdrX6X7, kRet});
  EXPECT_EQ(accesses_of(block).looks, (std::vector<u8>{0, 0}));
}

TEST(ShareLooks, EndAtTargetsOfBranchesAndWhereTheTlbMayChange) {
  const ir::Block entered = shared_block({kStrX2Sp, kLdpX0X1Sp16, b_eq(-1), kRet});
  EXPECT_EQ(accesses_of(entered).looks, (std::vector<u8>{0, 0}));
  const ir::Block nothing = shared_block({b_eq(2), kStrX2Sp, kNop, kLdpX0X1Sp16, kRet});
  EXPECT_EQ(accesses_of(nothing).looks, (std::vector<u8>{0, 0})) << "at a NOP";
  const ir::Block left = shared_block({kStrX2Sp, b_eq(8), kLdpX0X1Sp16, kRet});
  EXPECT_EQ(accesses_of(left).looks, (std::vector<u8>{1, 1}));
  const ir::Block changed = shared_block({kStrX2Sp, kIsb, kLdpX0X1Sp16, kRet});
  EXPECT_EQ(accesses_of(changed).looks, (std::vector<u8>{0, 0}));
}

TEST(ShareLooks, CanBeUndone) {
  const ir::Block block = shared_block({kLdpX0X1Sp16, kStrX2Sp, kRet});
  const Shared shared = accesses_of(without_looks(block));
  EXPECT_EQ(shared.looks, (std::vector<u8>{0, 0}));
  EXPECT_EQ(shared.follows, (std::vector<bool>{false, false}));
}

constexpr u32 kLdrX3X0Post8 = 0xf840'8403; // ldr x3, [x0], #8
constexpr u32 kLdrX3X0X1 = 0xf861'6803;    // ldr x3, [x0, x1]
constexpr u32 kStrX3X2Post8 = 0xf800'8443; // str x3, [x2], #8
constexpr u32 kAddX1X1X3 = 0x8b03'0021;    // add x1, x1, x3
constexpr u32 kAddX1X1Page = 0x9140'0421;  // add x1, x1, #4096
constexpr u32 kSubsX5X5 = 0xf100'04a5;     // subs x5, x5, #1

// Which accesses of the block remember what they found.
std::vector<bool> windows_in(const std::vector<u32>& words) {
  ir::Block block = shared_block(words);
  open_windows(block);
  std::vector<bool> windows;
  for (const ir::Inst& inst : block.insts)
    if (inst.op >= ir::Op::kLoad && inst.op <= ir::Op::kStorePair)
      windows.push_back(inst.look != 0 && block.looks[inst.look - 1U].window != 0);
  return windows;
}

TEST(OpenWindows, ForAddressesThatMoveByStepsInALoop) {
  EXPECT_EQ(windows_in({kLdrX3X0Post8, kStrX3X2Post8, kSubsX5X5, b_eq(-3), kRet}),
            (std::vector<bool>{true, true}));
  EXPECT_EQ(windows_in({kLdrX3X0X1, kSubsX5X5, b_eq(-2), kRet}), (std::vector<bool>{true}));
}

// An index that is extended and moved from another register in each round.
TEST(OpenWindows, ForAddressesThatFollowSteps) {
  constexpr u32 kSxtwX1W2 = 0x9340'7c41;    // sxtw x1, w2
  constexpr u32 kSubX1X1X4 = 0xcb04'0021;   // sub x1, x1, x4
  constexpr u32 kLslX1X1 = 0xd37d'f021;     // lsl x1, x1, #3
  constexpr u32 kAddW2W2 = 0x1100'0442;     // add w2, w2, #1
  constexpr u32 kAddW2W2Page = 0x1140'0442; // add w2, w2, #4096
  EXPECT_EQ(windows_in(
                {kSxtwX1W2, kSubX1X1X4, kLslX1X1, kLdrX3X0X1, kAddW2W2, kSubsX5X5, b_eq(-6), kRet}),
            (std::vector<bool>{true}));
  EXPECT_EQ(windows_in({kSxtwX1W2, kLdrX3X0X1, kAddW2W2Page, kSubsX5X5, b_eq(-4), kRet}),
            (std::vector<bool>{false}));
}

TEST(OpenWindows, NotOutsideOfLoops) {
  EXPECT_EQ(windows_in({kLdrX3X0Post8, kStrX3X2Post8, kSubsX5X5, b_eq(-1), kRet}),
            (std::vector<bool>{false, false}));
}

TEST(OpenWindows, NotForAddressesThatJump) {
  EXPECT_EQ(windows_in({kLdrX3X0X1, kAddX1X1X3, kSubsX5X5, b_eq(-3), kRet}),
            (std::vector<bool>{false}));
  EXPECT_EQ(windows_in({kLdrX3X0X1, kAddX1X1Page, kSubsX5X5, b_eq(-3), kRet}),
            (std::vector<bool>{false}));
  EXPECT_EQ(windows_in({kLdrX7X7, kSubsX5X5, b_eq(-2), kRet}), (std::vector<bool>{false}));
}

TEST(OpenWindows, NotWhereTheTlbMayChange) {
  EXPECT_EQ(windows_in({kLdrX3X0Post8, kIsb, kSubsX5X5, b_eq(-3), kRet}),
            (std::vector<bool>{false}));
}

} // namespace
} // namespace softhv::jit
