// SPDX-License-Identifier: Apache-2.0
#include "devices/boot_timer.h"

#include "arch/memory_map.h"
#include "devices/state.h"

namespace kindling::devices {
namespace {

// version 1: u8 whether the time was reported. A restored guest that has not reported yet counts
// from its restore.
constexpr u32 kStateVersion = 1;

} // namespace

BootTimer::BootTimer(EventPort& port, std::function<void(u64)> report)
    : port_(port), report_(std::move(report)), start_ns_(port.monotonic_ns()) {}

void BootTimer::start(u64 monotonic_ns) {
  const std::lock_guard lock(mutex_);
  start_ns_ = monotonic_ns;
  reported_ = false;
}

void BootTimer::write(u64 offset, unsigned size, u64 value) {
  if (offset != 0 || size != 1 || static_cast<u8>(value) != arch::kBootTimerMagic) {
    return;
  }
  const u64 now = port_.monotonic_ns();
  u64 start = 0;
  {
    const std::lock_guard lock(mutex_);
    if (reported_) {
      return;
    }
    reported_ = true;
    start = start_ns_;
  }
  if (report_) {
    report_((now - start) / 1'000'000);
  }
}

std::vector<u8> BootTimer::save() const {
  const std::lock_guard lock(mutex_);
  StateWriter state(kStateVersion);
  state.put(reported_);
  return state.take();
}

Status BootTimer::restore(std::span<const u8> state) {
  StateReader reader(state, kStateVersion);
  const bool reported = reader.get<bool>();
  if (Status whole = reader.finish("the boot timer"); !whole) {
    return whole;
  }
  start(port_.monotonic_ns());
  const std::lock_guard lock(mutex_);
  reported_ = reported;
  return {};
}

void BootTimer::reset() {
  start(port_.monotonic_ns());
}

} // namespace kindling::devices
