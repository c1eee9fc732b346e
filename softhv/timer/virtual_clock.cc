// SPDX-License-Identifier: Apache-2.0
#include "softhv/timer/virtual_clock.h"

#include "softhv/core/cpu.h"

namespace softhv::timer {

void VirtualClock::start(const Cpu& cpu) {
  running_ = &cpu;
  start_ = cpu.retired;
}

void VirtualClock::stop() {
  total_ = instructions();
  running_ = nullptr;
}

u64 VirtualClock::instructions() const {
  return running_ == nullptr ? total_ : total_ + (running_->retired - start_);
}

void VirtualClock::skip_to(u64 ns) {
  if (ns > this->ns())
    skipped_ += ns - this->ns();
}

void VirtualClock::set_ns(u64 ns) {
  skipped_ += ns - this->ns();
}

u64 VirtualClock::instructions_until(u64 ns) const {
  const u64 now = this->ns();
  return ns <= now ? 0 : ((ns - now - 1) >> shift_) + 1;
}

u64 VirtualClock::ns_of(u64 ticks) {
  const auto when = HostClock().host_time(ticks);
  if (when == std::chrono::steady_clock::time_point::max())
    return kNever;
  return static_cast<u64>(when.time_since_epoch().count());
}

} // namespace softhv::timer
