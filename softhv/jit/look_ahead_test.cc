// SPDX-License-Identifier: Apache-2.0
// Looks ahead: which accesses of a loop they are for, and that these access what they did before,
// wherever pages end.
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "softhv/jit/lift.h"
#include "softhv/jit/passes.h"
#include "softhv/mmu/tlb.h"
#include "softhv/testing/rig.h"

namespace softhv::jit {
namespace {

using testing::kData;
using testing::kDescAf;
using testing::kDescInner;
using testing::kDescReadOnly;
using testing::kNop;
using testing::Outcome;
using testing::Rig;

constexpr u32 kLdrX11X7 = 0xf940'00eb;      // ldr x11, [x7]
constexpr u32 kLdrX11X7X8 = 0xf868'68eb;    // ldr x11, [x7, x8]
constexpr u32 kLdrX11X7X8Lsl = 0xf868'78eb; // ldr x11, [x7, x8, lsl #3]
constexpr u32 kStrX11X7X8 = 0xf828'68eb;    // str x11, [x7, x8]
constexpr u32 kLdrX11X7Post = 0xf840'84eb;  // ldr x11, [x7], #8
constexpr u32 kStrX10X8Post = 0xf800'850a;  // str x10, [x8], #8
constexpr u32 kAddX8X8 = 0x9100'2108;       // add x8, x8, #8
constexpr u32 kAddX8One = 0x9100'0508;      // add x8, x8, #1
constexpr u32 kAddW8 = 0x1100'2108;         // add w8, w8, #8
constexpr u32 kAddX8Page = 0x9140'0508;     // add x8, x8, #4096
constexpr u32 kSubX7 = 0xd100'20e7;         // sub x7, x7, #8
constexpr u32 kAddX10X10X11 = 0x8b0b'014a;
constexpr u32 kSubX9 = 0xd100'0529; // sub x9, x9, #1
constexpr u32 kIsb = 0xd503'3fdf;
constexpr u32 add_x7(u32 bytes) {
  return 0x9100'00e7 | bytes << 10;
}
constexpr u32 cbnz(u32 x, int words) {
  return 0xb500'0000 | (static_cast<u32>(words) & 0x7'ffff) << 5 | x;
}
constexpr u32 cbnz_x9(int words) {
  return cbnz(9, words);
}

ir::Block looked_ahead(const std::vector<u32>& words) {
  std::vector<u8> page(kTlbPageSize);
  for (u32 at = 0; at < kTlbPageSize; at += 4)
    std::memcpy(&page[at], &kNop, 4);
  std::memcpy(page.data(), words.data(), 4 * words.size());
  ir::Block block = lift_block(page.data(), 0, Mode{}, static_cast<u32>(words.size()));
  look_ahead(block);
  return block;
}

// The looks of the block's loads and stores, in order; 0 for none.
std::vector<u8> looks_in(const std::vector<u32>& words) {
  std::vector<u8> result;
  for (const ir::Inst& inst : looked_ahead(words).insts)
    if (inst.op >= ir::Op::kLoad && inst.op <= ir::Op::kStorePair)
      result.push_back(inst.look);
  return result;
}

using Looks = std::vector<u8>;

TEST(LookAhead, IsForAddressesThatMoveByTheSameSteps) {
  const ir::Block post = looked_ahead({kLdrX11X7Post, kStrX10X8Post, kSubX9, cbnz_x9(-3)});
  ASSERT_EQ(post.looks.size(), 2U);
  EXPECT_EQ(post.runs, std::vector<u16>{0});
  EXPECT_EQ(post.looks[0].moves, 7);
  EXPECT_EQ(post.looks[0].step, 8);
  EXPECT_TRUE(post.looks[0].reads && !post.looks[0].writes);
  EXPECT_TRUE(post.looks[1].writes && !post.looks[1].reads);
  const ir::Block index = looked_ahead({kNop, kLdrX11X7X8Lsl, kAddX8One, kSubX9, cbnz_x9(-3)});
  ASSERT_EQ(index.looks.size(), 1U);
  EXPECT_EQ(index.runs, std::vector<u16>{1});
  EXPECT_EQ(index.looks[0].moves, 8);
  EXPECT_EQ(index.looks[0].step, 8);
  const ir::Block still = looked_ahead({kLdrX11X7X8, kSubX9, cbnz_x9(-2)});
  ASSERT_EQ(still.looks.size(), 1U);
  EXPECT_EQ(still.looks[0].moves, ir::kNone);
}

TEST(LookAhead, IsForAllThatARoundAccesses) {
  EXPECT_EQ(looks_in({kLdrX11X7X8, kStrX11X7X8, kAddX8X8, kSubX9, cbnz_x9(-4)}), (Looks{1, 1}));
  const ir::Block block =
      looked_ahead({kLdrX11X7Post, kLdrX11X7Post, kLdrX11X7Post, kSubX9, cbnz_x9(-4)});
  ASSERT_EQ(block.looks.size(), 1U);
  EXPECT_EQ(block.looks[0].bytes, 24);
  EXPECT_EQ(block.looks[0].step, 24);
  EXPECT_EQ(block.insts[0].within, 0) << "from the register as it is at the access";
  const ir::Block down = looked_ahead({kSubX7, kLdrX11X7, kSubX9, cbnz_x9(-3)});
  ASSERT_EQ(down.looks.size(), 1U);
  EXPECT_EQ(down.looks[0].low, -8);
  EXPECT_EQ(down.looks[0].step, -8);
}

TEST(LookAhead, IsNotForOtherAddresses) {
  EXPECT_EQ(looks_in({kLdrX11X7X8, kAddW8, kSubX9, cbnz_x9(-3)}), Looks{0}) << "may wrap";
  EXPECT_EQ(looks_in({kLdrX11X7X8, kAddX8Page, kSubX9, cbnz_x9(-3)}), Looks{0});
  EXPECT_EQ(looks_in({kLdrX11X7X8, kAddX8X8, add_x7(8), kSubX9, cbnz_x9(-4)}), Looks{0});
  EXPECT_EQ(looks_in({kLdrX11X7, kSubX7, add_x7(16), kSubX9, cbnz_x9(-4)}), Looks{0});
  EXPECT_EQ(looks_in({0xf940'00e7 /* ldr x7, [x7] */, kSubX9, cbnz_x9(-2)}), Looks{0});
  EXPECT_EQ(looks_in({kLdrX11X7Post, kIsb, kSubX9, cbnz_x9(-3)}), Looks{0});
}

TEST(LookAhead, IsForAllAccessesOfALoopOrNone) {
  EXPECT_EQ(looks_in({0xf940'0169 /* ldr x9, [x11] */, kLdrX11X7Post, kSubX9, cbnz_x9(-3)}),
            (Looks{0, 0}));
}

TEST(LookAhead, IsOfInnerLoopsThatBeginAtTheTop) {
  EXPECT_EQ(looks_in({kLdrX11X7Post, kStrX10X8Post, kSubX9, cbnz_x9(-2), cbnz(10, -4)}),
            (Looks{0, 1}));
  EXPECT_EQ(looks_in({cbnz(10, 2), kLdrX11X7Post, kStrX10X8Post, kSubX9, cbnz_x9(-3)}),
            (Looks{0, 0}))
      << "entered in the middle";
  EXPECT_EQ(looks_in({cbnz(10, 2), kNop, kStrX10X8Post, kSubX9, cbnz_x9(-2)}), Looks{0})
      << "entered by a branch";
  EXPECT_EQ(looks_in({cbnz(10, 2), kLdrX11X7Post, kStrX10X8Post, kSubX9, cbnz_x9(-4)}),
            (Looks{1, 2}))
      << "a branch over some of it";
}

// Virtual pages that follow each other, and are not so in memory. The next ones are not mapped.
struct Pages {
  static constexpr u64 kCount = 3;
  static constexpr u64 kPlaces[kCount] = {kData + 4 * kTlbPageSize, kData,
                                          kData + 2 * kTlbPageSize};

  explicit Pages(Rig& r) : rig(r) {
    for (u64 i = 0; i < kCount; ++i)
      rig.tables.map(kData + i * kTlbPageSize, kPlaces[i], kDescAf | kDescInner);
    for (u64 at = 0; at < kCount * kTlbPageSize; at += 4)
      rig.machine.write<u32>(place(at), static_cast<u32>(at * 0x9e37'79b9));
    u64* x = rig.cpu().s.x;
    x[10] = x[11] = 0;
  }
  static u64 place(u64 at) { return kPlaces[at / kTlbPageSize] + at % kTlbPageSize; }
  // Of eight bytes that may be in two pages.
  [[nodiscard]] u64 value(u64 at) const {
    return rig.machine.read<u32>(place(at)) | u64{rig.machine.read<u32>(place(at + 4))} << 32;
  }

  Rig& rig;
};

EngineOptions improve_at_once() {
  return {.engine = softhv::Engine::kJit, .rounds_to_improve = 1};
}

TEST(LookAhead, EndsWithThePage) {
  for (const u32 step : {8U, 20U, 1000U}) {
    for (const u64 start : {0, 4, 8, 36}) {
      Rig rig(improve_at_once());
      const Pages pages(rig);
      const u64 rounds = (Pages::kCount * kTlbPageSize - start - 8) / step;
      rig.cpu().s.x[7] = kData + start;
      rig.cpu().s.x[9] = rounds;
      ASSERT_TRUE(
          rig.execute(1, {kLdrX11X7, kAddX10X10X11, add_x7(step), kSubX9, cbnz_x9(-4)}).completed);
      u64 sum = 0;
      for (u64 i = 0; i < rounds; ++i)
        sum += pages.value(start + i * step);
      EXPECT_EQ(rig.machine.x(10), sum) << step << " from " << start;
      EXPECT_EQ(rig.machine.x(7), kData + start + rounds * step);
    }
  }
}

TEST(LookAhead, EndsWithThePageOnTheWayDown) {
  for (const u64 start : {0, 4}) {
    Rig rig(improve_at_once());
    const Pages pages(rig);
    constexpr u64 kEnd = Pages::kCount * kTlbPageSize;
    constexpr u64 kRounds = kEnd / 8 - 1;
    rig.cpu().s.x[7] = kData + kEnd - start;
    rig.cpu().s.x[9] = kRounds;
    ASSERT_TRUE(rig.execute(1, {kSubX7, kLdrX11X7, kAddX10X10X11, kSubX9, cbnz_x9(-4)}).completed);
    u64 sum = 0;
    for (u64 i = 1; i <= kRounds; ++i)
      sum += pages.value(kEnd - start - 8 * i);
    EXPECT_EQ(rig.machine.x(10), sum);
  }
}

// An inner loop starts anew with what the one around it has changed.
TEST(LookAhead, IsMadeAnewWhenTheLoopIsEntered) {
  Rig rig(improve_at_once());
  const Pages pages(rig);
  constexpr u64 kOuter = 500;
  u64* x = rig.cpu().s.x;
  x[7] = kData;
  x[12] = kOuter;
  constexpr u32 kMovX8 = 0xd280'0008;      // mov x8, #0
  constexpr u32 kMovX9Three = 0xd280'0069; // mov x9, #3
  constexpr u32 kSubX12 = 0xd100'058c;     // sub x12, x12, #1
  ASSERT_TRUE(rig.execute(1, {kMovX8, kMovX9Three, kLdrX11X7X8, kAddX10X10X11, kAddX8X8, kSubX9,
                              cbnz_x9(-4), add_x7(16), kSubX12, cbnz(12, -9)})
                  .completed);
  u64 sum = 0;
  for (u64 i = 0; i < kOuter; ++i)
    for (u64 k = 0; k < 3; ++k)
      sum += pages.value(16 * i + 8 * k);
  EXPECT_EQ(rig.machine.x(10), sum);
}

TEST(LookAhead, LetsAnAccessFaultInItsOwnRound) {
  Rig rig(improve_at_once());
  const Pages pages(rig);
  rig.tables.map(kData + kTlbPageSize, Pages::kPlaces[1], kDescAf | kDescInner | kDescReadOnly);
  u64* x = rig.cpu().s.x;
  x[7] = kData;
  x[8] = kData + 16;
  x[9] = 10'000;
  const Outcome outcome = rig.execute(1, {kLdrX11X7Post, kStrX10X8Post, kSubX9, cbnz_x9(-3)});
  EXPECT_FALSE(outcome.completed);
  EXPECT_EQ(outcome.far, kData + kTlbPageSize);
  EXPECT_EQ(rig.machine.x(8), kData + kTlbPageSize);
  EXPECT_EQ(rig.machine.x(7), kData + kTlbPageSize - 8) << "loaded in this round already";
  EXPECT_EQ(rig.machine.x(9), 10'000 - (kTlbPageSize - 16) / 8);
}

} // namespace
} // namespace softhv::jit
