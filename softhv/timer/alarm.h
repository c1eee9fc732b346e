// SPDX-License-Identifier: Apache-2.0
// Alarms: makes running vCPUs notice that a timer has expired. One thread for each Vm sleeps until
// the earliest deadline. Moving an alarm to a later time than the thread sleeps for costs no system
// call: the thread looks again when it wakes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "softhv/timer/clock.h"

namespace softhv {
class Vm;
struct Cpu;
} // namespace softhv

namespace softhv::timer {

class AlarmThread {
public:
  AlarmThread(Vm& vm, const Clock& clock) : vm_(vm), clock_(clock) {}
  ~AlarmThread();
  AlarmThread(const AlarmThread&) = delete;
  AlarmThread& operator=(const AlarmThread&) = delete;

  // One vCPU's alarm. Rings with kAttentionInterrupt.
  class Alarm {
  public:
    Alarm(AlarmThread& thread, Cpu& cpu);
    ~Alarm();
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;

    // Rings once when the counter reaches `deadline`; replaces the earlier deadline.
    void set(u64 deadline);
    void clear() { deadline_.store(kNever, std::memory_order_relaxed); }

  private:
    friend class AlarmThread;
    AlarmThread& thread_;
    Cpu& cpu_;
    std::atomic<u64> deadline_{kNever};
  };

  // The clock has been set.
  void clock_changed();

private:
  void run();
  void poke();
  u64 ring_due_alarms();

  Vm& vm_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Alarm*> alarms_;
  std::atomic<u64> sleeps_until_{0}; // never early: 0 while the thread is awake or not started
  bool stop_ = false;
  bool poked_ = false;
  std::thread thread_;
};

} // namespace softhv::timer
