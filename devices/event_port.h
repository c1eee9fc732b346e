// SPDX-License-Identifier: Apache-2.0
// The one point through which the outside world changes the course of a guest: finished disk work,
// console bytes, random bytes and the time. A machine that records or replays a run puts its own
// port here; everything else a device does follows from the guest alone.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::devices {

// Thread-safe. May be called with the calling device's locks held: an implementation calls no
// device except through `apply`, and orders calls by no lock that a device takes before its own.
class EventPort {
public:
  virtual ~EventPort() = default;

  // Something that a device waited for has come about. Calls `apply`, which changes what the guest
  // can see, exactly once before it returns.
  virtual void deliver(const std::function<void()>& apply) = 0;

  // Nanoseconds since 1970-01-01 UTC, and since some fixed moment in the past.
  virtual u64 wall_clock_ns() = 0;
  virtual u64 monotonic_ns() = 0;

  // Fills `to` with bytes fit for cryptographic use. Errors: the host has none to give.
  virtual Status random(std::span<u8> to) = 0;

  // What a run that can be repeated depends on besides the time, which is the machine's; nothing
  // else has any. restore() takes what save() gave. Errors: something else.
  [[nodiscard]] virtual std::vector<u8> save() const { return {}; }
  virtual Status restore(std::span<const u8> state);

  // Whether devices do all their work within the guest's accesses, and in alarms, rather than on
  // threads of their own: then whatever a device does has its place in the guest's time.
  [[nodiscard]] virtual bool synchronous() const { return false; }

  // Of a synchronous port: calls `wake`, with no lock of the port held, once monotonic_ns() has
  // reached `ns`. Each owner has one alarm, the last that it set; kNoAlarm: none.
  static constexpr u64 kNoAlarm = ~0ULL;
  virtual void set_alarm(const void* /*owner*/, u64 /*ns*/, const std::function<void()>& /*wake*/) {
  }
};

// The port of an ordinary run: the host's clocks and random numbers, events applied as they come.
class HostEventPort final : public EventPort {
public:
  void deliver(const std::function<void()>& apply) override { apply(); }
  u64 wall_clock_ns() override;
  u64 monotonic_ns() override;
  Status random(std::span<u8> to) override;
};

} // namespace kindling::devices
