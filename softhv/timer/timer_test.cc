// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include <gtest/gtest.h>

#include "softhv/core/interrupts.h"
#include "softhv/core/vm.h"
#include "softhv/core/wait.h"
#include "softhv/gic/cpu_interface.h"
#include "softhv/gic/gic.h"
#include "softhv/interp/op.h"
#include "softhv/timer/generic_timer.h"

namespace softhv::timer {
namespace {

using namespace std::chrono_literals;

constexpr u64 kEnable = 1;
constexpr u64 kImask = 2;
constexpr u64 kIstatus = 4;

// Time that passes when the test says so.
class FakeClock final : public Clock {
public:
  [[nodiscard]] u64 now() const override { return ticks; }
  [[nodiscard]] u64 ns() const override { return ticks * 125 / 3; }
  void set_ns(u64 ns) override { ticks = ns * 3 / 125; }
  [[nodiscard]] std::chrono::steady_clock::time_point host_time(u64 deadline) const override {
    return deadline <= ticks ? std::chrono::steady_clock::time_point::min()
                             : std::chrono::steady_clock::time_point::max();
  }
  std::atomic<u64> ticks{1'000'000};
};

class TimerTest : public ::testing::Test {
protected:
  explicit TimerTest(bool with_gic = true) {
    auto owned = std::make_unique<FakeClock>();
    clock = owned.get();
    vm = std::make_unique<Vm>(40, std::move(owned));
    if (with_gic)
      vm->gic = std::make_unique<gic::Gic>(
          *vm, gic::Config{.distributor_base = 0x10000000, .redistributor_base = 0x20000000});
    cpu = vm->create_cpu();
  }
  GenericTimer& timer() { return *cpu->timer; }
  bool ppi_pending(u32 intid) {
    u64 value = 0;
    EXPECT_TRUE(vm->internal_read(*cpu, 0x20000000 + 0x10200, 4, value));
    return (value >> intid & 1) != 0;
  }

