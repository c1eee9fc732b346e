// SPDX-License-Identifier: Apache-2.0
#include "devices/guest_time_port.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "devices/state.h"

namespace kindling::devices {

namespace {

constexpr u32 kStateVersion = 1;

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

// version 1: u64 the time before the clock, state of the random numbers.
std::vector<u8> GuestTimePort::save() const {
  const std::lock_guard lock(mutex_);
  StateWriter state(kStateVersion);
  state.put(base_);
  state.put(random_);
  return state.take();
}

Status GuestTimePort::restore(std::span<const u8> state) {
  StateReader reader(state, kStateVersion);
  const u64 base = reader.get<u64>();
  const u64 random = reader.get<u64>();
  if (Status whole = reader.finish("the guest's time"); !whole) {
    return whole;
  }
  const std::lock_guard lock(mutex_);
  base_ = base;
  random_ = random;
  set_next_alarm();
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
