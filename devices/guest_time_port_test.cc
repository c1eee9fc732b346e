// SPDX-License-Identifier: Apache-2.0
// The port of runs that can be repeated, and devices at it.
#include "devices/guest_time_port.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "devices/console.h"
#include "devices/pl031.h"
#include "devices/testing/fakes.h"

namespace kindling::devices {
namespace {

constexpr u64 kSecond = 1'000'000'000;

// Rings as a machine does, when a test moves the time.
class TestClock final : public GuestTimePort::Clock {
public:
  explicit TestClock(GuestTimePort& port) : port_(port) {}
  u64 now_ns() override { return now_; }
  void set_alarm(u64 ns) override { alarm_ = ns; }
  void pass(u64 ns) {
    const u64 end = now_ + ns;
    while (alarm_ <= end) {
      now_ = std::max(now_, alarm_);
      alarm_ = EventPort::kNoAlarm;
      port_.ring();
    }
    now_ = end;
  }

private:
  GuestTimePort& port_;
  u64 now_ = 0;
  u64 alarm_ = EventPort::kNoAlarm;
};

TEST(GuestTimePortTest, RandomBytesFollowFromTheSeed) {
  const auto bytes = [](u64 seed) {
    GuestTimePort port(seed);
    std::array<u8, 37> all{};
    EXPECT_TRUE(port.random({all.data(), 5}));
    EXPECT_TRUE(port.random(std::span(all).subspan(5)));
    return all;
  };
  EXPECT_EQ(bytes(1), bytes(1));
  EXPECT_NE(bytes(1), bytes(2));
}

TEST(GuestTimePortTest, TimeGoesOnFromOneMachineToTheNext) {
  GuestTimePort port(0);
  EXPECT_EQ(port.monotonic_ns(), 0U);
  TestClock first(port);
  port.connect(&first);
  first.pass(5 * kSecond);
  EXPECT_EQ(port.monotonic_ns(), 5 * kSecond);
  port.connect(nullptr);
  EXPECT_EQ(port.monotonic_ns(), 5 * kSecond);
  TestClock second(port);
  port.connect(&second);
  second.pass(kSecond);
  EXPECT_EQ(port.monotonic_ns(), 6 * kSecond);
  EXPECT_EQ(port.wall_clock_ns(), GuestTimePort::kEpochSeconds * kSecond + 6 * kSecond);
}

TEST(GuestTimePortTest, AlarmsRingInOrderOfTimeAndThenOfSetting) {
  GuestTimePort port(0);
  TestClock clock(port);
  port.connect(&clock);
  std::vector<std::pair<char, u64>> rung;
  const std::array<int, 4> owners{};
  const auto set = [&](int owner, u64 ns, char name) {
    port.set_alarm(&owners[owner], ns, [&, name] { rung.emplace_back(name, port.monotonic_ns()); });
  };
  set(3, 30, 'x');
  set(2, 20, 'b');
  set(1, 10, 'a');
  set(3, 20, 'c'); // replaces its first
  set(0, 15, 'y');
  port.set_alarm(&owners[0], EventPort::kNoAlarm, {});
  clock.pass(100);
  const std::vector<std::pair<char, u64>> expected = {{'a', 10}, {'b', 20}, {'c', 20}};
  EXPECT_EQ(rung, expected);
}

TEST(GuestTimePortTest, TheClockDeviceInterruptsAtItsMatch) {
  GuestTimePort port(0);
  TestClock clock(port);
  port.connect(&clock);
  clock.pass(kSecond / 2);
  testing::IrqRecord irq;
  Pl031 rtc(testing::line_to(irq), port);
  constexpr u64 kDr = 0, kMr = 4, kImsc = 16, kIcr = 28;
  const auto now = static_cast<u32>(rtc.read(kDr, 4));
  EXPECT_EQ(now, GuestTimePort::kEpochSeconds);
  rtc.write(kMr, 4, now + 3);
  rtc.write(kImsc, 4, 1);
  clock.pass(2 * kSecond + kSecond / 2 - 1);
  EXPECT_FALSE(irq.high());
  clock.pass(1);
  EXPECT_TRUE(irq.high());
  rtc.write(kIcr, 4, 1);
  rtc.write(kMr, 4, now + 4);
  rtc.write(kImsc, 4, 0);
  clock.pass(10 * kSecond);
  EXPECT_FALSE(irq.high());
}

TEST(ConsoleScriptTest, GivesWhatThereIs) {
  ConsoleScript script({1, 2, 3});
  std::array<u8, 2> to{};
  EXPECT_EQ(script.read(to), 2U);
  EXPECT_EQ(to, (std::array<u8, 2>{1, 2}));
  EXPECT_EQ(script.read(to), 1U);
  EXPECT_EQ(to[0], 3);
  EXPECT_EQ(script.read(to), 0U);
}

} // namespace
} // namespace kindling::devices
