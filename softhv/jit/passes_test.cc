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

} // namespace
} // namespace softhv::jit
