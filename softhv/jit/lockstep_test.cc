// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/lockstep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "softhv/fp/context.h"
#include "softhv/interp/interpreter.h"
#include "softhv/testing/rig.h"

namespace softhv::jit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::hvc;
using testing::kData;
using testing::kLdrX0X1;
using testing::kNop;
using testing::kRamBase;
using testing::kStrX0X1;
using testing::Machine;
using testing::Outcome;
using testing::Rig;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

constexpr u32 kAddX0X0X2 = 0x8b02'0000;  // add x0, x0, x2
constexpr u32 kSubsX3X0X2 = 0xeb02'0003; // subs x3, x0, x2
constexpr u32 kDmbIsh = 0xd503'3bbf;
constexpr u32 kMrsX0Cntvct = 0xd53b'e040; // mrs x0, cntvct_el0
constexpr u32 kBBack2 = 0x17ff'fffe;      // b .-8

ir::Block lift(const std::vector<u32>& words) {
  alignas(4096) static u8 page[kTlbPageSize];
  std::memset(page, 0, sizeof page);
  std::memcpy(page, words.data(), words.size() * 4);
  return Lockstep::lift(page, 0, {});
}

TEST(LockstepBlocks, EndBeforeInstructionsThatMustRunOnce) {
  EXPECT_EQ(lift({kAddX0X0X2, kMrsX0Cntvct, kNop, kBBack2}).words.size(), 1U);
  const ir::Block alone = lift({kMrsX0Cntvct, kNop, kBBack2});
  EXPECT_EQ(alone.words.size(), 1U);
  EXPECT_EQ(Lockstep::repeatable(alone), 0U);
  const ir::Block whole = lift({kAddX0X0X2, kDmbIsh, kStrX0X1, kBBack2});
  EXPECT_EQ(whole.words.size(), 4U);
  EXPECT_EQ(Lockstep::repeatable(whole), 4U);
}

// The block stands at the start of RAM; the test plays the translation.
class LockstepRun : public ::testing::Test {
protected:
  void prepare(const std::vector<u32>& words) {
    std::vector<u32> code = words;
    code.push_back(kBBack2);
    machine.load_words(code);
    lockstep.add(&code_, Lockstep::lift(machine.host(kRamBase), 0, {}), {});
    cpu().s.x[1] = kData;
    cpu().s.x[0] = 7;
    cpu().s.x[2] = 5;
  }
  void step(unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      interp::step(cpu());
  }
  Cpu& cpu() { return machine.cpu(); }

  Machine machine;
  u64 invalidations = 0;
  Lockstep lockstep{machine.cpu(), invalidations};
  const int code_ = 0;
};

TEST_F(LockstepRun, UndoesWhatWasInterpreted) {
  prepare({kAddX0X0X2, kStrX0X1, kSubsX3X0X2});
  machine.write<u64>(kData, 1);
  ASSERT_TRUE(lockstep.begin(&code_));
  EXPECT_EQ(cpu().s.x[0], 7U);
  EXPECT_EQ(cpu().s.pc, kRamBase);
  EXPECT_EQ(machine.read<u64>(kData), 1U);
  step(4);
  EXPECT_TRUE(lockstep.finish()) << lockstep.report();
  EXPECT_EQ(machine.read<u64>(kData), 12U);
  EXPECT_EQ(cpu().statistics.lockstep_checked.get(), 4U);
}

TEST_F(LockstepRun, FindsAWrongRegister) {
  prepare({kAddX0X0X2, kSubsX3X0X2});
  ASSERT_TRUE(lockstep.begin(&code_));
  step(3);
  cpu().s.x[3] ^= 0x100;
  ASSERT_FALSE(lockstep.finish());
  EXPECT_THAT(lockstep.report(),
              AllOf(HasSubstr("8b020000"), HasSubstr("eb020003"),
                    HasSubstr("x3               interpreter 0000000000000007  jit "
                              "0000000000000107")));
#ifdef SOFTHV_CAPSTONE
  EXPECT_THAT(lockstep.report(), HasSubstr("subs x3, x0, x2"));
#endif
}

TEST_F(LockstepRun, FindsWrongFlags) {
  prepare({kSubsX3X0X2});
  ASSERT_TRUE(lockstep.begin(&code_));
  step(2);
  cpu().s.pstate.nzcv ^= kFlagC;
  ASSERT_FALSE(lockstep.finish());
  EXPECT_THAT(lockstep.report(), HasSubstr("nzcv"));
}

