// SPDX-License-Identifier: Apache-2.0
#include "devices/bus.h"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

namespace kindling::devices {

Status Bus::add(u64 base, u64 size, MmioDevice& device) {
  if (size == 0 || base + size < base) {
    return Error{fmt::format("a device window of {:#x} bytes at {:#x} is not a range of addresses",
                             size, base)};
  }
  const arch::AddressRange range{base, size};
  const std::unique_lock lock(mutex_);
  const auto taken = std::find_if(windows_.begin(), windows_.end(), [&](const Window& window) {
    return window.range.overlaps(range);
  });
  if (taken != windows_.end()) {
    return Error{fmt::format("the device window {:#x}..{:#x} overlaps the one at {:#x}..{:#x}: "
                             "windows of their own would do",
                             base, range.end(), taken->range.base, taken->range.end())};
  }
  const auto next = std::find_if(windows_.begin(), windows_.end(),
                                 [&](const Window& window) { return window.range.base > base; });
  windows_.insert(next, Window{range, &device});
  return {};
}

Bus::Window Bus::find(u64 address, unsigned size) const {
  if (size != 1 && size != 2 && size != 4 && size != 8) {
    return {};
  }
  const std::shared_lock lock(mutex_);
  const auto after =
      std::upper_bound(windows_.begin(), windows_.end(), address,
                       [](u64 wanted, const Window& window) { return wanted < window.range.base; });
  if (after == windows_.begin() || !std::prev(after)->range.contains(address, size)) {
    return {};
  }
  return *std::prev(after);
}

bool Bus::read(u64 address, unsigned size, u64& value) const {
  const Window window = find(address, size);
  if (window.device == nullptr) {
    return false;
  }
  value = window.device->read(address - window.range.base, size);
  return true;
}

bool Bus::write(u64 address, unsigned size, u64 value) const {
  const Window window = find(address, size);
  if (window.device == nullptr) {
    return false;
  }
  window.device->write(address - window.range.base, size, value);
  return true;
}

} // namespace kindling::devices
