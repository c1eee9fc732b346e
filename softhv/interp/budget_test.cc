// SPDX-License-Identifier: Apache-2.0
// The rules of core/budget.h: stopping exactly at a count, wherever it falls.
#include <gtest/gtest.h>

#include "softhv/core/budget.h"
#include "softhv/core/shootdown.h"
#include "softhv/interp/insn.h"
#include "softhv/interp/interpreter.h"
#include "softhv/mmu/mmu.h"
#include "softhv/system/debug.h"
#include "softhv/testing/rig.h"

namespace softhv::testing {
namespace {

using interp::insn;

constexpr u64 kNoMemory = 0x2000'0000;

// What a program can have done by some count.
struct Picture {
  std::vector<u64> x;
  u64 pc = 0;
  u32 nzcv = 0;
  u64 retired = 0;
  bool exited = false;
  bool operator==(const Picture&) const = default;
};

class Budget : public ::testing::Test {
protected:
  Budget() {
    rig.tables.map(kData, kData, kDescAf | kDescInner);
    rig.tables.map(kNoMemory, kNoMemory, kDescAf | desc_attr(1));
  }
  Cpu& cpu() { return rig.cpu(); }

  // Puts the vCPU back to the start of the program, with the count as it was then.
  void load(std::initializer_list<u32> words) {
    u64 at = kCodeEl1;
    for (const u32 word : words) {
      rig.machine.write<u32>(at, word);
      at += 4;
    }
    rig.machine.write<u32>(at, hvc(1));
    rewind();
  }
  void rewind() {
    for (u64& x : cpu().s.x)
      x = 0;
    cpu().s.x[kRegSp] = kData + 0x800;
    cpu().s.pc = kCodeEl1;
    cpu().s.pstate = {};
    cpu().mmu->context_changed();
    cpu().retired = 0;
    cpu().retire_limit = kNoRetireLimit - 1;
    cpu().exit_pending = false;
  }
  void run_to(u64 limit) {
    const GuestScope scope(cpu());
    cpu().retire_limit = limit;
    interp::run(cpu());
  }
  Picture picture() {
    const CpuState& s = cpu().s;
    return {{s.x, s.x + 32}, s.pc, s.pstate.nzcv, cpu().retired, cpu().exit_pending};
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

  Rig rig;
};

// Straight code, a loop and a skip within a block, a loop of two blocks, calls, a fault.
TEST_F(Budget, StopsAtEveryCountAsIfSteppedThere) {
  load({insn(0xd2800142, "mov x2, #10"), insn(0xd2800003, "mov x3, #0"),
        insn(0xd1000442, "sub x2, x2, #1"), insn(0x36000042, "tbz x2, #0, .+8"),
        insn(0x8b020063, "add x3, x3, x2"), insn(0xb5ffffa2, "cbnz x2, .-12"),
        insn(0xd2800064, "mov x4, #3"), insn(0x94000008, "bl .+32"),
        insn(0xd1000484, "sub x4, x4, #1"), insn(0xb5ffffc4, "cbnz x4, .-8"),
        insn(0xd503201f, "nop"), insn(0xf9400005, "ldr x5, [x0]"), // nothing is mapped there
        insn(0xd503201f, "nop"), insn(0xd503201f, "nop"), insn(0xd503201f, "nop"),
        insn(0x910004c6, "add x6, x6, #1"), insn(0xd65f03c0, "ret")});
  const std::vector<Picture> steps = step_through();
  ASSERT_GT(steps.size(), 50U);
  EXPECT_EQ(cpu().s.x[3], 25U);
  EXPECT_EQ(cpu().s.x[6], 3U);
  for (u64 limit = 0; limit < steps.size(); ++limit) {
    rewind();
    run_to(limit);
    EXPECT_EQ(picture(), steps[limit]) << "at " << limit;
  }
  // In pieces of every size.
  for (u64 piece = 1; piece < 20; ++piece) {
    rewind();
    for (u64 limit = piece; !cpu().exit_pending; limit += piece)
      run_to(limit);
    EXPECT_EQ(picture(), steps.back()) << "in pieces of " << piece;
  }
}

TEST_F(Budget, ALoopThatStaysInItsBlockStopsExactly) {
  load({insn(0x91000442, "add x2, x2, #1"), insn(0x17ffffff, "b .-4")});
  for (const u64 limit : {1ULL, 2ULL, 127ULL, 128ULL, 129ULL, 130ULL, 1000ULL, 100'001ULL}) {
    rewind();
    run_to(limit);
    EXPECT_EQ(cpu().retired, limit);
    EXPECT_EQ(cpu().s.x[2], (limit + 1) / 2);
    EXPECT_FALSE(cpu().exit_pending);
  }
}

// An abort for a fetch counts as one, so that a guest that does nothing else gets on in time.
TEST_F(Budget, AFetchThatFaultsCounts) {
  load({insn(0xd2800142, "mov x2, #10")});
  cpu().s.sys.vbar_el1 = 0x7000'0000; // nothing is mapped there, nor is there anything at the PC
  cpu().s.pc = 0x7100'0000;
  run_to(1000);
  EXPECT_EQ(cpu().retired, 1000U);
  EXPECT_FALSE(cpu().exit_pending);
}

TEST_F(Budget, ATrappedRegisterReadEndsTheCountAtItself) {
  load({insn(0xd503201f, "nop"), insn(0xd5300240, "mrs x0, mdscr_el1"), insn(0xd503201f, "nop")});
  cpu().debug->trap_reg_accesses = true;
  run_to(100);
  EXPECT_TRUE(cpu().exit_pending);
  EXPECT_EQ(cpu().retired, 2U);
}

// A store to a device comes in a block of its own, and counts once.
TEST_F(Budget, AStoreToADeviceIsDoneAlone) {
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
