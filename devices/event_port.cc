// SPDX-License-Identifier: Apache-2.0
#include "devices/event_port.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <sys/random.h>
#include <unistd.h>

#include <fmt/format.h>

namespace kindling::devices {
namespace {

template <typename Clock>
u64 nanoseconds() {
  using std::chrono::duration_cast, std::chrono::nanoseconds;
  return static_cast<u64>(duration_cast<nanoseconds>(Clock::now().time_since_epoch()).count());
}

} // namespace

Status EventPort::restore(std::span<const u8> state) {
  return state.empty() ? Status() : Error{"the saved state is of a run that can be repeated"};
}

u64 HostEventPort::wall_clock_ns() {
  return nanoseconds<std::chrono::system_clock>();
}

u64 HostEventPort::monotonic_ns() {
  return nanoseconds<std::chrono::steady_clock>();
}

Status HostEventPort::random(std::span<u8> to) {
  // getentropy gives at most 256 bytes at a time.
  constexpr size_t kMost = 256;
  while (!to.empty()) {
    const size_t part = std::min(to.size(), kMost);
    if (getentropy(to.data(), part) != 0) {
      return Error{fmt::format("the host gave no random bytes (error {})", errno)};
    }
    to = to.subspan(part);
  }
  return {};
}

} // namespace kindling::devices
