// SPDX-License-Identifier: Apache-2.0
// Where the system counter (Arm ARM D11.1.2) gets its time from.
#pragma once

#include <atomic>
#include <chrono>

#include "arch/types.h"

namespace softhv::timer {

inline constexpr u64 kFrequency = 24'000'000; // Hz, as Apple silicon's HVF presents it
inline constexpr u64 kNever = ~0ULL;          // a deadline that does not come

// Host time in units of the counter.
u64 ticks_of(std::chrono::nanoseconds time);

// The counter, and when it will have counted how far. Thread-safe.
class Clock {
public:
  virtual ~Clock() = default;

  // CNTPCT_EL0.
  [[nodiscard]] virtual u64 now() const = 0;

  // The time in nanoseconds of which now() is made, and setting it. Whoever has been told a
  // host_time() before has to ask again.
  [[nodiscard]] virtual u64 ns() const = 0;
  virtual void set_ns(u64 ns) = 0;

  // The host time until which a thread may sleep that waits for now() >= `deadline`.
  // time_point::max when only somebody else's doing lets the counter get there.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point host_time(u64 deadline) const = 0;
};

// The host's monotonic clock at kFrequency, until it is set.
class HostClock final : public Clock {
public:
  [[nodiscard]] u64 now() const override;
  [[nodiscard]] u64 ns() const override;
  void set_ns(u64 ns) override;
  [[nodiscard]] std::chrono::steady_clock::time_point host_time(u64 deadline) const override;

private:
  std::atomic<u64> ahead_{0}; // ns, of the host's, modulo 2^64
};

} // namespace softhv::timer
