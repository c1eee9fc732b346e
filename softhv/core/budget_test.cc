// SPDX-License-Identifier: Apache-2.0
// The rules of core/budget.h, for each engine: stopping exactly at a count, wherever it falls.
#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "softhv/core/budget.h"
#include "softhv/core/engine.h"
#include "softhv/core/shootdown.h"
#include "softhv/core/turns.h"
#include "softhv/interp/insn.h"
#include "softhv/interp/interpreter.h"
#include "softhv/mmu/mmu.h"
#include "softhv/system/debug.h"
#include "softhv/testing/rig.h"

namespace softhv::testing {
namespace {

using interp::insn;

constexpr u64 kNoMemory = 0x2000'0000;
constexpr u64 kPage = 4096;

// What a program can have done by some count.
struct Picture {
  std::vector<u64> x;
  std::vector<u64> data; // from kData on
  u64 pc = 0;
  u32 nzcv = 0;
  u64 retired = 0;
  bool exited = false;
  bool operator==(const Picture&) const = default;
};

class Budget : public ::testing::TestWithParam<Engine> {
protected:
  Budget() : rig({.engine = GetParam(), .rounds_to_improve = 1}) {
    rig.tables.map(kData, kData, kDescAf | kDescInner);
    rig.tables.map(kCodeEl1 + kPage, kCodeEl1 + kPage, kDescAf | kDescInner);
    rig.tables.map(kNoMemory, kNoMemory, kDescAf | desc_attr(1));
  }
  Cpu& cpu() { return rig.cpu(); }

  // `at`: the offset of the first word from kCodeEl1.
  void load(std::initializer_list<u32> words, u64 at = 0) {
    words_ = words;
    words_.push_back(hvc(1));
    start_ = kCodeEl1 + at;
    rewind();
  }
  // Puts the machine back to the start of the program, with the count as it was then.
  void rewind() {
    for (size_t i = 0; i < words_.size(); ++i)
      rig.machine.write<u32>(start_ + 4 * i, words_[i]);
    std::memset(rig.machine.host(kData), 0, kPage);
    for (u64& x : cpu().s.x)
      x = 0;
    cpu().s.x[kRegSp] = kData + 0x800;
    cpu().s.pc = start_;
    cpu().s.pstate = {};
    cpu().s.fpsr = 0;
    cpu().mmu->context_changed();
    cpu().retired = 0;
    cpu().retire_limit = kNoRetireLimit - 1;
    cpu().exit_pending = false;
  }
  void run_to(u64 limit) {
    const GuestScope scope(cpu());
    cpu().retire_limit = limit;
    run_engine(cpu());
  }
  Picture picture() {
    const CpuState& s = cpu().s;
    const auto* data = reinterpret_cast<const u64*>(rig.machine.host(kData));
    return {{s.x, s.x + 32}, {data, data + 4}, s.pc,
            s.pstate.nzcv,   cpu().retired,    cpu().exit_pending};
  }

  // The pictures after 0, 1, ... instructions, each run by itself.
  std::vector<Picture> step_through() {
    std::vector<Picture> all{picture()};
    while (!cpu().exit_pending) {
      const GuestScope scope(cpu());
      interp::step(cpu());
      all.push_back(picture());
    }
    return all;
  }

  // Stops the program at every count, and runs it in pieces of every size.
  void compare_with_stepping() {
    const std::vector<Picture> steps = step_through();
    ASSERT_GT(steps.size(), words_.size() / 2);
    for (u64 limit = 0; limit < steps.size(); ++limit) {
      rewind();
      run_to(limit);
      ASSERT_EQ(picture(), steps[limit]) << "at " << limit;
    }
    for (u64 piece = 1; piece < 20; ++piece) {
      rewind();
      for (u64 limit = piece; !cpu().exit_pending; limit += piece) {
        run_to(limit);
        ASSERT_EQ(picture(), steps[std::min(limit, steps.size() - 1)]) << "in pieces of " << piece;
      }
    }
  }

