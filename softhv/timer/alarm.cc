// SPDX-License-Identifier: Apache-2.0
#include "softhv/timer/alarm.h"

#include <algorithm>

#include "softhv/core/vm.h"

namespace softhv::timer {

AlarmThread::~AlarmThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

AlarmThread::Alarm::Alarm(AlarmThread& thread, Cpu& cpu) : thread_(thread), cpu_(cpu) {
  const std::lock_guard lock(thread_.mutex_);
  thread_.alarms_.push_back(this);
}

AlarmThread::Alarm::~Alarm() {
  const std::lock_guard lock(thread_.mutex_);
  std::erase(thread_.alarms_, this);
}

void AlarmThread::Alarm::set(u64 deadline) {
  // Sequentially consistent, as is run()'s store of sleeps_until_ before its look at the deadlines:
  // either this thread sees that the sleep is too long, or that one sees the deadline.
  deadline_.store(deadline, std::memory_order_seq_cst);
  const u64 sleeps_until = thread_.sleeps_until_.load(std::memory_order_seq_cst);
  if (sleeps_until != 0 && sleeps_until <= deadline)
    return;
  thread_.poke();
}

void AlarmThread::poke() {
  {
    const std::lock_guard lock(mutex_);
    poked_ = true;
    if (!thread_.joinable())
      thread_ = std::thread([this] { run(); });
  }
  changed_.notify_all();
}

void AlarmThread::clock_changed() {
  if (sleeps_until_.load(std::memory_order_seq_cst) != 0)
    poke();
}

u64 AlarmThread::ring_due_alarms() {
  const u64 now = clock_.now();
  u64 next = kNever;
  for (Alarm* alarm : alarms_) {
    u64 deadline = alarm->deadline_.load(std::memory_order_seq_cst);
    if (deadline <= now) {
      // Lost to a concurrent set(): that one pokes this thread.
      if (alarm->deadline_.compare_exchange_strong(deadline, kNever))
        vm_.wake(alarm->cpu_, kAttentionInterrupt);
      continue;
    }
    next = std::min(next, deadline);
  }
  return next;
}

void AlarmThread::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    poked_ = false;
    sleeps_until_.store(0, std::memory_order_seq_cst);
    const u64 next = ring_due_alarms();
    sleeps_until_.store(next, std::memory_order_seq_cst);
    // A deadline set meanwhile, before it could see sleeps_until_, has poked: it saw 0.
    const auto woken = [this] { return stop_ || poked_; };
    const auto until = clock_.host_time(next);
    if (next == kNever || until == std::chrono::steady_clock::time_point::max())
      changed_.wait(lock, woken);
    else
      changed_.wait_until(lock, until, woken);
  }
}

} // namespace softhv::timer
