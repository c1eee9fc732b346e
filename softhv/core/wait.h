// SPDX-License-Identifier: Apache-2.0
// WFI, WFE and events (Arm ARM D1.7, B2.10): sleeping on the host until the guest has something to
// do.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "softhv/core/cpu.h"
#include "softhv/interp/op.h"

namespace softhv {

class Vm;

// Where the thread of one vCPU sleeps. Whoever makes the sleeper's condition true calls wake()
// afterwards; the condition must be made of sequentially consistent atomics.
class Waiter {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Sleeps until done() or `deadline`. By the vCPU's thread.
  template <typename Done>
  void sleep_until(TimePoint deadline, Done done);

  // Any thread. Costs a load while nobody sleeps.
  void wake() {
    if (!sleeping_.load(std::memory_order_seq_cst))
      return;
    // The sleeper is between its look at the condition and its wait, or waits: the lock tells
    // apart.
    { const std::lock_guard lock(mutex_); }
    woken_.notify_all();
  }

  // The event register (Arm ARM B2.10.1).
  void set_event() {
    event_.store(true, std::memory_order_seq_cst);
    wake();
  }
  [[nodiscard]] bool event() const { return event_.load(std::memory_order_seq_cst); }
  bool take_event() { return event_.exchange(false, std::memory_order_seq_cst); }

  // Counts the WFEs with an armed exclusive monitor. By the vCPU's thread.
  [[nodiscard]] unsigned next_monitor_wait() { return monitor_waits_++; }

  // Time slept so far. By the vCPU's thread.
  [[nodiscard]] std::chrono::nanoseconds slept() const { return slept_; }

private:
  std::mutex mutex_;
  std::condition_variable woken_;
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> event_{false};
  std::chrono::nanoseconds slept_{0};
  unsigned monitor_waits_ = 0;
};

template <typename Done>
void Waiter::sleep_until(TimePoint deadline, Done done) {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  sleeping_.store(true, std::memory_order_seq_cst);
  if (deadline == TimePoint::max())
    woken_.wait(lock, done);
  else
    woken_.wait_until(lock, deadline, done);
  sleeping_.store(false, std::memory_order_seq_cst);
  slept_ += std::chrono::steady_clock::now() - start;
}

// WFI. With a GIC: sleeps until an interrupt is pending, masked by PSTATE or not, or attention
// wants something else. Without one: leaves to the host with EC 0x01 and the PC at the instruction,
// as HVF does. Returns nullptr with cpu.s.pc set.
const interp::Op* wait_for_interrupt(Cpu& cpu, const interp::Op* op);

// WFE: sleeps until the event register is set, an unmasked interrupt is pending, or the event
// stream ticks. A vCPU whose exclusive monitor is armed sleeps only shortly: the store of another
// that would clear the monitor is not seen. Returns nullptr with cpu.s.pc past the instruction.
const interp::Op* wait_for_event(Cpu& cpu, const interp::Op* op);

// SEV: an event for every vCPU. SEVL, exception return: an event for this one.
void send_event(Vm& vm);
void send_event_local(Cpu& cpu);

} // namespace softhv
