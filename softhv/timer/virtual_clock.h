// SPDX-License-Identifier: Apache-2.0
// A clock that counts instructions: each takes 2^shift nanoseconds, and where nobody has any to
// execute, time is skipped. Used by one thread at a time (core/turns.h sees to it).
#pragma once

#include "softhv/timer/clock.h"

namespace softhv {
struct Cpu;
}

namespace softhv::timer {

inline constexpr unsigned kMaxClockShift = 10;

class VirtualClock final : public Clock {
public:
  explicit VirtualClock(unsigned shift) : shift_(shift) {}

  [[nodiscard]] u64 now() const override { return ticks_of(std::chrono::nanoseconds(ns())); }
  // The host's time has nothing to do with it.
  [[nodiscard]] std::chrono::steady_clock::time_point host_time(u64 /*deadline*/) const override {
    return std::chrono::steady_clock::time_point::max();
  }

  // Between start() and stop() what the vCPU retires counts.
  void start(const Cpu& cpu);
  void stop();

  // Instructions of all vCPUs so far, and the time; exact where Cpu::retired is.
  [[nodiscard]] u64 instructions() const;
  [[nodiscard]] u64 ns() const override { return (instructions() << shift_) + skipped_; }

  // Time passes in which nothing is executed. Not between start() and stop().
  void skip_to(u64 ns);

  // Likewise.
  void set_ns(u64 ns) override;

  // How many instructions it takes from now on until ns() has reached `ns`.
  [[nodiscard]] u64 instructions_until(u64 ns) const;

  // The first ns() at which now() has reached `ticks`; kNever: not in a century.
  static u64 ns_of(u64 ticks);

private:
  const unsigned shift_;
  u64 total_ = 0;   // without those of running_ since start_
  u64 skipped_ = 0; // modulo 2^64
  const Cpu* running_ = nullptr;
  u64 start_ = 0;
};

} // namespace softhv::timer