  FakeClock* clock;
  std::unique_ptr<Vm> vm;
  Cpu* cpu;
};

TEST(ClockTest, TicksAndHostTimeAreInverse) {
  EXPECT_EQ(ticks_of(1s), kFrequency);
  EXPECT_EQ(ticks_of(1000ns), 24U);
  EXPECT_EQ(ticks_of(41ns), 0U);
  EXPECT_EQ(ticks_of(42ns), 1U);
  EXPECT_EQ(ticks_of(std::chrono::nanoseconds(INT64_MAX)), 221360928884514619ULL); // no overflow
  const HostClock clock;
  for (const u64 deadline : {1ULL, 2ULL, 3ULL, 24ULL, 1'000'001ULL, 123456789012345ULL}) {
    const auto when = clock.host_time(deadline).time_since_epoch();
    EXPECT_GE(ticks_of(when), deadline);
    EXPECT_LT(ticks_of(when - 1ns), deadline);
  }
  EXPECT_EQ(clock.host_time(kNever), std::chrono::steady_clock::time_point::max());
  EXPECT_EQ(clock.host_time(1ULL << 62), std::chrono::steady_clock::time_point::max());
  const u64 before = clock.now();
  EXPECT_GE(clock.now(), before);
}

TEST_F(TimerTest, CountersDifferByTheOffset) {
  timer().set_virtual_offset(1000);
  EXPECT_EQ(timer().read(Register::kCntpctEl0), 1'000'000U);
  EXPECT_EQ(timer().read(Register::kCntvctEl0), 999'000U);
  timer().set_virtual_offset(2'000'000);
  EXPECT_EQ(timer().read(Register::kCntvctEl0), static_cast<u64>(-1'000'000));
  timer().write(Register::kCntvctEl0, 5); // read-only
  EXPECT_EQ(timer().read(Register::kCntpctEl0), 1'000'000U);
}

TEST_F(TimerTest, TimerValueIsASigned32BitDistance) {
  timer().write(Register::kCntvTvalEl0, 500);
  EXPECT_EQ(timer().read(Register::kCntvCvalEl0), 1'000'500U);
  EXPECT_EQ(timer().read(Register::kCntvTvalEl0), 500U);
  clock->ticks += 600;
  EXPECT_EQ(timer().read(Register::kCntvTvalEl0), 0xffffff9cU); // -100, upper half zero
  timer().write(Register::kCntpTvalEl0, 0xffffffff);
  EXPECT_EQ(timer().read(Register::kCntpCvalEl0), 1'000'599U);
  timer().write(Register::kCntpTvalEl0, 0x1'00000007);
  EXPECT_EQ(timer().read(Register::kCntpCvalEl0), 1'000'607U);
}

TEST_F(TimerTest, ControlShowsTheConditionWhileEnabled) {
  timer().write(Register::kCntpCvalEl0, 1'000'100);
  timer().write(Register::kCntpCtlEl0, ~0ULL);
  EXPECT_EQ(timer().read(Register::kCntpCtlEl0), kEnable | kImask);
  clock->ticks = 1'000'099;
  EXPECT_EQ(timer().read(Register::kCntpCtlEl0), kEnable | kImask);
  clock->ticks = 1'000'100;
  EXPECT_EQ(timer().read(Register::kCntpCtlEl0), kEnable | kImask | kIstatus);
  timer().write(Register::kCntpCtlEl0, 0);
  EXPECT_EQ(timer().read(Register::kCntpCtlEl0), 0U);
}

TEST_F(TimerTest, CompareIsUnsigned) {
  timer().write(Register::kCntvCtlEl0, kEnable);
  timer().write(Register::kCntvCvalEl0, ~0ULL); // how Linux parks a timer
  EXPECT_FALSE(timer().virtual_asserted());
  EXPECT_EQ(timer().next_deadline(), kNever);
  timer().write(Register::kCntvCvalEl0, 0);
  EXPECT_TRUE(timer().virtual_asserted());
}

TEST_F(TimerTest, OutputsDriveTheirPpisAsLevels) {
  timer().write(Register::kCntvCvalEl0, 1'000'100);
  timer().write(Register::kCntvCtlEl0, kEnable);
  timer().write(Register::kCntpCvalEl0, 1'000'200);
  timer().write(Register::kCntpCtlEl0, kEnable);
  EXPECT_FALSE(ppi_pending(27));
  EXPECT_EQ(timer().next_deadline(), 1'000'100U);
  clock->ticks = 1'000'150;
  EXPECT_TRUE(ppi_pending(27));
  EXPECT_FALSE(ppi_pending(30));
  EXPECT_EQ(timer().next_deadline(), 1'000'200U);
  clock->ticks = 1'000'200;
  EXPECT_TRUE(ppi_pending(30));
  EXPECT_EQ(timer().next_deadline(), kNever);
  timer().write(Register::kCntvCtlEl0, kEnable | kImask);
  EXPECT_FALSE(ppi_pending(27));
  timer().write(Register::kCntpCvalEl0, 2'000'000);
  EXPECT_FALSE(ppi_pending(30));
}

TEST_F(TimerTest, OffsetMovesTheVirtualTimerOnly) {
  timer().write(Register::kCntvCvalEl0, 1'000'000);
  timer().write(Register::kCntvCtlEl0, kEnable);
  EXPECT_TRUE(ppi_pending(27));
  timer().set_virtual_offset(1000);
  EXPECT_FALSE(ppi_pending(27));
  EXPECT_EQ(timer().next_deadline(), 1'001'000U);
}

TEST_F(TimerTest, EventStreamFollowsABitOfTheVirtualCounter) {
  EXPECT_EQ(timer().next_stream_event(), kNever);
  clock->ticks = 0x1000;
  cpu->s.sys.cntkctl_el1 = 1 << 2 | 4 << 4; // rising edges of bit 4
  EXPECT_EQ(timer().next_stream_event(), 0x1010U);
  clock->ticks = 0x1010;
  EXPECT_EQ(timer().next_stream_event(), 0x1030U);
  cpu->s.sys.cntkctl_el1 |= 1 << 3; // falling
  EXPECT_EQ(timer().next_stream_event(), 0x1020U);
  timer().set_virtual_offset(0x8);
  EXPECT_EQ(timer().next_stream_event(), 0x1028U);
}

TEST_F(TimerTest, ResetStopsTheTimersAndKeepsTheOffset) {
  timer().set_virtual_offset(7);
  timer().write(Register::kCntvCvalEl0, 0);
  timer().write(Register::kCntvCtlEl0, kEnable);
  timer().reset();
  EXPECT_EQ(timer().read(Register::kCntvCtlEl0), 0U);
  EXPECT_FALSE(ppi_pending(27));
  EXPECT_EQ(timer().virtual_offset(), 7U);
}

class TimerWithoutGicTest : public TimerTest {
protected:
  TimerWithoutGicTest() : TimerTest(false) {}
};

TEST_F(TimerWithoutGicTest, VirtualTimerExitsOnceAndMasksItself) {
  timer().write(Register::kCntvCvalEl0, 1'000'100);
  timer().write(Register::kCntvCtlEl0, kEnable);
  EXPECT_FALSE(deliver_pending_interrupt(*cpu));
  clock->ticks = 1'000'100;
  EXPECT_TRUE(deliver_pending_interrupt(*cpu));
  EXPECT_TRUE(cpu->exit_pending);
  EXPECT_EQ(cpu->exit.reason, ExitReason::kVtimerActivated);
  EXPECT_TRUE(timer().virtual_masked());
  cpu->exit_pending = false;
  EXPECT_FALSE(deliver_pending_interrupt(*cpu));
  timer().set_virtual_masked(false);
  EXPECT_TRUE(deliver_pending_interrupt(*cpu));
}

TEST_F(TimerWithoutGicTest, PhysicalTimerInterruptsNobody) {
  timer().write(Register::kCntpCvalEl0, 0);
  timer().write(Register::kCntpCtlEl0, kEnable);
  EXPECT_FALSE(deliver_pending_interrupt(*cpu));
  EXPECT_EQ(timer().read(Register::kCntpCtlEl0), kEnable | kIstatus);
}

// Time that passes between any two looks at it, as it does for a thread that the host keeps
// waiting. The thread that made it does not sleep.
class RestlessClock final : public Clock {
public:
  [[nodiscard]] u64 now() const override { return ++ticks; }
  [[nodiscard]] u64 ns() const override { return ticks * 125 / 3; }
  void set_ns(u64 ns) override { ticks = ns * 3 / 125; }
  [[nodiscard]] std::chrono::steady_clock::time_point host_time(u64 deadline) const override {
    if (std::this_thread::get_id() != owner_)
      return std::chrono::steady_clock::time_point::max();
    sleeps_for_ever = sleeps_for_ever || deadline == kNever;
    return std::chrono::steady_clock::time_point::min();
  }
  mutable std::atomic<u64> ticks{1'000'000};
  mutable bool sleeps_for_ever = false;

private:
  const std::thread::id owner_ = std::this_thread::get_id();
};

// However the deadline falls between what WFI and the timer do, the interrupt ends the wait.
TEST(RestlessTimerTest, WfiSeesATimerThatExpiresOnTheWayToSleep) {
  auto owned = std::make_unique<RestlessClock>();
  RestlessClock& clock = *owned;
  Vm vm(40, std::move(owned));
  vm.gic = std::make_unique<gic::Gic>(
      vm, gic::Config{.distributor_base = 0x10000000, .redistributor_base = 0x20000000});
  Cpu* cpu = vm.create_cpu();
  ASSERT_TRUE(vm.internal_write(*cpu, 0x10000000, 4, gic::kCtlrEnableGroup1));
  ASSERT_TRUE(vm.internal_write(*cpu, 0x20000000 + 0x10100, 4, 1U << 27));
  ASSERT_TRUE(cpu->gic->write(gic::kIccPmrEl1, 0xf0));
  ASSERT_TRUE(cpu->gic->write(gic::kIccIgrpen1El1, 1));
  const interp::Op wfi;
  for (u64 distance = 1; distance < 40; ++distance) {
    cpu->timer->write(Register::kCntvCtlEl0, 0);
    cpu->timer->write(Register::kCntvCvalEl0, clock.ticks + distance);
    cpu->timer->write(Register::kCntvCtlEl0, kEnable);
    for (u64 waits = 0; cpu->interrupt_lines == 0 && waits < distance; ++waits) {
      cpu->attention = 0;
      wait_for_interrupt(*cpu, &wfi);
    }
    EXPECT_NE(cpu->interrupt_lines, 0U) << distance;
    EXPECT_FALSE(clock.sleeps_for_ever) << distance;
  }
}

// The alarm asks a vCPU that runs guest code, played here by a loop, for attention.
TEST(AlarmTest, RingsWhenTheDeadlineComes) {
  Vm vm(40);
  Cpu* cpu = vm.create_cpu();
  cpu->attention = 0;
  const u64 start = vm.clock->now();
  cpu->timer->write(Register::kCntvCvalEl0, start + kFrequency / 200);
  cpu->timer->write(Register::kCntvCtlEl0, kEnable);
  while ((cpu->attention.load() & kAttentionInterrupt) == 0)
    std::this_thread::yield();
  EXPECT_GE(vm.clock->now(), start + kFrequency / 200);
}

TEST(AlarmTest, RingsWhenTheClockIsSetBeyondTheDeadline) {
  Vm vm(40);
  Cpu* cpu = vm.create_cpu();
  cpu->timer->write(Register::kCntvCvalEl0, vm.clock->now() + 3600 * kFrequency);
  cpu->timer->write(Register::kCntvCtlEl0, kEnable);
  cpu->attention = 0;
  vm.set_time_ns(vm.time_ns() + 3'601'000'000'000);
  while ((cpu->attention.load() & kAttentionInterrupt) == 0)
    std::this_thread::yield();
}

TEST(AlarmTest, AnEarlierDeadlineReplacesALaterOneAndTheOtherWayRound) {
  Vm vm(40);
  Cpu* cpu = vm.create_cpu();
  Cpu* other = vm.create_cpu();
  const u64 start = vm.clock->now();
  other->timer->write(Register::kCntvCvalEl0, start + 3600 * kFrequency);
  other->timer->write(Register::kCntvCtlEl0, kEnable);
  cpu->timer->write(Register::kCntvCtlEl0, kEnable);
  cpu->timer->write(Register::kCntvCvalEl0, start + 3600 * kFrequency);
  cpu->attention = 0;
  other->attention = 0;
  cpu->timer->write(Register::kCntvCvalEl0, vm.clock->now() + kFrequency / 1000);
  while ((cpu->attention.load() & kAttentionInterrupt) == 0)
    std::this_thread::yield();
  EXPECT_EQ(other->attention.load() & kAttentionInterrupt, 0U);
}

// A sleeper wakes at its deadline, and at once when woken.
TEST(WaiterTest, DeadlineAndWake) {
  Waiter waiter;
  std::atomic<bool> flag{false};
  waiter.sleep_until(std::chrono::steady_clock::now() + 1ms, [&] { return flag.load(); });
  EXPECT_GE(waiter.slept(), 1ms);
  for (int i = 0; i < 2000; ++i) {
    flag = false;
    std::thread waker([&] {
      flag = true;
      waiter.wake();
    });
    waiter.sleep_until(Waiter::TimePoint::max(), [&] { return flag.load(); });
    waker.join();
  }
}

} // namespace
} // namespace softhv::timer
