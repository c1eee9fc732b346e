// SPDX-License-Identifier: Apache-2.0
// What the engine keeps of translated code, and when it forgets it: through guests that notice.
#include "softhv/jit/engine.h"

#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "softhv/testing/rig.h"

namespace softhv::jit {
namespace {

using testing::hvc;
using testing::kCodeEl1;
using testing::kData;
using testing::kDescAf;
using testing::kDescInner;
using testing::kIsb;
using testing::kRamBase;
using testing::kRet;
using testing::Machine;
using testing::Outcome;
using testing::Rig;

constexpr u32 kBToSelf = 0x1400'0000;
constexpr u32 kBlrX1 = 0xd63f'0020;
constexpr u32 kAddX0X0X2 = 0x8b02'0000;
constexpr u32 kAddX0X0X3 = 0x8b03'0000;
constexpr u32 kStrW2X1 = 0xb900'0022;  // str w2, [x1]
constexpr u32 kIcIvauX1 = 0xd50b'7521; // ic ivau, x1
constexpr u32 kDcCvauX1 = 0xd50b'7b21; // dc cvau, x1
constexpr u32 kSubX5 = 0xd100'04a5;    // sub x5, x5, #1
constexpr u32 kDsbIsh = 0xd503'3b9f;
constexpr u32 movz_x0(u32 imm) {
  return 0xd280'0000 | imm << 5;
}
constexpr u32 movz_x3(u32 imm) {
  return 0xd280'0003 | imm << 5;
}
constexpr u32 cbnz_x5(int words) {
  return 0xb500'0005 | (static_cast<u32>(words) & 0x7'ffff) << 5;
}

EngineOptions jit_options(u64 cache = kDefaultCodeCacheBytes) {
  return {.engine = softhv::Engine::kJit, .code_cache_bytes = cache};
}

TEST(JitEngine, TranslatesABlockOnce) {
  Machine machine(1, testing::kRamSize, jit_options());
  // Ten rounds of a loop, whose block is entered again and again.
  machine.load_words(
      std::vector<u32>{0xd280'0145 /* mov x5, #10 */, kAddX0X0X3, kSubX5, cbnz_x5(-2), hvc(1)});
  machine.x(3) = 3;
  EXPECT_EQ(machine.run_to_hvc(), 1U);
  EXPECT_EQ(machine.x(0), 30U);
  const u64 blocks = machine.cpu().statistics.blocks_translated.get();
  machine.cpu().s.pc = kRamBase;
  EXPECT_EQ(machine.run_to_hvc(), 1U);
  EXPECT_EQ(machine.cpu().statistics.blocks_translated.get(), blocks);
}

// A miss in the TLB is no reason to interpret: the access is repeated. One across two pages is.
TEST(JitEngine, MissesAreRefilled) {
  Rig rig(jit_options());
  Cpu& cpu = rig.cpu();
  constexpr u64 kPages = 16;
  for (u64 i = 0; i <= kPages; ++i) {
    const u64 page = kData + i * kTlbPageSize;
    rig.tables.map(page, page, kDescAf | kDescInner);
    rig.machine.write(page, i);
  }
  const auto sum_of_pages = [&](u64 first, u64 count) {
    cpu.s.x[0] = 0;
    cpu.s.x[1] = first;
    cpu.s.x[5] = count;
    EXPECT_TRUE(rig.execute(1, {0xf940'0022 /* ldr x2, [x1] */, kAddX0X0X2,
                                0xf900'0825 /* str x5, [x1, #16] */,
                                0x9140'0421 /* add x1, x1, #1, lsl #12 */, kSubX5, cbnz_x5(-5)})
                    .completed);
    return cpu.s.x[0];
  };
  constexpr u64 kOthers = 1; // HVC
  EXPECT_EQ(sum_of_pages(kData, kPages), kPages * (kPages - 1) / 2);
  EXPECT_EQ(cpu.statistics.interpreter_fallbacks.get(), kOthers);
  EXPECT_GE(cpu.statistics.tlb_misses.get(), kPages);

  EXPECT_EQ(sum_of_pages(kData + kTlbPageSize - 4, 1), u64{1} << 32);
  EXPECT_EQ(cpu.statistics.interpreter_fallbacks.get(), 2 * kOthers + 1);
}

// A loop's accesses remember their pages; at the end of what is mapped they fault like any other.
TEST(JitEngine, LoopsOverPagesEndWhereMemoryEnds) {
  Rig rig(jit_options());
  Cpu& cpu = rig.cpu();
  constexpr u64 kPages = 4;
  constexpr u64 kTo = kData + 0x10'0000;
  // Page by page to frames in another order; the last page that is written is read-only.
  for (u64 i = 0; i < kPages; ++i) {
    const u64 frame = kData + 0x20'0000 + (kPages - i) * kTlbPageSize;
    rig.tables.map(kData + i * kTlbPageSize, frame, kDescAf | kDescInner);
    rig.tables.map(kTo + i * kTlbPageSize, frame + 0x10'0000,
                   kDescAf | kDescInner | (i + 1 == kPages ? testing::kDescReadOnly : 0));
    for (u64 at = 0; at < kTlbPageSize; at += 8)
      rig.machine.write(frame + at, i << 32 | at);
  }
  cpu.s.x[0] = kData + 4;
  cpu.s.x[1] = kTo + 4;
  const Outcome outcome =
      rig.execute(1, {0xf840'8402 /* ldr x2, [x0], #8 */, 0xf800'8422 /* str x2, [x1], #8 */,
                      0x17ff'fffe /* b .-8 */});
  EXPECT_EQ(outcome.ec(), 0x25U) << "data abort";
  EXPECT_EQ(outcome.far, kTo + 3 * kTlbPageSize);
  for (u64 i = 0; i + 1 < kPages; ++i) {
    const u64 frame = kData + 0x20'0000 + (kPages - i) * kTlbPageSize;
    const u8* from = rig.machine.host(frame);
    const u8* to = rig.machine.host(frame + 0x10'0000);
    const u64 skipped = i == 0 ? 4 : 0;
    EXPECT_EQ(std::memcmp(from + skipped, to + skipped, kTlbPageSize - skipped - 4), 0) << i;
  }
}

// An access of its own between two that share a look.
TEST(JitEngine, LoopsMayMixAccessesWithOneLookAndWithTwo) {
  Rig rig(jit_options());
  Cpu& cpu = rig.cpu();
  rig.tables.map(kData, kData, kDescAf | kDescInner);
  constexpr u64 kRounds = 20;
  cpu.s.x[2] = kData;
  cpu.s.x[3] = 0x1111;
  cpu.s.x[4] = 16;
  cpu.s.x[5] = kRounds;
  ASSERT_TRUE(rig.execute(1, {0xf900'0043 /* str x3, [x2] */, 0xf822'6885 /* str x5, [x4, x2] */,
                              0xf900'0442 /* str x2, [x2, #8] */, 0x9100'6042 /* add x2, x2, #24 */,
                              kSubX5, cbnz_x5(-5)})
                  .completed);
  for (u64 round = 0; round < kRounds; ++round) {
    const u64 expected[] = {0x1111, kData + 24 * round, kRounds - round};
    EXPECT_EQ(std::memcmp(rig.machine.host(kData + 24 * round), expected, sizeof expected), 0);
  }
}

// The guest of a small JIT: writes a function, maintains the caches as the Arm ARM (B2.4.4) asks,
// calls it; each round with another immediate.
TEST(JitEngine, CodeThatTheGuestWritesIsRun) {
  Machine machine(1, testing::kRamSize, jit_options());
  machine.write(kData + 4, kRet);
  machine.load_words(std::vector<u32>{kStrW2X1, kDcCvauX1, kDsbIsh, kIcIvauX1, kDsbIsh, kIsb,
                                      kBlrX1,
                                      0x8b00'00c6, // add x6, x6, x0
                                      0x1100'8042, // add w2, w2, #32: the next immediate
                                      kSubX5, cbnz_x5(-10), hvc(1)});
  machine.x(1) = kData;
  machine.x(2) = movz_x0(1);
  machine.x(5) = 100;
  EXPECT_EQ(machine.run_to_hvc(), 1U);
  EXPECT_EQ(machine.x(6), 5050U);
}

// The instruction that is replaced is in the block, and the page, that replaces it.
TEST(JitEngine, CodeMayReplaceItself) {
  Machine machine(1, testing::kRamSize, jit_options());
  machine.load_words(std::vector<u32>{kStrW2X1, kDcCvauX1, kDsbIsh, kIcIvauX1, kDsbIsh, kIsb,
                                      movz_x3(1), 0x8b03'00c6 /* add x6, x6, x3 */, 0x1100'8042,
                                      kSubX5, cbnz_x5(-10), hvc(1)});
  machine.x(1) = kRamBase + 24;
  machine.x(2) = movz_x3(1);
  machine.x(5) = 50;
  EXPECT_EQ(machine.run_to_hvc(), 1U);
  EXPECT_EQ(machine.x(6), 1275U);
}

TEST(JitEngine, CodeWrittenThroughAnotherAddressIsRun) {
  Rig rig(jit_options());
  constexpr u64 kAlias = 0x7000'0000;
  rig.tables.map(kAlias, kData, kDescAf | kDescInner);
  rig.tables.map(kData, kData, kDescAf | kDescInner);
  rig.machine.write(kData, movz_x0(7));
  rig.machine.write(kData + 4, kRet);
  Cpu& cpu = rig.cpu();
  cpu.s.x[1] = kData;
  ASSERT_TRUE(rig.execute(1, {kBlrX1}).completed);
  EXPECT_EQ(cpu.s.x[0], 7U);
  cpu.s.x[1] = kAlias;
  cpu.s.x[2] = movz_x0(8);
  ASSERT_TRUE(
      rig.execute(1, {kStrW2X1, kDcCvauX1, kDsbIsh, kIcIvauX1, kDsbIsh, kIsb, kBlrX1}).completed);
  EXPECT_EQ(cpu.s.x[0], 8U);
  cpu.s.x[1] = kData;
  ASSERT_TRUE(rig.execute(1, {kBlrX1}).completed);
  EXPECT_EQ(cpu.s.x[0], 8U);
}

// ADR gives the address that the page was entered by, whichever translated it first.
TEST(JitEngine, APageMayBeRunAtTwoAddresses) {
  Rig rig(jit_options());
  constexpr u64 kAlias = 0x7000'0000;
  constexpr u32 kAdrX0 = 0x1000'0000; // adr x0, .
  rig.tables.map(kAlias, kData, kDescAf | kDescInner);
  rig.tables.map(kData, kData, kDescAf | kDescInner);
  rig.machine.write(kData, kAdrX0);
  rig.machine.write(kData + 4, kRet);
  for (const u64 at : {kData, kAlias, kData}) {
    rig.cpu().s.x[1] = at;
    ASSERT_TRUE(rig.execute(1, {kBlrX1}).completed);
    EXPECT_EQ(rig.cpu().s.x[0], at);
  }
}

// More code than there is room for, round after round.
TEST(JitEngine, ASmallCodeCacheIsEmptiedAndGoesOn) {
  Machine machine(1, testing::kRamSize, jit_options(kMinCodeCacheBytes));
  constexpr unsigned kPages = 256;
  constexpr u64 kPage = 4096;
  for (unsigned page = 0; page < kPages; ++page) {
    const u64 at = kData + page * kPage;
    for (u64 i = 0; i + 8 < kPage; i += 4) // branches to the next instruction: many blocks
      machine.write<u32>(at + i, i % 8 == 0 ? kAddX0X0X3 : 0x1400'0001);
    machine.write<u32>(at + kPage - 8, kAddX0X0X3);
    machine.write<u32>(at + kPage - 4, 0x1400'0001);
  }
  machine.write<u32>(kData + kPages * kPage, hvc(3));
  machine.x(3) = 1;
  constexpr u64 kAdds = kPages * kPage / 8;
  for (unsigned round = 1; round <= 3; ++round) {
    machine.cpu().s.pc = kData;
    ASSERT_EQ(machine.run_to_hvc(), 3U);
    EXPECT_EQ(machine.x(0), kAdds * round);
  }
  EXPECT_GT(machine.cpu().statistics.code_cache_flushes.get(), 0U);
  EXPECT_LE(machine.cpu().statistics.code_bytes_peak.get(), kMinCodeCacheBytes);
}

// Each loop by itself would go on for ever; the request comes while it runs, or before.
TEST(JitEngine, TightLoopsAreLeftOnRequest) {
  const std::vector<std::vector<u32>> loops = {
      {kBToSelf},
      {kAddX0X0X3, 0x17ff'ffff},  // b .-4
      {0xb400'001f},              // cbz xzr, .
      {0xd61f'0080},              // br x4: itself
      {0x9400'0001, 0x17ff'ffff}, // bl .+4; b .-4
  };
  for (const std::vector<u32>& loop : loops) {
    Machine machine(1, testing::kRamSize, jit_options());
    machine.load_words(loop);
    machine.x(4) = kRamBase;
    Cpu& cpu = machine.cpu();
    std::jthread other([&cpu] { cpu.request(kAttentionExit); });
    const VmExit& exit = machine.run();
    EXPECT_EQ(exit.reason, ExitReason::kCanceled);
    EXPECT_LT(cpu.s.pc - kRamBase, loop.size() * 4);
  }
}

} // namespace
} // namespace softhv::jit
