// SPDX-License-Identifier: Apache-2.0
#include "devices/guest_memory.h"

namespace kindling::devices {

bool GuestMemory::read(u64 address, std::span<u8> to) const {
  const u8* from = readable(address, to.size());
  if (from == nullptr) {
    return false;
  }
  if (!to.empty()) {
    std::memcpy(to.data(), from, to.size());
  }
  return true;
}

bool GuestMemory::write(u64 address, std::span<const u8> from) const {
  u8* to = writable(address, from.size());
  if (to == nullptr) {
    return false;
  }
  if (!from.empty()) {
    std::memcpy(to, from.data(), from.size());
    mark_written(address, from.size());
  }
  return true;
}

} // namespace kindling::devices
