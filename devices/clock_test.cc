// SPDX-License-Identifier: Apache-2.0
// The PL031 and the boot timer.
#include <gtest/gtest.h>

#include "devices/boot_timer.h"
#include "devices/pl031.h"
#include "devices/testing/fakes.h"

namespace kindling::devices {
namespace {

enum Reg : u64 { kDr = 0, kMr = 4, kLr = 8, kCr = 12, kImsc = 16, kRis = 20, kMis = 24, kIcr = 28 };
constexpr u64 kSecond = 1'000'000'000;

class Clock : public ::testing::Test {
protected:
  u32 get(u64 reg) { return static_cast<u32>(rtc.read(reg, 4)); }
  void set(u64 reg, u32 value) { rtc.write(reg, 4, value); }
  void pass(u64 seconds) { port.wall_ns += seconds * kSecond; }

  testing::IrqRecord irq;
  testing::FakeEventPort port; // 1000 s
  Pl031 rtc{testing::line_to(irq), port};
};

TEST_F(Clock, CountsSeconds) {
  EXPECT_EQ(get(kDr), 1000U);
  pass(5);
  EXPECT_EQ(get(kDr), 1005U);
  EXPECT_EQ(get(kCr), 1U);
  set(kCr, 0);
  EXPECT_EQ(get(kCr), 1U);
  set(kLr, 70);
  EXPECT_EQ(get(kLr), 70U);
  EXPECT_EQ(get(kDr), 70U);
  pass(1);
  EXPECT_EQ(get(kDr), 71U);
  EXPECT_EQ(get(kLr), 70U);
}

TEST_F(Clock, Identifies) {
  const u32 ids[] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
  for (u64 i = 0; i < 8; ++i) {
    EXPECT_EQ(get(0xfe0 + 4 * i), ids[i]);
  }
  EXPECT_EQ(get(0x20), 0U);
  EXPECT_EQ(get(0xfdc), 0U);
}

TEST_F(Clock, WrongAccessesAreIgnored) {
  EXPECT_EQ(rtc.read(kDr, 8), 0U);
  EXPECT_EQ(rtc.read(2, 4), 0U);
  rtc.write(kLr, 2, 5);
  rtc.write(kDr, 4, 5);
  EXPECT_EQ(get(kDr), 1000U);
}

TEST_F(Clock, MatchesOnce) {
  set(kMr, 1003);
  pass(2);
  EXPECT_EQ(get(kRis), 0U);
  pass(1);
  EXPECT_EQ(get(kRis), 1U);
  EXPECT_EQ(get(kMis), 0U);
  EXPECT_FALSE(irq.high());
  set(kImsc, 1);
  EXPECT_EQ(get(kMis), 1U);
  EXPECT_TRUE(irq.high());
  set(kIcr, 1);
  EXPECT_FALSE(irq.high());
  EXPECT_EQ(get(kRis), 0U);
  pass(10);
  EXPECT_EQ(get(kRis), 0U) << "it is past";
}

TEST_F(Clock, MatchesWhenPassedBetweenLooks) {
  set(kMr, 1003);
  pass(100);
  EXPECT_EQ(get(kRis), 1U);
}

TEST_F(Clock, MatchesAtOnce) {
  set(kMr, 1000);
  EXPECT_EQ(get(kRis), 1U);
  set(kIcr, 1);
  set(kMr, 7);
  set(kLr, 7);
  EXPECT_EQ(get(kRis), 1U);
}

TEST_F(Clock, TheHostsClockGoesBack) {
  set(kMr, 1003);
  port.wall_ns -= 50 * kSecond;
  EXPECT_EQ(get(kRis), 0U);
  EXPECT_EQ(get(kDr), 950U);
  pass(53);
  EXPECT_EQ(get(kRis), 1U);
}

TEST_F(Clock, SaveRestoreReset) {
  set(kLr, 5000);
  set(kMr, 5001);
  set(kImsc, 1);
  pass(1);
  EXPECT_EQ(get(kMis), 1U);
  const std::vector<u8> state = rtc.save();
  rtc.reset();
  EXPECT_FALSE(irq.high());
  EXPECT_EQ(get(kMr), 0U);
  EXPECT_EQ(get(kImsc), 0U);
  EXPECT_EQ(get(kDr), 5001U) << "time goes on";
  ASSERT_TRUE(rtc.restore(state).ok());
  EXPECT_TRUE(irq.high());
  EXPECT_EQ(get(kMr), 5001U);
  EXPECT_EQ(rtc.save(), state);
  EXPECT_FALSE(rtc.restore(std::span(state).first(7)).ok());
}

TEST(ClockAlarm, InterruptsByItself) {
  testing::IrqRecord irq;
  HostEventPort port;
  Pl031 rtc(testing::line_to(irq), port);
  rtc.write(kImsc, 4, 1);
  rtc.write(kMr, 4, static_cast<u32>(rtc.read(kDr, 4)) + 1);
  irq.wait_until_high();
  EXPECT_EQ(rtc.read(kMis, 4), 1U);
}

TEST(BootTimer, ReportsOnce) {
  testing::FakeEventPort port;
  std::vector<u64> reports;
  BootTimer timer(port, [&](u64 ms) { reports.push_back(ms); });
  port.boot_ns += 42'900'000;
  timer.write(0, 1, 122);
  timer.write(1, 1, 123);
  timer.write(0, 4, 123);
  EXPECT_TRUE(reports.empty());
  timer.write(0, 1, 123);
  timer.write(0, 1, 123);
  EXPECT_EQ(reports, (std::vector<u64>{42}));
  EXPECT_EQ(timer.read(0, 1), 0U);
  const std::vector<u8> state = timer.save();

  timer.reset();
  port.boot_ns += 7'000'000;
  timer.write(0, 1, 123);
  timer.start(port.boot_ns - 1'000'000);
  timer.write(0, 1, 123);
  EXPECT_EQ(reports, (std::vector<u64>{42, 7, 1}));

  timer.reset();
  ASSERT_TRUE(timer.restore(state).ok());
  timer.write(0, 1, 123);
  EXPECT_EQ(reports.size(), 3U) << "it had reported when it was saved";
  EXPECT_FALSE(timer.restore({}).ok());
}

} // namespace
} // namespace kindling::devices
