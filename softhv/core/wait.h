// SPDX-License-Identifier: Apache-2.0
// WFI, WFE and events (Arm ARM D1.7, B2.10): sleeping on the host until the guest has something to
// do.
#pragma once

#include <atomic>
#include <chrono>

#include "softhv/core/cpu.h"
#include "softhv/core/wait_queue.h"
#include "softhv/interp/op.h"

namespace softhv {

class Vm;

// Where the thread of one vCPU sleeps, by the rules of WaitQueue.
class Waiter {
public:
  using TimePoint = WaitQueue::TimePoint;

  // Sleeps until done() or `deadline`. By the vCPU's thread.
  template <typename Done>
  void sleep_until(TimePoint deadline, Done done) {
    const auto start = std::chrono::steady_clock::now();
    queue_.sleep_until(deadline, done);
    slept_ += std::chrono::steady_clock::now() - start;
  }

  // Any thread.
  void wake() { queue_.wake(); }

  // The event register (Arm ARM B2.10.1).
  void set_event() {
    event_.store(true, std::memory_order_seq_cst);
    wake();
  }
  [[nodiscard]] bool event() const { return event_.load(std::memory_order_seq_cst); }
  bool take_event() { return event_.exchange(false, std::memory_order_seq_cst); }

  // Counts the WFEs with an armed exclusive monitor. By the vCPU's thread.
  [[nodiscard]] unsigned next_monitor_wait() { return monitor_waits_++; }

  // Counts the YIELDs. By the vCPU's thread.
  [[nodiscard]] unsigned next_yield() { return yields_++; }

  // Time slept so far. By the vCPU's thread.
  [[nodiscard]] std::chrono::nanoseconds slept() const { return slept_; }

private:
  WaitQueue queue_;
  std::atomic<bool> event_{false};
  std::chrono::nanoseconds slept_{0};
  unsigned monitor_waits_ = 0;
  unsigned yields_ = 0;
};

// WFI. With a GIC: sleeps until an interrupt is pending, masked by PSTATE or not, or attention
// wants something else. Without one: leaves to the host with EC 0x01 and the PC at the instruction,
// as HVF does. Returns nullptr with cpu.s.pc set.
const interp::Op* wait_for_interrupt(Cpu& cpu, const interp::Op* op);

// WFE: sleeps until the event register is set, an unmasked interrupt is pending, or the event
// stream ticks. A vCPU whose exclusive monitor is armed sleeps only shortly: the store of another
// that would clear the monitor is not seen. Returns nullptr with cpu.s.pc past the instruction.
const interp::Op* wait_for_event(Cpu& cpu, const interp::Op* op);

// YIELD: the guest waits in a loop for another vCPU, which may have no core of the host's.
void yield_core(Cpu& cpu);

// SEV: an event for every vCPU. SEVL, exception return: an event for this one.
void send_event(Vm& vm);
void send_event_local(Cpu& cpu);

} // namespace softhv
