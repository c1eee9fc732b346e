// SPDX-License-Identifier: Apache-2.0
#include "softhv/timer/clock.h"

namespace softhv::timer {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// 24 ticks are 1000 ns. Dividing first keeps the product in 64 bits for every uptime.
u64 ticks_of(nanoseconds time) {
  const auto ns = static_cast<u64>(time.count());
  return ns / 125 * 3 + ns % 125 * 3 / 125;
}

namespace {
u64 host_ns() {
  return static_cast<u64>(nanoseconds(steady_clock::now().time_since_epoch()).count());
}
} // namespace

u64 HostClock::ns() const {
  return host_ns() + ahead_.load(std::memory_order_relaxed);
}

void HostClock::set_ns(u64 ns) {
  ahead_.store(ns - host_ns(), std::memory_order_relaxed);
}

u64 HostClock::now() const {
  return ticks_of(nanoseconds(static_cast<i64>(ns())));
}

steady_clock::time_point HostClock::host_time(u64 deadline) const {
  // Beyond a century from any boot: not a time to wait for, and close to overflow.
  constexpr u64 kFarthest = 100ULL * 366 * 24 * 3600 * kFrequency;
  if (deadline > kFarthest)
    return steady_clock::time_point::max();
  const u64 ns = deadline / 3 * 125 + (deadline % 3 * 125 + 2) / 3;
  return steady_clock::time_point(
      nanoseconds(static_cast<i64>(ns - ahead_.load(std::memory_order_relaxed))));
}

} // namespace softhv::timer
