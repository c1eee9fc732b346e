// SPDX-License-Identifier: Apache-2.0
// vCPUs on threads of their own: shootdowns complete, and code written by one is executed by
// another.
#include <thread>

#include <gtest/gtest.h>

#include "softhv/testing/rig.h"

namespace softhv::testing {
namespace {

constexpr u64 kShared = 0x12'3456'0000;
constexpr u64 kCode = 0x12'3457'0000;
constexpr u64 kCodeAlias = 0x12'3458'0000;
constexpr u64 kReadWrite = kDescAf | kDescInner | kDescUxn | kDescPxn;

class Smp : public ::testing::Test {
protected:
  Smp() : rig(12, 2) {
    rig.machine.load("smp_code", kData + 0x10'0000);
    for (u64 at = 0; at < 0x4000; at += 0x1000)
      rig.tables.map(kProgram + at, kData + 0x10'0000 + at, kDescAf | kDescInner | kDescUxn);
    rig.tables.map(kShared, kData, kReadWrite);
    rig.tables.map(kCode, kData + 0x1000, kDescAf | kDescInner | kDescUxn);
    rig.tables.map(kCodeAlias, kData + 0x1000, kReadWrite);
    for (unsigned n = 0; n < 2; ++n) {
      rig.machine.x(19, n) = n;
      rig.machine.x(20, n) = kShared;
      rig.machine.x(21, n) = kCode;
      rig.machine.x(22, n) = kCodeAlias;
      rig.machine.x(23, n) = kRounds;
      rig.machine.x(24, n) = kData;
    }
  }

  // Runs both vCPUs from the program's entry `index` until each is done.
  void run(unsigned index, u64 half = 0) {
    Outcome outcomes[2];
    std::thread other([&] { outcomes[1] = rig.run_at(1, half | (kProgram + 4 * index), 1); });
    outcomes[0] = rig.run_at(1, half | (kProgram + 4 * index), 0);
    other.join();
    for (const Outcome& outcome : outcomes)
      EXPECT_TRUE(outcome.completed) << std::hex << outcome.esr << ' ' << outcome.elr;
  }

  static constexpr u64 kProgram = 0x12'3460'0000;
  static constexpr u64 kRounds = 2000;
  Rig rig;
};

// vCPU 0 writes `mov x0, #n; ret` for n = 1.., vCPU 1 calls it and checks that it gets n.
TEST_F(Smp, CodeWrittenByOneRunsOnAnother) {
  run(0);
  EXPECT_EQ(rig.machine.x(0, 1), 0) << "calls that returned an old value";
}

// Each vCPU moves a page of its own between two frames with TLBI VAE1IS; the other one reads it.
TEST_F(Smp, BothInvalidateAtOnce) {
  for (unsigned n = 0; n < 2; ++n) {
    rig.tables.map(kShared + 0x1'0000 + n * 0x1000, kData + 0x2000, kDescAf | kDescInner);
    rig.tables.map(kShared + 0x2'0000 + n * 0x1000,
                   rig.tables.slot(kShared + 0x1'0000, 3) & ~0xfffULL, kReadWrite);
  }
  for (unsigned n = 0; n < 2; ++n)
    rig.machine.x(25, n) = rig.machine.read<u64>(rig.tables.slot(kShared + 0x1'0000, 3));
  rig.machine.write<u64>(kData + 0x2000, 0x2000);
  rig.machine.write<u64>(kData + 0x3000, 0x3000);
  run(1);
  EXPECT_EQ(rig.machine.x(0, 0), 0) << "reads through an old translation";
  EXPECT_EQ(rig.machine.x(0, 1), 0) << "reads through an old translation";
}

// The page is of an address space that vCPU 1 keeps leaving and coming back to.
TEST_F(Smp, InvalidatesWhatTheOtherHasPutAside) {
  constexpr u64 kUpper = 0xffffULL << 48;
  constexpr u64 kPage = 0x12'3459'0000;
  constexpr u64 kFrame[] = {kData + 0x2000, kData + 0x3000};
  rig.tables.map(kPage, kFrame[0], kReadWrite | kDescNonGlobal);
  const u64 slot = rig.tables.slot(kPage, 3);
  rig.tables.map(kUpper | kShared, kData, kReadWrite);
  for (unsigned n = 0; n < 2; ++n)
    rig.tables.map(kUpper | (kShared + 0x1000 * (n + 1)), kFrame[n], kReadWrite);
  rig.tables.map(kUpper | (kShared + 0x3000), slot & ~0xfffULL, kReadWrite);
  for (u64 at = 0; at < 0x4000; at += 0x1000)
    rig.tables.map(kUpper | (kProgram + at), kData + 0x10'0000 + at,
                   kDescAf | kDescInner | kDescUxn);
  const u64 descriptor = rig.machine.read<u64>(slot);
  for (unsigned n = 0; n < 2; ++n) {
    rig.machine.x(20, n) = kUpper | kShared;
    rig.machine.x(21, n) = kPage;
    rig.machine.x(22, n) = kUpper | (kShared + 0x3000 + (slot & 0xfff));
    rig.machine.x(25, n) = n == 0 ? descriptor : rig.tables.root() | 1ULL << 48;
    rig.machine.x(26, n) = n == 0 ? descriptor + 0x1000 : rig.tables.root() | 2ULL << 48;
    rig.machine.x(27, n) = kUpper | (kShared + 0x1000);
    rig.machine.x(28, n) = kUpper | (kShared + 0x2000);
  }
  run(2, kUpper);
  EXPECT_EQ(rig.machine.x(0, 1), 0) << "reads through an old translation";
}

} // namespace
} // namespace softhv::testing
