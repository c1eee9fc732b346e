// SPDX-License-Identifier: Apache-2.0
// The port of a run that can be repeated: nothing that a device gets from it depends on the host.
// Time is the guest's own, starting at a fixed date; random bytes follow from a seed, and are not
// fit for cryptographic use; device work is done within the access that asks for it.
#pragma once

#include <map>
#include <mutex>

#include "devices/event_port.h"

namespace kindling::devices {

class GuestTimePort final : public EventPort {
public:
  static constexpr u64 kEpochSeconds = 1'767'225'600; // 2026-01-01 00:00 UTC

  // The time of a machine that runs.
  class Clock {
  public:
    virtual ~Clock() = default;
    virtual u64 now_ns() = 0;
    // Has ring() called when now_ns() reaches `ns`, instead of what was set before.
    virtual void set_alarm(u64 ns) = 0;
  };

  explicit GuestTimePort(u64 seed) : random_(seed) {}

  // The clock from now on; null: time stands still. It starts at 0 and goes on from the last one's.
  void connect(Clock* clock);
  void ring();

  void deliver(const std::function<void()>& apply) override { apply(); }
  u64 wall_clock_ns() override { return kEpochSeconds * 1'000'000'000 + monotonic_ns(); }
  u64 monotonic_ns() override;
  Status random(std::span<u8> to) override;
  [[nodiscard]] std::vector<u8> save() const override;
  Status restore(std::span<const u8> state) override;
  [[nodiscard]] bool synchronous() const override { return true; }
  void set_alarm(const void* owner, u64 ns, const std::function<void()>& wake) override;

private:
  struct Alarm {
    u64 ns;
    u64 serial; // in order of setting
    std::function<void()> wake;
  };
  [[nodiscard]] u64 now() const;
  void set_next_alarm();

  mutable std::mutex mutex_; // of all below
  Clock* clock_ = nullptr;
  u64 base_ = 0; // time before clock_
  u64 random_;
  std::map<const void*, Alarm> alarms_;
  u64 next_serial_ = 0;
};

} // namespace kindling::devices