TEST_F(LockstepRun, FindsWrongVectorsAndStatus) {
  prepare({kNop});
  ASSERT_TRUE(lockstep.begin(&code_));
  step(2);
  cpu().s.v[31].d[1] = 1;
  cpu().s.fpsr = 1;
  ASSERT_FALSE(lockstep.finish());
  EXPECT_THAT(lockstep.report(), AllOf(HasSubstr("v31.d[1]"), HasSubstr("fpsr")));
}

TEST_F(LockstepRun, FindsAWrongStore) {
  prepare({kStrX0X1});
  ASSERT_TRUE(lockstep.begin(&code_));
  step(2);
  machine.write<u64>(kData, 8);
  ASSERT_FALSE(lockstep.finish());
  EXPECT_THAT(lockstep.report(),
              HasSubstr("memory 0000000040800000: interpreter 0700000000000000  jit "
                        "0800000000000000"));
}

TEST_F(LockstepRun, FindsAWrongCount) {
  cpu().retire_limit = kNoRetireLimit - 1;
  prepare({kAddX0X0X2, kNop});
  ASSERT_TRUE(lockstep.begin(&code_));
  EXPECT_EQ(cpu().retired, 0U);
  step(3);
  ++cpu().retired;
  ASSERT_FALSE(lockstep.finish());
  EXPECT_THAT(lockstep.report(), HasSubstr("instructions     interpreter 3  jit 4"));
}

TEST_F(LockstepRun, WhatTheHostWroteMeanwhileIsNoDifference) {
  prepare({kLdrX0X1, kAddX0X0X2});
  machine.write<u64>(kData, 1);
  ASSERT_TRUE(lockstep.begin(&code_));
  machine.write<u64>(kData, 2);
  step(3);
  EXPECT_TRUE(lockstep.finish()) << lockstep.report();
  EXPECT_EQ(cpu().s.x[0], 7U);
}

TEST_F(LockstepRun, AccessesWithoutMemoryAreMadeOnce) {
  prepare({kAddX0X0X2, kStrX0X1});
  cpu().s.x[1] = 0x1000; // nothing there: leaves to the host
  EXPECT_FALSE(lockstep.begin(&code_));
  EXPECT_EQ(cpu().s.x[0], 12U);
  EXPECT_TRUE(cpu().exit_pending);
  EXPECT_EQ(cpu().exit.physical_address, 0x1000U);
  EXPECT_EQ(cpu().retired, 2U);
  EXPECT_TRUE(lockstep.finish());
  EXPECT_GT(cpu().statistics.lockstep_unchecked.get(), 0U);
}

// With the JIT itself.

EngineOptions lockstep_options() {
  EngineOptions options;
  options.engine = softhv::Engine::kJit;
  options.lockstep = true;
  return options;
}

TEST(LockstepEngine, RightCodeRuns) {
  Rig rig(lockstep_options());
  Cpu& cpu = rig.cpu();
  rig.tables.map(kData, kData, testing::kDescAf | testing::kDescInner | testing::kDescUser);
  for (const unsigned el : {0U, 1U}) {
    cpu.s.x[0] = 7;
    cpu.s.x[1] = kData;
    cpu.s.x[2] = 5;
    EXPECT_TRUE(rig.execute(el, {kAddX0X0X2, kStrX0X1, kLdrX0X1, kSubsX3X0X2}).completed);
    EXPECT_EQ(cpu.s.x[3], 7U);
  }
  EXPECT_GE(cpu.statistics.lockstep_checked.get(), 8U);
}

TEST(LockstepEngine, WhetherEl0MayClearBlocksIsReadOfWhatTheKernelSaysNow) {
  constexpr u32 kMrsX0Dczid = 0xd53b'00e0;
  constexpr u64 kDze = 1 << 14;
  Rig rig(lockstep_options());
  Cpu& cpu = rig.cpu();
  for (const bool allowed : {true, false, true}) {
    cpu.s.sys.sctlr_el1 = (cpu.s.sys.sctlr_el1 & ~kDze) | (allowed ? kDze : 0);
    cpu.s.x[0] = ~0ULL;
    EXPECT_TRUE(rig.execute(0, {kMrsX0Dczid, kNop}).completed);
    EXPECT_EQ(cpu.s.x[0], allowed ? 4U : 0x14U);
  }
  EXPECT_GE(cpu.statistics.lockstep_checked.get(), 3U);
}

