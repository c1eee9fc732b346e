// SPDX-License-Identifier: Apache-2.0
// The run loop and the block cache: how blocks are cut, left, counted and invalidated.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "softhv/core/attention.h"
#include "softhv/interp/code_cache.h"
#include "softhv/interp/insn.h"
#include "softhv/testing/rig.h"

namespace softhv::testing {
namespace {

using interp::insn;

constexpr u64 kNoMemory = 0x2000'0000;

class Interpreter : public ::testing::Test {
protected:
  Interpreter() {
    rig.cpu().retire_limit = kNoRetireLimit - 1; // the engine that counts
    for (u64 at = kData; at < kData + 0x4000; at += 0x1000)
      rig.tables.map(at, at, kDescAf | kDescInner);
    rig.tables.map(kNoMemory, kNoMemory, kDescAf | desc_attr(1));
  }

  u64& x(unsigned n) { return rig.cpu().s.x[n]; }

  // Instructions that the words retired, the HVC that ends them among them.
  u64 retired_by(std::initializer_list<u32> words) {
    const u64 before = rig.cpu().retired;
    outcome = rig.execute(1, words);
    return rig.cpu().retired - before;
  }

  Rig rig;
  Outcome outcome;
};

TEST_F(Interpreter, CountsInstructions) {
  EXPECT_EQ(retired_by({insn(0xd503201f, "nop"), insn(0xd503201f, "nop"), insn(0xd503201f, "nop")}),
            4U);
  EXPECT_TRUE(outcome.completed);
  // three times round a loop, whose last branch falls through
  EXPECT_EQ(retired_by({insn(0xd2800062, "mov x2, #3"), insn(0xd1000442, "sub x2, x2, #1"),
                        insn(0xb5ffffe2, "cbnz x2, .-4")}),
            1U + 3 * 2 + 1);
  EXPECT_TRUE(outcome.completed);
  // a branch taken out of the middle of a block
  x(2) = 0;
  EXPECT_EQ(retired_by({insn(0xd503201f, "nop"), insn(0xb4000062, "cbz x2, .+12"),
                        insn(0xd503201f, "nop"), insn(0xd503201f, "nop"), insn(0xd503201f, "nop")}),
            4U);
}

TEST_F(Interpreter, ConditionalBranchesFallThrough) {
  x(2) = 1;
  EXPECT_TRUE(rig.execute(1, {insn(0xb4000042, "cbz x2, .+8"), insn(0xd28000e3, "mov x3, #7"),
                              insn(0x37000042, "tbnz x2, #0, .+8"), insn(0xd2800103, "mov x3, #8")})
                  .completed);
  EXPECT_EQ(x(3), 7U);
}

TEST_F(Interpreter, AFaultInABlockNamesItsInstruction) {
  x(1) = 0x7000'0000;
  const Outcome o =
      rig.execute(1, {insn(0xd2800022, "mov x2, #1"), insn(0xf9400023, "ldr x3, [x1]"),
                      insn(0xd2800042, "mov x2, #2")});
  EXPECT_EQ(o.ec(), 0x25U);
  EXPECT_EQ(o.elr, kCodeEl1 + 4);
  EXPECT_EQ(x(2), 1U);
}

TEST_F(Interpreter, AnExitInABlockIsTakenUpAgain) {
  x(1) = kNoMemory + 0x10;
  x(2) = 0x55;
  const Outcome o =
      rig.execute(1, {insn(0xd2800023, "mov x3, #1"), insn(0x39000022, "strb w2, [x1]"),
                      insn(0xd2800043, "mov x3, #2")});
  ASSERT_TRUE(o.exited);
  EXPECT_EQ(o.exit.physical_address, kNoMemory + 0x10);
  EXPECT_EQ(rig.cpu().s.pc, kCodeEl1 + 4);
  EXPECT_EQ(x(3), 1U);
  rig.cpu().s.pc += 4;
  EXPECT_TRUE(rig.resume().completed);
  EXPECT_EQ(x(3), 2U);
}

// Longer than a block may be, and over a page boundary.
TEST_F(Interpreter, RunsStraightCodeOfAnyLength) {
  u64 at = kCodeEl1;
  constexpr unsigned kCount = 1500;
  for (unsigned i = 0; i < kCount; ++i, at += 4)
    rig.machine.write<u32>(at, insn(0x91000442, "add x2, x2, #1"));
  rig.machine.write<u32>(at, hvc(1));
  x(2) = 0;
  const u64 before = rig.cpu().retired;
  rig.run_at(1, kCodeEl1);
  EXPECT_EQ(x(2), kCount);
  EXPECT_EQ(rig.cpu().retired - before, kCount + 1);
  EXPECT_GT(kCount, interp::CodeCache::kMaxBlock);
}

TEST_F(Interpreter, RunsWhatTheGuestWroteOverItsCode) {
  x(1) = kCodeEl1 + 0x100;
  x(2) = insn(0xd2800040, "mov x0, #2");
  rig.machine.write<u32>(kCodeEl1 + 0x100, insn(0xd2800020, "mov x0, #1"));
  rig.machine.write<u32>(kCodeEl1 + 0x104, insn(0xd65f03c0, "ret"));
  // call, remember, rewrite, call again
  EXPECT_TRUE(rig.execute(1, {insn(0x94000040, "bl .+0x100"), insn(0xaa0003e5, "mov x5, x0"),
                              insn(0xb9000022, "str w2, [x1]"), insn(0xd50b7b21, "dc cvau, x1"),
                              insn(0xd5033b9f, "dsb ish"), insn(0xd50b7521, "ic ivau, x1"),
                              insn(0xd5033b9f, "dsb ish"), insn(0xd5033fdf, "isb"),
                              insn(0xd63f0020, "blr x1"), insn(0xaa0003e6, "mov x6, x0")})
                  .completed);
  EXPECT_EQ(x(5), 1U);
  EXPECT_EQ(x(6), 2U);
}

TEST_F(Interpreter, RunsWhatTheHostWroteBetweenRuns) {
  EXPECT_TRUE(rig.execute(1, {insn(0xd2800020, "mov x0, #1")}).completed);
  EXPECT_EQ(x(0), 1U);
  EXPECT_TRUE(rig.execute(1, {insn(0xd2800040, "mov x0, #2")}).completed);
  EXPECT_EQ(x(0), 2U);
}

// Stores beside the running code, in its page.
TEST_F(Interpreter, CodeAndDataMayShareAPage) {
  x(1) = kCodeEl1 + 0x800;
  EXPECT_TRUE(
      rig.execute(1, {insn(0xd2800c82, "mov x2, #100"), insn(0xf9000022, "str x2, [x1]"),
                      insn(0xf9400023, "ldr x3, [x1]"), insn(0x8b030084, "add x4, x4, x3"),
                      insn(0xd1000442, "sub x2, x2, #1"), insn(0xb5ffff82, "cbnz x2, .-16")})
          .completed);
  EXPECT_EQ(rig.machine.read<u64>(kCodeEl1 + 0x800), 1U);
}

TEST_F(Interpreter, LeavesATightLoopWhenAsked) {
  std::atomic<bool> done{false};
  rig.machine.write<u32>(kCodeEl1, insn(0x14000000, "b ."));
  std::thread host([&] {
    while (!done.load()) {
      rig.cpu().request(kAttentionExit);
      std::this_thread::yield();
    }
  });
  const Outcome o = rig.run_at(1, kCodeEl1);
  done = true;
  host.join();
  EXPECT_TRUE(o.exited);
  EXPECT_EQ(o.exit.reason, ExitReason::kCanceled);
  EXPECT_EQ(rig.cpu().s.pc, kCodeEl1);
}

// Loops and skips that stay within their block.
TEST_F(Interpreter, BranchesWithinABlockCountAndTestAsOthers) {
  const u64 before = rig.cpu().retired;
  // sums the odd numbers below 10
  EXPECT_TRUE(
      rig.execute(1, {insn(0xd2800142, "mov x2, #10"), insn(0xd2800003, "mov x3, #0"),
                      insn(0xd1000442, "sub x2, x2, #1"), insn(0x36000042, "tbz x2, #0, .+8"),
                      insn(0x8b020063, "add x3, x3, x2"), insn(0xb5ffffa2, "cbnz x2, .-12"),
                      insn(0xf100647f, "cmp x3, #25"), insn(0x54000040, "b.eq .+8"),
                      insn(0xd2800003, "mov x3, #0")})
          .completed);
  EXPECT_EQ(x(3), 25U);
  EXPECT_EQ(rig.cpu().retired - before, 2U + 10 * 3 + 5 + 2 + 1);
}

// A store by another vCPU reaches a loop that never leaves its block.
TEST(InterpreterParallel, ALoopSeesItsCodeChange) {
  Rig rig(12, 2);
  rig.tables.map(kData, kData, kDescAf | kDescInner);
  rig.cpu(0).s.x[1] = kData;
  rig.cpu(0).s.x[2] = 1;
  Outcome looping;
  std::thread other([&] {
    looping = rig.execute(1, {insn(0xc89ffc22, "stlr x2, [x1]"), insn(0x14000000, "b .")}, 0);
  });
  auto* started = reinterpret_cast<std::atomic<u64>*>(rig.machine.host(kData));
  while (started->load() == 0)
    std::this_thread::yield();
  rig.cpu(1).s.x[1] = kCodeEl1 + 4;
  rig.cpu(1).s.x[2] = insn(0xd503201f, "nop");
  EXPECT_TRUE(rig.execute(1,
                          {insn(0xb9000022, "str w2, [x1]"), insn(0xd50b7b21, "dc cvau, x1"),
                           insn(0xd5033b9f, "dsb ish"), insn(0xd50b7521, "ic ivau, x1"),
                           insn(0xd5033b9f, "dsb ish")},
                          1)
                  .completed);
  other.join();
  EXPECT_TRUE(looping.completed);
}

TEST_F(Interpreter, BranchesFormAddressesFromTheirOwn) {
  x(1) = 0;
  EXPECT_TRUE(rig.execute(1, {insn(0xd503201f, "nop"), insn(0x10000001, "adr x1, .+0"),
                              insn(0x90000002, "adrp x2, ."), insn(0x94000002, "bl .+8"),
                              insn(0xd503201f, "nop"), insn(0xaa1e03e3, "mov x3, x30")})
                  .completed);
  EXPECT_EQ(x(1), kCodeEl1 + 4);
  EXPECT_EQ(x(2), kCodeEl1);
  EXPECT_EQ(x(3), kCodeEl1 + 16);
}

// BLR X30 goes to the old X30.
TEST_F(Interpreter, BlrReadsItsTargetBeforeItLinks) {
  x(30) = kCodeEl1 + 12;
  EXPECT_TRUE(rig.execute(1, {insn(0xd503201f, "nop"), insn(0xd63f03c0, "blr x30"),
                              insn(0xd40000e2, "hvc #7"), insn(0xaa1e03e4, "mov x4, x30")})
                  .completed);
  EXPECT_EQ(x(4), kCodeEl1 + 8);
}

TEST_F(Interpreter, AMisalignedTargetFaultsAtTheTarget) {
  x(1) = kCodeEl1 + 2;
  const Outcome o = rig.execute(1, {insn(0xd61f0020, "br x1")});
  EXPECT_EQ(o.ec(), 0x22U);
  EXPECT_EQ(o.elr, kCodeEl1 + 2);
  EXPECT_EQ(o.far, kCodeEl1 + 2);
}

} // namespace
} // namespace softhv::testing
