// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/lift.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "softhv/mmu/tlb.h"

namespace softhv::jit {
namespace {

using ir::Op;

constexpr u32 kNop = 0xd503'201f;
constexpr u32 kRet = 0xd65f'03c0;

ir::Block lift(const std::vector<u32>& words, u32 offset = 0, Mode mode = {},
               u32 limit = kMaxBlock) {
  std::vector<u8> page(kTlbPageSize);
  for (u32 at = 0; at < kTlbPageSize; at += 4)
    std::memcpy(&page[at], &kNop, 4);
  if (!words.empty())
    std::memcpy(&page[offset], words.data(), words.size() * 4);
  return lift_block(page.data(), offset, mode, limit);
}

TEST(Lift, OperandsAndFlags) {
  const ir::Block block = lift({0x2b02'0423, kRet}); // adds w3, w1, w2, lsl #1
  ASSERT_EQ(block.words.size(), 2U);
  const ir::Inst& add = block.insts[block.insts.size() - 2];
  EXPECT_EQ(add.op, Op::kAdd);
  EXPECT_EQ(add.d, 3);
  EXPECT_EQ(add.a, 1);
  EXPECT_TRUE(add.has(ir::kSetsFlags));
  EXPECT_FALSE(add.has(ir::kWide));
  EXPECT_EQ(add.index, 0);
  EXPECT_EQ(block.insts.back().op, Op::kReturn);
  EXPECT_EQ(block.insts.back().index, 1);
}

TEST(Lift, RegisterThirtyOneIsZeroOrTheStackPointer) {
  const ir::Block block = lift({0x9100'43ff, 0xaa1f'03e0, kRet}); // add sp, sp, #16; mov x0, xzr
  EXPECT_EQ(block.insts[0].d, kRegSp);
  EXPECT_EQ(block.insts[0].a, kRegSp);
  for (const ir::Inst& inst : block.insts)
    if (inst.index == 1) {
      EXPECT_EQ(inst.d, 0);
    }
}

TEST(Lift, ABranchEndsTheBlockAndAConditionalOneDoesNot) {
  const ir::Block block = lift({0x5400'0040, kNop, 0x1400'0004, kNop}, 0x100); // b.eq; b
  EXPECT_EQ(block.words.size(), 3U);
  EXPECT_FALSE(block.falls_through);
  EXPECT_EQ(block.insts.front().op, Op::kBranchIf);
  EXPECT_EQ(block.insts.front().imm, 0x108);
  EXPECT_EQ(block.insts.back().op, Op::kBranch);
  EXPECT_EQ(block.insts.back().imm, 0x118);
}

TEST(Lift, PatchedConstantsAreConstants) {
  const ir::Block block = lift({0xd282'4680, 0xf2aa'cf00, 0xf2f7'ddc0, kRet}); // movz; movk; movk
  ASSERT_EQ(block.insts.size(), 4U);
  for (u16 i = 0; i < 3; ++i) {
    EXPECT_EQ(block.insts[i].op, Op::kMove);
    EXPECT_EQ(block.insts[i].index, i);
  }
  EXPECT_EQ(block.insts[0].imm, 0x1234);
  EXPECT_EQ(block.insts[1].imm, 0x5678'1234);
  EXPECT_EQ(static_cast<u64>(block.insts[2].imm), 0xbeee'0000'5678'1234);
  // movn w0, #0; movk w0, #0x5678, lsl #16
  EXPECT_EQ(lift({0x1280'0000, 0x72aa'cf00, kRet}).insts[1].imm, 0x5678'ffff);
}

TEST(Lift, ConstantsThatABranchMayLeadAroundAreNot) {
  // cbz x9, 2; movz x0, #0x1234; movk x0, #0x5678, lsl #16
  const ir::Block block = lift({0xb400'0049, 0xd282'4680, 0xf2aa'cf00, kRet});
  ASSERT_EQ(block.insts.size(), 5U);
  EXPECT_EQ(block.insts[2].op, Op::kAnd);
  EXPECT_EQ(block.insts[3].op, Op::kOr);
  // with a NOP between, which it leads to; a branch back; another register
  EXPECT_EQ(lift({0xb400'0049, 0xd282'4680, kNop, 0xf2aa'cf00, kRet}).insts[2].op, Op::kAnd);
  EXPECT_EQ(lift({0xd282'4680, 0xf2aa'cf00, 0xb4ff'ffe9, kRet}).insts[1].op, Op::kAnd);
  EXPECT_EQ(lift({0xd282'4680, 0xf2aa'cf01, kRet}).insts[1].op, Op::kAnd);
}

TEST(Lift, ADivisionGivesItsRemainderToo) {
  // udiv x6, x3, x0; msub x0, x6, x0, x3; and with the product's operands exchanged
  for (const u32 msub : {0x9b00'8cc0U, 0x9b06'8c00U}) {
    const ir::Block block = lift({0x9ac0'0866, msub, kRet});
    ASSERT_EQ(block.insts.size(), 2U);
    EXPECT_EQ(block.insts[0].op, Op::kDivU);
    EXPECT_EQ(block.insts[0].d, 6);
    EXPECT_EQ(block.insts[0].d2, 0);
  }
  // sdiv w6, w3, w0; msub w9, w6, w0, w3
  EXPECT_EQ(lift({0x1ac0'0c66, 0x1b00'8cc9, kRet}).insts[0].d2, 9);
}

TEST(Lift, OtherSumsOfProductsAreNoRemainders) {
  const auto is_left = [](const std::vector<u32>& words) { return lift(words).insts.size() > 3; };
  EXPECT_TRUE(is_left({0x9ac0'0866, 0x9b00'90c0, kRet})); // of another number: x4
  EXPECT_TRUE(is_left({0x9ac0'0866, 0x9b01'8cc0, kRet})); // another divisor: x1
  EXPECT_TRUE(is_left({0x9ac0'0866, 0x1b00'8cc0, kRet})); // of 32 bits
  EXPECT_TRUE(is_left({0x9ac0'0866, 0x9b00'0cc0, kRet})); // madd
  EXPECT_TRUE(is_left({0x9ac0'0863, 0x9b00'8c60, kRet})); // udiv x3, x3, x0: the number is gone
  EXPECT_TRUE(is_left({0x9ac0'0860, 0x9b00'8c00, kRet})); // udiv x0, x3, x0: the divisor is
  // cbz x9, 2; udiv x6, x3, x0; msub x0, x6, x0, x3
  EXPECT_TRUE(is_left({0xb400'0049, 0x9ac0'0866, 0x9b00'8cc0, kRet}));
}

TEST(Lift, ABlockEndsWithItsPage) {
  const ir::Block block = lift({}, kTlbPageSize - 8);
  EXPECT_EQ(block.words.size(), 2U);
  EXPECT_TRUE(block.falls_through);
  EXPECT_EQ(block.end(), kTlbPageSize);
}

TEST(Lift, ABlockIsNoLongerThanAllowed) {
  EXPECT_EQ(lift({}).words.size(), kMaxBlock);
  const ir::Block short_block = lift({}, 0, {}, 3);
  EXPECT_EQ(short_block.words.size(), 3U);
  EXPECT_TRUE(short_block.falls_through);
}

TEST(Lift, WhatIsUndefinedOrTrapsIsLeftToTheInterpreter) {
  const ir::Block undefined = lift({0x0000'0000});
  EXPECT_EQ(undefined.insts.back().op, Op::kInterpretAndLeave);
  EXPECT_FALSE(undefined.falls_through);
  constexpr u32 kFadd = 0x1e62'2820; // fadd d0, d1, d2
  EXPECT_EQ(lift({kFadd}, 0, {.fp_trapped = true}).insts.back().op, Op::kInterpretAndLeave);
  EXPECT_EQ(lift({kFadd}, 0, {}, 1).insts.back().op, Op::kVector);
  EXPECT_EQ(lift({kFadd}, 0, {.fpcr_default = false}, 1).insts.back().op, Op::kInterpret);
}

TEST(Lift, PlainSystemRegistersAreMemory) {
  constexpr u32 kMrsX0TpidrEl0 = 0xd53b'd040;
  constexpr u32 kMrsX0Cntvct = 0xd53b'e040;
  EXPECT_EQ(lift({kMrsX0TpidrEl0}, 0, {}, 1).insts.back().op, Op::kSysRead);
  EXPECT_NE(lift({kMrsX0Cntvct}, 0, {}, 1).insts.back().op, Op::kSysRead);
  constexpr u32 kMrsX0Fpcr = 0xd53b'4400;
  const ir::Inst fpcr = lift({kMrsX0Fpcr}, 0, {}, 1).insts.back();
  EXPECT_EQ(fpcr.op, Op::kSysRead);
  EXPECT_FALSE(fpcr.has(ir::kWide));
  EXPECT_EQ(lift({kMrsX0Fpcr}, 0, {.fp_trapped = true}).insts.back().op, Op::kInterpretAndLeave);
  constexpr u32 kMrsX0Fpsr = 0xd53b'4420;
  constexpr u32 kMsrFpsrX0 = 0xd51b'4420;
  EXPECT_EQ(lift({kMrsX0Fpsr}, 0, {}, 1).insts.back().op, Op::kReadFpsr);
  EXPECT_EQ(lift({kMsrFpsrX0}, 0, {}, 1).insts.back().op, Op::kWriteFpsr);
  for (const u32 word : {kMrsX0Fpsr, kMsrFpsrX0})
    EXPECT_EQ(lift({word}, 0, {.fp_trapped = true}).insts.back().op, Op::kInterpretAndLeave);
  constexpr u32 kMrsX0DczidEl0 = 0xd53b'00e0;
  for (const u8 el : {0, 1})
    EXPECT_NE(lift({kMrsX0DczidEl0}, 0, {.el = el}, 1).insts.back().op, Op::kInterpret);
  constexpr u32 kMrsX0VbarEl1 = 0xd538'c000; // not for EL0
  EXPECT_EQ(lift({kMrsX0VbarEl1}, 0, {.el = 1}, 1).insts.back().op, Op::kSysRead);
  EXPECT_NE(lift({kMrsX0VbarEl1}, 0, {.el = 0}, 1).insts.back().op, Op::kSysRead);
}

TEST(Lift, ModesHaveDifferentKeys) {
  std::vector<bool> seen(kModes);
  for (unsigned n = 0; n < kModes; ++n) {
    const Mode mode{.el = static_cast<u8>(n & 1),
                    .sp_el0 = (n & 2) != 0,
                    .fp_trapped = (n & 4) != 0,
                    .fpcr_default = (n & 8) != 0};
    ASSERT_LT(index_of(mode), kModes);
    EXPECT_FALSE(seen[index_of(mode)]);
    seen[index_of(mode)] = true;
  }
}

} // namespace
} // namespace softhv::jit
