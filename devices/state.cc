// SPDX-License-Identifier: Apache-2.0
#include "devices/state.h"

#include <fmt/format.h>

namespace kindling::devices {

void StateWriter::append(std::span<const u8> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

std::span<const u8> StateReader::take(size_t size) {
  if (short_ || size > left_.size()) {
    short_ = true;
    return {};
  }
  const std::span<const u8> taken = left_.first(size);
  left_ = left_.subspan(size);
  return taken;
}

Status StateReader::finish(const std::string& device, bool sound) const {
  if (version_ != wanted_ && !(short_ && version_ == 0)) {
    return Error{fmt::format("the saved state of {} has version {}: version {} would do", device,
                             version_, wanted_)};
  }
  if (short_ || !left_.empty()) {
    return Error{fmt::format("the saved state of {} is {}: a whole one would do", device,
                             short_ ? "cut short" : "too long")};
  }
  if (!sound) {
    return Error{
        fmt::format("the saved state of {} is damaged: its fields contradict the device", device)};
  }
  return {};
}

} // namespace kindling::devices