  Rig rig;

private:
  std::vector<u32> words_;
  u64 start_ = 0;
};

std::vector<Engine> engines() {
  std::vector<Engine> found;
  for (const Engine engine : {Engine::kInterpreter, Engine::kJit})
    if (engine_available(engine))
      found.push_back(engine);
  return found;
}
INSTANTIATE_TEST_SUITE_P(Engines, Budget, ::testing::ValuesIn(engines()), [](const auto& param) {
  return param.param == Engine::kJit ? "Jit" : "Interpreter";
});

// Straight code, a loop and a skip within a block, a loop of two blocks, calls, a fault.
TEST_P(Budget, StopsAtEveryCountAsIfSteppedThere) {
  load({insn(0xd2800142, "mov x2, #10"), insn(0xd2800003, "mov x3, #0"),
        insn(0xd1000442, "sub x2, x2, #1"), insn(0x36000042, "tbz x2, #0, .+8"),
        insn(0x8b020063, "add x3, x3, x2"), insn(0xb5ffffa2, "cbnz x2, .-12"),
        insn(0xd2800064, "mov x4, #3"), insn(0x94000008, "bl .+32"),
        insn(0xd1000484, "sub x4, x4, #1"), insn(0xb5ffffc4, "cbnz x4, .-8"),
        insn(0xd503201f, "nop"), insn(0xf9400005, "ldr x5, [x0]"), // nothing is mapped there
        insn(0xd503201f, "nop"), insn(0xd503201f, "nop"), insn(0xd503201f, "nop"),
        insn(0x910004c6, "add x6, x6, #1"), insn(0xd65f03c0, "ret")});
  compare_with_stepping();
  EXPECT_EQ(cpu().s.x[3], 25U);
  EXPECT_EQ(cpu().s.x[6], 3U);
}

// All kinds of branches, within blocks and out of them, and the code in two pages.
TEST_P(Budget, StopsAtEveryCountWhateverTheBranch) {
  load({insn(0xd2800062, "mov x2, #3"),
        insn(0x100000c3, "adr x3, .+24"),
        insn(0x94000002, "bl .+8"),
        insn(0x14000009, "b .+36"),
        insn(0xf1000442, "subs x2, x2, #1"),
        insn(0x540000a1, "b.ne .+20"),
        insn(0xd65f03c0, "ret"),
        insn(0x910004c6, "add x6, x6, #1"),
        insn(0xd2800082, "mov x2, #4"),
        insn(0x14000005, "b .+20"),
        insn(0x360fff42, "tbz w2, #1, .-24"),
        insn(0x17fffff9, "b .-28"),
        insn(0x9a9f17e4, "cset x4, eq"),
        insn(0xd61f0060, "br x3"),
        insn(0x100000a5, "adr x5, .+20"),
        insn(0xd63f00a0, "blr x5"),
        insn(0xd1000442, "sub x2, x2, #1"),
        insn(0xb5ffffa2, "cbnz x2, .-12"),
        insn(0x14000006, "b .+24"),
        insn(0x340000a6, "cbz w6, .+20"),
        insn(0x37000062, "tbnz w2, #0, .+12"),
        insn(0x910004c6, "add x6, x6, #1"),
        insn(0xd503201f, "nop"),
        insn(0xd65f03c0, "ret"),
        insn(0xd503201f, "nop")},
       kPage - 40);
  compare_with_stepping();
  EXPECT_EQ(cpu().s.x[6], 3U);
}

// In its last rounds the loop's accesses reach over a page's end: it is left at its first
// instruction, for code that goes on behind it.
TEST_P(Budget, StopsAtEveryCountInALoopWhoseLooksFail) {
  rig.tables.map(kData + kPage, kData + kPage, kDescAf | kDescInner);
  load({0x9118'03e1 /* add x1, sp, #0x600 */, 0xd280'0505 /* mov x5, #40 */,
        0xf940'0422 /* ldr x2, [x1, #8] */, 0xf940'8023 /* ldr x3, [x1, #0x100] */,
        0x9100'2021 /* add x1, x1, #8 */, 0xd100'04a5 /* sub x5, x5, #1 */,
        0xb5ff'ff85 /* cbnz x5, .-16 */, 0x9100'0400 /* add x0, x0, #1 */, 0x9100'0400, 0x9100'0400,
        0x9100'0400});
  run_to(kNoRetireLimit - 1); // makes it a loop of many rounds
  rewind();
  compare_with_stepping();
}

// Accesses that miss the TLB or are misaligned, system registers and exceptional arithmetic are not
// for translated code, in the middle of a block.
TEST_P(Budget, StopsAtEveryCountAroundSlowPaths) {
  load({insn(0xd2a81001, "mov x1, #0x40800000"),
        insn(0xd2800022, "mov x2, #1"),
        insn(0xf9000022, "str x2, [x1]"),
        insn(0xb8009022, "stur w2, [x1, #9]"),
        insn(0xc85f7c23, "ldxr x3, [x1]"),
        insn(0x91001063, "add x3, x3, #4"),
        insn(0xc8047c23, "stxr w4, x3, [x1]"),
        insn(0xd5380000, "mrs x0, midr_el1"),
        insn(0xd50342df, "msr daifset, #2"),
        insn(0xd50342ff, "msr daifclr, #2"),
        insn(0xd5033f9f, "dsb sy"),
        insn(0xd5033fdf, "isb"),
        insn(0x1e6e1000, "fmov d0, #1.0"),
        insn(0x1e631861, "fdiv d1, d3, d3"),
        insn(0x9e660027, "fmov x7, d1"),
        insn(0xf9400025, "ldr x5, [x1]"),
        insn(0xf10014bf, "cmp x5, #5"),
        insn(0xf9400428, "ldr x8, [x1, #8]"),
        insn(0xd53b4206, "mrs x6, nzcv"),
        insn(0xd503201f, "nop")});
  compare_with_stepping();
  EXPECT_EQ(cpu().s.x[5], 5U);
}

// The stop is in another block than the division, whose flag stays.
TEST_P(Budget, StopsAtEveryCountWithFloatingPointFlags) {
  load({insn(0x1e6e1000, "fmov d0, #1.0"), insn(0x1e611002, "fmov d2, #3.0"),
        insn(0x1e621804, "fdiv d4, d0, d2"), insn(0x14000001, "b .+4"),
        insn(0xd53b4429, "mrs x9, fpsr"), insn(0xd503201f, "nop"), insn(0xd503201f, "nop")});
  compare_with_stepping();
  EXPECT_EQ(cpu().s.x[9], 0x10U);
}

// Each round of a loop replaces one of its instructions.
TEST_P(Budget, StopsAtEveryCountInCodeThatReplacesItself) {
  load({insn(0xd28000a5, "mov x5, #5"), insn(0x10000101, "adr x1, .+32"),
        insn(0x180001a2, "ldr w2, .+52"), insn(0xb9000022, "str w2, [x1]"),
        insn(0xd50b7b21, "dc cvau, x1"), insn(0xd5033b9f, "dsb ish"),
        insn(0xd50b7521, "ic ivau, x1"), insn(0xd5033b9f, "dsb ish"), insn(0xd5033fdf, "isb"),
        insn(0xd503201f, "nop"), insn(0x8b030108, "add x8, x8, x3"),
        insn(0x11008042, "add w2, w2, #32"), insn(0xd10004a5, "sub x5, x5, #1"),
        insn(0xb5fffec5, "cbnz x5, .-40"), insn(0x14000002, "b .+8"),
        insn(0xd2800023, "mov x3, #1"), insn(0xd503201f, "nop")});
  compare_with_stepping();
  EXPECT_EQ(cpu().s.x[8], 15U);
}

TEST_P(Budget, ALoopThatStaysInItsBlockStopsExactly) {
  load({insn(0x91000442, "add x2, x2, #1"), insn(0x17ffffff, "b .-4")});
  for (const u64 limit : {1ULL, 2ULL, 127ULL, 128ULL, 129ULL, 130ULL, 1000ULL, 100'001ULL}) {
    rewind();
    run_to(limit);
    EXPECT_EQ(cpu().retired, limit);
    EXPECT_EQ(cpu().s.x[2], (limit + 1) / 2);
    EXPECT_FALSE(cpu().exit_pending);
  }
}

// Where the budget cuts a block, no block begins: another budget ends elsewhere.
TEST_P(Budget, WhereItEndsNoBlocksBegin) {
  if (GetParam() != Engine::kJit)
    GTEST_SKIP() << "about translated blocks";
  constexpr u32 kAdd = insn(0x91000400, "add x0, x0, #1");
  load({insn(0xd2800142, "mov x2, #10"), kAdd, kAdd, kAdd, kAdd, kAdd, kAdd, kAdd, kAdd,
        insn(0xd1000442, "sub x2, x2, #1"), insn(0xb5fffee2, "cbnz x2, .-36")});
  const Counter& translated = cpu().statistics.blocks_translated;
  run_to(kNoRetireLimit - 1);
  const u64 blocks = translated.get();
  for (u64 piece = 1; piece < 9; ++piece) {
    rewind();
    for (u64 limit = piece; !cpu().exit_pending; limit += piece)
      run_to(limit);
    EXPECT_EQ(translated.get(), blocks) << "in pieces of " << piece;
  }
}

// A vCPU that is alone is not stopped for a change of turns.
TEST_P(Budget, AloneItIsAsLongAsTheNextEvent) {
  constexpr u64 kQuantum = 10;
  load({insn(0xd503201f, "nop")});
  Turns turns({.quantum = kQuantum});
  turns.run(cpu());
  EXPECT_TRUE(cpu().exit_pending);
  EXPECT_GT(cpu().retire_limit, 1000 * kQuantum);
  EXPECT_TRUE(counts_instructions(cpu()));
}

// An abort for a fetch counts as one, so that a guest that does nothing else gets on in time.
TEST_P(Budget, AFetchThatFaultsCounts) {
  load({insn(0xd2800142, "mov x2, #10")});
  cpu().s.sys.vbar_el1 = 0x7000'0000; // nothing is mapped there, nor is there anything at the PC
  cpu().s.pc = 0x7100'0000;
  run_to(1000);
  EXPECT_EQ(cpu().retired, 1000U);
  EXPECT_FALSE(cpu().exit_pending);
}

TEST_P(Budget, ATrappedRegisterReadEndsTheCountAtItself) {
  load({insn(0xd503201f, "nop"), insn(0xd5300240, "mrs x0, mdscr_el1"), insn(0xd503201f, "nop")});
  cpu().debug->trap_reg_accesses = true;
  run_to(100);
  EXPECT_TRUE(cpu().exit_pending);
  EXPECT_EQ(cpu().retired, 2U);
}

// A store to a device comes in a block of its own, and counts once.
TEST_P(Budget, AStoreToADeviceIsDoneAlone) {
  load({insn(0xd2a40001, "mov x1, #0x20000000"), insn(0xd503201f, "nop"),
        insn(0x39000022, "strb w2, [x1]"), insn(0xd503201f, "nop")});
  run_to(100);
  EXPECT_TRUE(cpu().exit_pending);
  EXPECT_EQ(cpu().exit.physical_address, kNoMemory);
  EXPECT_EQ(cpu().s.pc, kCodeEl1 + 8);
  EXPECT_EQ(cpu().retired, 3U);
  // with the limit just before it and just behind it
  for (const u64 limit : {2ULL, 3ULL}) {
    rewind();
    run_to(limit);
    EXPECT_EQ(cpu().retired, limit);
    EXPECT_EQ(cpu().exit_pending, limit == 3);
  }
}

} // namespace
} // namespace softhv::testing
