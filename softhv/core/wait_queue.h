// SPDX-License-Identifier: Apache-2.0
// Where threads sleep until what they wait for has come true.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "arch/types.h"

namespace softhv {

// Whoever makes a sleeper's condition true calls wake() afterwards; the condition must be made of
// sequentially consistent atomics. Thread-safe.
class WaitQueue {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Sleeps until done(), or `deadline`; TimePoint::max() is none.
  template <typename Done>
  void sleep_until(TimePoint deadline, Done done) {
    std::unique_lock lock(mutex_);
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    if (deadline == TimePoint::max())
      woken_.wait(lock, done);
    else
      woken_.wait_until(lock, deadline, done);
    sleepers_.fetch_sub(1, std::memory_order_seq_cst);
  }

  // Costs a load while nobody sleeps.
  void wake() {
    if (sleepers_.load(std::memory_order_seq_cst) == 0)
      return;
    // A sleeper is between its look at the condition and its wait, or waits: the lock tells apart.
    { const std::lock_guard lock(mutex_); }
    woken_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable woken_;
  std::atomic<u32> sleepers_{0};
};

} // namespace softhv
