// SPDX-License-Identifier: Apache-2.0
#include "devices/guest_time_port.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace kindling::devices {

namespace {

// SplitMix64.
u64 next_random(u64& state) {
  state += 0x9e3779b97f4a7c15;
  u64 z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

} // namespace

u64 GuestTimePort::now() const {
  return base_ + (clock_ == nullptr ? 0 : clock_->now_ns());
}

u64 GuestTimePort::monotonic_ns() {
  const std::lock_guard lock(mutex_);
  return now();
}

void GuestTimePort::connect(Clock* clock) {
  const std::lock_guard lock(mutex_);
  base_ = now();
  clock_ = clock;
  set_next_alarm();
}

Status GuestTimePort::random(std::span<u8> to) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < to.size(); i += sizeof(u64)) {
    u64 value = next_random(random_);
    for (size_t k = i; k < std::min(i + sizeof(u64), to.size()); ++k, value >>= 8) {
      to[k] = static_cast<u8>(value);
    }
  }
  return {};
}

void GuestTimePort::set_alarm(const void* owner, u64 ns, const std::function<void()>& wake) {
  const std::lock_guard lock(mutex_);
  alarms_.erase(owner);
  if (ns != kNoAlarm) {
    alarms_.emplace(owner, Alarm{ns, next_serial_++, wake});
  }
  set_next_alarm();
}

void GuestTimePort::set_next_alarm() {
  if (clock_ == nullptr) {
    return;
  }
  u64 next = kNoAlarm;
  for (const auto& [owner, alarm] : alarms_) {
    next = std::min(next, alarm.ns);
  }
  clock_->set_alarm(next == kNoAlarm ? kNoAlarm : next - std::min(next, base_));
}

void GuestTimePort::ring() {
  std::vector<Alarm> due;
  {
    const std::lock_guard lock(mutex_);
    const u64 time = now();
    std::erase_if(alarms_, [&](auto& entry) {
      if (entry.second.ns > time) {
        return false;
      }
      due.push_back(std::move(entry.second));
      return true;
    });
    set_next_alarm();
  }
  // Not by where the devices happen to be in memory.
  std::ranges::sort(due, {}, [](const Alarm& alarm) { return std::pair(alarm.ns, alarm.serial); });
  for (const Alarm& alarm : due) {
    alarm.wake();
  }
}

} // namespace kindling::devices
