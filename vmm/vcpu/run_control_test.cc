// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/run_control.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <semaphore>
#include <thread>

namespace kindling::vmm {
namespace {

// A vCPU that stays "in the guest" until it is kicked, like one that spins or sleeps in WFI.
class FakeVcpu {
public:
  FakeVcpu(RunControl& control, unsigned index, unsigned kicks_to_lose = 0)
      : control_(control), index_(index), kicks_to_lose_(kicks_to_lose),
        thread_([this] { main(); }) {
    entered_.acquire();
  }
  ~FakeVcpu() { thread_.join(); }

  [[nodiscard]] bool in_guest() const { return in_guest_; }
  [[nodiscard]] std::thread::id thread_id() const { return thread_.get_id(); }
  void leave_for_good() {
    leave_ = true;
    kick();
  }

private:
  void kick() {
    kicked_.store(true);
    kicked_.notify_all();
  }
  void main() {
    control_.attach(index_, [this] {
      if (kicks_to_lose_ == 0) {
        kick();
      } else {
        --kicks_to_lose_;
      }
    });
    while (control_.checkpoint(index_) && !leave_) {
      in_guest_ = true;
      if (std::exchange(first_, false)) {
        entered_.release();
      }
      kicked_.wait(false);
      kicked_ = false;
      in_guest_ = false;
    }
    control_.detach(index_);
  }

  RunControl& control_;
  unsigned index_;
  unsigned kicks_to_lose_;
  bool first_ = true;
  std::atomic<bool> leave_{false};
  std::atomic<bool> kicked_{false};
  std::atomic<bool> in_guest_{false};
  std::binary_semaphore entered_{0};
  std::thread thread_;
};

TEST(RunControl, StopsAndResumesEveryVcpu) {
  RunControl control(3);
  FakeVcpu a(control, 0);
  FakeVcpu b(control, 2);
  for (int round = 0; round < 50; ++round) {
    ASSERT_TRUE(control.stop_all().ok());
    EXPECT_TRUE(control.stopped());
    EXPECT_FALSE(a.in_guest());
    EXPECT_FALSE(b.in_guest());
    control.resume_all();
  }
  control.end();
}

TEST(RunControl, ALostKickIsRepeated) {
  RunControl control(1);
  FakeVcpu vcpu(control, 0, 3);
  ASSERT_TRUE(control.stop_all().ok());
  EXPECT_FALSE(vcpu.in_guest());
  control.resume_all();
  control.end();
}

TEST(RunControl, StopsNest) {
  RunControl control(1);
  FakeVcpu vcpu(control, 0);
  ASSERT_TRUE(control.stop_all().ok());
  ASSERT_TRUE(control.stop_all().ok());
  control.resume_all();
  EXPECT_TRUE(control.stopped());
  control.resume_all();
  EXPECT_FALSE(control.stopped());
  control.end();
}

TEST(RunControl, AVcpuThatWaitsForPowerCountsAsStoppedAndStaysSo) {
  RunControl control(1);
  std::atomic<bool> due{false};
  std::atomic<bool> ran{false};
  std::binary_semaphore attached{0};
  std::thread thread([&] {
    control.attach(0, [] {});
    attached.release();
    if (control.wait_until(0, [&] { return due.load(); })) {
      ran = true;
    }
    control.detach(0);
  });
  attached.acquire();
  ASSERT_TRUE(control.stop_all().ok());
  due = true;
  control.notify(); // CPU_ON while stopped: starts only after resume
  EXPECT_TRUE(control.stopped());
  EXPECT_FALSE(ran);
  control.resume_all();
  thread.join();
  EXPECT_TRUE(ran);
}

TEST(RunControl, AVcpuThatDiesDuringAStopDoesNotHoldItUp) {
  RunControl control(2);
  auto dying = std::make_unique<FakeVcpu>(control, 0, 1000000);
  FakeVcpu other(control, 1);
  std::thread stopper([&] {
    EXPECT_TRUE(control.stop_all().ok());
    control.resume_all();
  });
  dying->leave_for_good();
  stopper.join();
  dying.reset();
  control.end();
}

TEST(RunControl, AStopCanBeCancelled) {
  RunControl control(1);
  std::binary_semaphore in_guest{0};
  std::binary_semaphore leave{0};
  std::thread stuck([&] {
    control.attach(0, [] {});
    control.checkpoint(0);
    in_guest.release();
    leave.acquire(); // in a device, say
    EXPECT_TRUE(control.checkpoint(0)) << "nothing is left stopped";
    control.detach(0);
  });
  in_guest.acquire();
  std::stop_source cancel;
  std::thread canceller([&] { cancel.request_stop(); });
  const Status status = control.stop_all(cancel.get_token());
  EXPECT_FALSE(status.ok());
  canceller.join();
  leave.release();
  stuck.join();
}

TEST(RunControl, AParticipantCannotStopAll) {
  RunControl control(1);
  control.attach(0, [] {});
  EXPECT_FALSE(control.stop_all().ok());
  control.detach(0);
  EXPECT_TRUE(control.stop_all().ok());
  control.resume_all();
}

TEST(RunControl, EndReachesThoseWhoWaitAndRefusesFurtherStops) {
  RunControl control(2);
  FakeVcpu running(control, 0);
  std::binary_semaphore attached{0};
  std::thread off([&] {
    control.attach(1, [] {});
    attached.release();
    EXPECT_FALSE(control.wait_until(1, [] { return false; }));
    control.detach(1);
  });
  attached.acquire();
  control.end();
  EXPECT_FALSE(control.stop_all().ok());
  off.join();
}

TEST(RunControl, GuardResumes) {
  RunControl control(1);
  FakeVcpu vcpu(control, 0);
  {
    auto stopped = StoppedVcpus::stop(control);
    ASSERT_TRUE(stopped.ok());
    EXPECT_TRUE(control.stopped());
  }
  EXPECT_FALSE(control.stopped());
  control.end();
}

TEST(RunControl, WorkRunsOnEveryStoppedVcpusOwnThread) {
  RunControl control(4);
  FakeVcpu a(control, 0);
  FakeVcpu b(control, 1);
  std::binary_semaphore attached{0};
  std::thread off([&] { // one that waits to be turned on
    control.attach(3, [] {});
    attached.release();
    while (control.wait_until(3, [] { return false; })) {
    }
    control.detach(3);
  });
  attached.acquire();
  std::array<std::atomic<std::thread::id>, 4> ran{};
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(control.stop_all().ok());
    control.run_on_stopped([&](unsigned index) { ran[index] = std::this_thread::get_id(); });
    EXPECT_FALSE(a.in_guest());
    EXPECT_EQ(ran[0].load(), a.thread_id());
    EXPECT_EQ(ran[1].load(), b.thread_id());
    EXPECT_EQ(ran[2].load(), std::thread::id());
    EXPECT_EQ(ran[3].load(), off.get_id());
    for (auto& id : ran) {
      id = std::thread::id();
    }
    control.resume_all();
  }
  control.end();
  off.join();
}

} // namespace
} // namespace kindling::vmm