TEST(LockstepEngine, FpsrHasWhatTheHostRaisedAndIsCleared) {
  constexpr u32 kFdivD0D1D2 = 0x1e62'1820;
  constexpr u32 kMrsX3Fpsr = 0xd53b'4423;
  constexpr u32 kMrsX4Fpsr = 0xd53b'4424;
  constexpr u32 kMrsX5Fpsr = 0xd53b'4425;
  constexpr u32 kMsrFpsrX6 = 0xd51b'4426;
  constexpr u64 kOne = 0x3ff0'0000'0000'0000;
  constexpr u64 kThree = 0x4008'0000'0000'0000;
  constexpr u64 kHalf = 0x3fe0'0000'0000'0000;
  constexpr u64 kMost = 0x7fef'ffff'ffff'ffff;
  constexpr u64 kSignalling = 0x7ff4'0000'0000'0000;
  struct Case {
    u64 a, b;
    u32 raised;
  };
  constexpr Case kCases[] = {{kOne, kOne, 0},
                             {kOne, kThree, fp::kFpsrIxc},
                             {kOne, 0, fp::kFpsrDzc},
                             {0, 0, fp::kFpsrIoc},
                             {kSignalling, kOne, fp::kFpsrIoc},
                             {kMost, kHalf, fp::kFpsrOfc | fp::kFpsrIxc},
                             {1, kThree, fp::kFpsrUfc | fp::kFpsrIxc}};
  for (const Case& c : kCases) {
    Rig rig(lockstep_options());
    Cpu& cpu = rig.cpu();
    cpu.s.v[1] = {.d = {c.a, 0}};
    cpu.s.v[2] = {.d = {c.b, 0}};
    cpu.s.fpsr = fp::kFpsrQc;
    cpu.s.x[6] = ~0ULL << 5;
    EXPECT_TRUE(
        rig.execute(0, {kFdivD0D1D2, kMrsX3Fpsr, kMsrFpsrX6, kMrsX4Fpsr, kFdivD0D1D2, kMrsX5Fpsr})
            .completed);
    EXPECT_EQ(cpu.s.x[3], fp::kFpsrQc | c.raised);
    EXPECT_EQ(cpu.s.x[4], fp::kFpsrQc | fp::kFpsrIdc);
    EXPECT_EQ(cpu.s.x[5], fp::kFpsrQc | fp::kFpsrIdc | c.raised);
    EXPECT_GE(cpu.statistics.lockstep_checked.get(), 1U);
  }
}

// At every count: blocks that are compared, that are not, and instructions by themselves.
TEST(LockstepEngine, StopsAtCounts) {
  Rig rig(lockstep_options());
  Cpu& cpu = rig.cpu();
  rig.tables.map(kData, kData, testing::kDescAf | testing::kDescInner);
  cpu.s.x[1] = kData;
  for (u64 limit = 1; limit <= 6; ++limit) {
    cpu.retired = 0;
    cpu.retire_limit = limit;
    const Outcome outcome = rig.execute(1, {kAddX0X0X2, kStrX0X1, kMrsX0Cntvct, kSubsX3X0X2, kNop});
    EXPECT_EQ(cpu.retired, limit);
    EXPECT_EQ(cpu.s.pc, limit == 6 ? testing::kCodeEl1 + 24 : testing::kCodeEl1 + 4 * limit);
    EXPECT_EQ(cpu.exit_pending, limit == 6);
    EXPECT_EQ(outcome.completed, limit == 6);
  }
  EXPECT_GT(cpu.statistics.lockstep_checked.get(), 0U);
}

TEST(LockstepEngine, FaultsAreCompared) {
  Rig rig(lockstep_options());
  rig.cpu().s.x[1] = 0x123'4000; // not mapped
  const Outcome outcome = rig.execute(0, {kAddX0X0X2, kLdrX0X1});
  EXPECT_EQ(outcome.ec(), 0x24U);
  EXPECT_EQ(outcome.far, 0x123'4000U);
  EXPECT_GE(rig.cpu().statistics.lockstep_checked.get(), 2U);
}

TEST(LockstepEngine, StopsAtAMistranslation) {
  EngineOptions options = lockstep_options();
  options.mistranslated = kAddX0X0X2;
  Rig rig(options);
  rig.cpu().s.x[0] = 7;
  rig.cpu().s.x[2] = 5;
  CaptureStderr();
  const Outcome outcome = rig.execute(1, {kNop, kAddX0X0X2, kNop});
  const std::string report = GetCapturedStderr();
  EXPECT_TRUE(outcome.exited);
  EXPECT_EQ(outcome.exit.reason, ExitReason::kUnknown);
  EXPECT_THAT(report, AllOf(HasSubstr("lockstep: the engines differ"), HasSubstr("8b020000"),
                            HasSubstr("x0               interpreter 000000000000000c  jit "
                                      "0000000000000007")));
}

} // namespace
} // namespace softhv::jit
