// SPDX-License-Identifier: Apache-2.0
// The exclusive monitor, compare-and-swap pairs, and atomicity and order between two vCPUs.
#include <thread>

#include <gtest/gtest.h>

#include "softhv/interp/insn.h"
#include "softhv/testing/rig.h"

namespace softhv::testing {
namespace {

using interp::insn;

class Exclusive : public ::testing::Test {
protected:
  Exclusive() {
    for (u64 page = 0; page < 4; ++page)
      rig.tables.map(kData + page * 0x1000, kData + page * 0x1000,
                     kDescAf | kDescInner | kDescUser | kDescUxn);
    x(1) = kData;
  }

  u64& x(unsigned n) { return rig.cpu().s.x[n]; }
  u64 memory(u64 address) { return rig.machine.read<u64>(address); }
  void fill(u64 low, u64 high) {
    rig.machine.write<u64>(kData, low);
    rig.machine.write<u64>(kData + 8, high);
  }

  Rig rig;
};

TEST_F(Exclusive, StoresOnceAfterALoad) {
  fill(5, 0);
  x(2) = 6;
  EXPECT_TRUE(
      rig.execute(0, {insn(0xc85f7c23, "ldxr x3, [x1]"), insn(0xc8047c22, "stxr w4, x2, [x1]"),
                      insn(0xc8057c22, "stxr w5, x2, [x1]")})
          .completed);
  EXPECT_EQ(x(3), 5U);
  EXPECT_EQ(x(4), 0U);
  EXPECT_EQ(x(5), 1U);
  EXPECT_EQ(memory(kData), 6U);
}

TEST_F(Exclusive, FailsWithoutALoadOrAfterClrex) {
  fill(5, 0);
  x(2) = 6;
  EXPECT_TRUE(rig.execute(0, {insn(0xd5033f5f, "clrex"), insn(0xc8047c22, "stxr w4, x2, [x1]"),
                              insn(0xc85f7c23, "ldxr x3, [x1]"), insn(0xd5033f5f, "clrex"),
                              insn(0xc805fc22, "stlxr w5, x2, [x1]")})
                  .completed);
  EXPECT_EQ(x(4), 1U);
  EXPECT_EQ(x(5), 1U);
  EXPECT_EQ(memory(kData), 5U);
}

TEST_F(Exclusive, FailsElsewhereAndAfterAnExceptionReturn) {
  fill(5, 5);
  x(2) = 6;
  EXPECT_TRUE(rig.execute(0, {insn(0xc85f7c23, "ldxr x3, [x1]"), insn(0x91002026, "add x6, x1, #8"),
                              insn(0xc8047cc2, "stxr w4, x2, [x6]")})
                  .completed);
  EXPECT_EQ(x(4), 1U);
  EXPECT_EQ(memory(kData + 8), 5U);
  // eret between the two: to the stxr after it
  EXPECT_TRUE(
      rig.execute(1, {insn(0x100000c7, "adr x7, .+24"), insn(0xd5184027, "msr elr_el1, x7"),
                      insn(0xd28078a8, "mov x8, #0x3c5"), insn(0xd5184008, "msr spsr_el1, x8"),
                      insn(0xc85f7c23, "ldxr x3, [x1]"), insn(0xd69f03e0, "eret"),
                      insn(0xc8047c22, "stxr w4, x2, [x1]")})
          .completed);
  EXPECT_EQ(x(4), 1U);
  EXPECT_EQ(memory(kData), 5U);
}

TEST_F(Exclusive, FailsWhenTheValueChanged) {
  fill(5, 0);
  x(2) = 6;
  x(6) = 7;
  EXPECT_TRUE(rig.execute(0, {insn(0xc85f7c23, "ldxr x3, [x1]"), insn(0xf9000026, "str x6, [x1]"),
                              insn(0xc8047c22, "stxr w4, x2, [x1]")})
                  .completed);
  EXPECT_EQ(x(4), 1U);
  EXPECT_EQ(memory(kData), 7U);
}

TEST_F(Exclusive, ComparesBothHalvesOfAPair) {
  fill(5, 6);
  x(2) = 8;
  x(3) = 9;
  EXPECT_TRUE(rig.execute(0, {insn(0xc87f9424, "ldaxp x4, x5, [x1]"),
                              insn(0xc8268c22, "stlxp w6, x2, x3, [x1]")})
                  .completed);
  EXPECT_EQ(x(4), 5U);
  EXPECT_EQ(x(5), 6U);
  EXPECT_EQ(x(6), 0U);
  EXPECT_EQ(memory(kData), 8U);
  EXPECT_EQ(memory(kData + 8), 9U);
  EXPECT_TRUE(
      rig.execute(0, {insn(0xc87f1424, "ldxp x4, x5, [x1]"), insn(0xf900043f, "str xzr, [x1, #8]"),
                      insn(0xc8260c22, "stxp w6, x2, x3, [x1]")})
          .completed);
  EXPECT_EQ(x(6), 1U);
  EXPECT_EQ(memory(kData), 8U);
  EXPECT_EQ(memory(kData + 8), 0U);
}

TEST_F(Exclusive, PairsOfWordsAreInMemoryOrder) {
  fill(0x2222'2222'1111'1111, 0);
  x(2) = 0xaaaa'aaaa'3333'3333;
  x(3) = 0xbbbb'bbbb'4444'4444;
  EXPECT_TRUE(rig.execute(0, {insn(0x887f1424, "ldxp w4, w5, [x1]"),
                              insn(0x88260c22, "stxp w6, w2, w3, [x1]")})
                  .completed);
  EXPECT_EQ(x(4), 0x1111'1111U);
  EXPECT_EQ(x(5), 0x2222'2222U);
  EXPECT_EQ(x(6), 0U);
  EXPECT_EQ(memory(kData), 0x4444'4444'3333'3333U);
}

TEST_F(Exclusive, CompareAndSwapReturnsWhatWasThere) {
  fill(5, 0);
  x(2) = 5;
  x(3) = 6;
  EXPECT_TRUE(rig.execute(0, {insn(0xc8a27c23, "cas x2, x3, [x1]"), insn(0xd28009a4, "mov x4, #77"),
                              insn(0xc8a47c23, "cas x4, x3, [x1]")})
                  .completed);
  EXPECT_EQ(x(2), 5U);
  EXPECT_EQ(x(4), 6U);
  EXPECT_EQ(memory(kData), 6U);
  fill(0xffff'ffff'ffff'ff80, 0);
  x(2) = 0x1234'5680; // only the byte is compared
  x(3) = 1;
  EXPECT_TRUE(rig.execute(0, {insn(0x08a27c23, "casb w2, w3, [x1]")}).completed);
  EXPECT_EQ(x(2), 0x80U);
  EXPECT_EQ(memory(kData), 0xffff'ffff'ffff'ff01U);
}

TEST_F(Exclusive, ComparesAndSwapsPairs) {
  fill(5, 6);
  x(2) = 5;
  x(3) = 6;
  x(4) = 8;
  x(5) = 9;
  EXPECT_TRUE(rig.execute(0, {insn(0x4862fc24, "caspal x2, x3, x4, x5, [x1]")}).completed);
  EXPECT_EQ(memory(kData), 8U);
  EXPECT_EQ(memory(kData + 8), 9U);
  EXPECT_TRUE(rig.execute(0, {insn(0x4862fc24, "caspal x2, x3, x4, x5, [x1]")}).completed);
  EXPECT_EQ(x(2), 8U);
  EXPECT_EQ(x(3), 9U);
  // X30 with XZR as the second of both pairs
  fill(30, 0);
  x(30) = 30;
  EXPECT_TRUE(rig.execute(0, {insn(0x487e7c3e, "casp x30, xzr, x30, xzr, [x1]")}).completed);
  EXPECT_EQ(memory(kData), 30U);
  fill(30, 1);
  x(30) = 30;
  x(2) = 4;
  x(3) = 5;
  EXPECT_TRUE(rig.execute(0, {insn(0x487e7c22, "casp x30, xzr, x2, x3, [x1]"),
                              insn(0xaa1f03e6, "mov x6, xzr")})
                  .completed);
  EXPECT_EQ(x(30), 30U);
  EXPECT_EQ(x(6), 0U);
  EXPECT_EQ(memory(kData + 8), 1U);
}

// Runs the same program on two vCPUs at once. X0 is the vCPU's number, X1 kData.
class Parallel : public ::testing::Test {
protected:
  Parallel() : rig(12, 2) {
    for (u64 page = 0; page < 4; ++page)
      rig.tables.map(kData + page * 0x1000, kData + page * 0x1000,
                     kDescAf | kDescInner | kDescUser | kDescUxn);
  }

  void run_on_both(std::initializer_list<u32> words) {
    std::thread other([&] { run(1, words); });
    run(0, words);
    other.join();
  }

  Rig rig;

private:
  void run(unsigned n, std::initializer_list<u32> words) {
    rig.cpu(n).s.x[0] = n;
    rig.cpu(n).s.x[1] = kData;
    EXPECT_TRUE(rig.execute(0, words, n).completed);
  }
};

constexpr u64 kRounds = 20'000;

TEST_F(Parallel, AtomicAddsLoseNothing) {
  run_on_both({insn(0xd289c402, "mov x2, #20000"), insn(0xd2800023, "mov x3, #1"),
               insn(0xf823003f, "stadd x3, [x1]"), insn(0xd1000442, "sub x2, x2, #1"),
               insn(0xb5ffffc2, "cbnz x2, .-8")});
  EXPECT_EQ(rig.machine.read<u64>(kData), 2 * kRounds);
}

TEST_F(Parallel, ExclusiveLoopsLoseNothing) {
  run_on_both({insn(0xd289c402, "mov x2, #20000"), insn(0xc85f7c23, "ldxr x3, [x1]"),
               insn(0x91000463, "add x3, x3, #1"), insn(0xc8047c23, "stxr w4, x3, [x1]"),
               insn(0x35ffffa4, "cbnz w4, .-12"), insn(0xd1000442, "sub x2, x2, #1"),
               insn(0xb5ffff62, "cbnz x2, .-20")});
  EXPECT_EQ(rig.machine.read<u64>(kData), 2 * kRounds);
}

TEST_F(Parallel, CompareAndSwapOfPairsIsAtomic) {
  // both halves count together
  run_on_both({insn(0xd289c402, "mov x2, #20000"), insn(0xa9401424, "ldp x4, x5, [x1]"),
               insn(0xaa0403e8, "mov x8, x4"), insn(0x91000486, "add x6, x4, #1"),
               insn(0x910008a7, "add x7, x5, #2"), insn(0x4864fc26, "caspal x4, x5, x6, x7, [x1]"),
               insn(0xeb08009f, "cmp x4, x8"), insn(0x54ffff41, "b.ne .-24"),
               insn(0xd1000442, "sub x2, x2, #1"), insn(0xb5ffff02, "cbnz x2, .-32")});
  EXPECT_EQ(rig.machine.read<u64>(kData), 2 * kRounds);
  EXPECT_EQ(rig.machine.read<u64>(kData + 8), 4 * kRounds);
}

// Peterson's lock: correct only while a store-release is not passed by a later load-acquire.
// [x1] and [x1, #64] are the flags, [x1, #128] the turn, [x1, #192] what the lock protects. One
// round in some ten thousand would go wrong.
TEST_F(Parallel, StoreReleaseIsNotPassedByLoadAcquire) {
  run_on_both(
      {insn(0xd29d4c02, "mov x2, #60000"), insn(0x8b001823, "add x3, x1, x0, lsl #6"), // own flag
       insn(0xd2400004, "eor x4, x0, #1"),
       insn(0x8b041825, "add x5, x1, x4, lsl #6"), // the other's flag
       insn(0x91020026, "add x6, x1, #128"), insn(0xd2800027, "mov x7, #1"),
       insn(0xc89ffc67, "stlr x7, [x3]"),                                    // lock:
       insn(0xc89ffcc4, "stlr x4, [x6]"), insn(0xc8dffca8, "ldar x8, [x5]"), // wait:
       insn(0xb4000088, "cbz x8, .+16"), insn(0xc8dffcc9, "ldar x9, [x6]"),
       insn(0xeb04013f, "cmp x9, x4"), insn(0x54ffff80, "b.eq .-16"),
       insn(0xf940602a, "ldr x10, [x1, #192]"), insn(0x9100054a, "add x10, x10, #1"),
       insn(0xf900602a, "str x10, [x1, #192]"), insn(0xc89ffc7f, "stlr xzr, [x3]"), // unlock
       insn(0xd1000442, "sub x2, x2, #1"), insn(0xb5fffe82, "cbnz x2, .-48")});
  EXPECT_EQ(rig.machine.read<u64>(kData + 192), 2 * 60'000U);
}

} // namespace
} // namespace softhv::testing
