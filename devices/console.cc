// SPDX-License-Identifier: Apache-2.0
#include "devices/console.h"

#include <algorithm>

namespace kindling::devices {

size_t ConsoleQueue::push(std::span<const u8> bytes) {
  const std::lock_guard lock(mutex_);
  const size_t count = std::min(bytes.size(), capacity_ - bytes_.size());
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
  refused_ = count < bytes.size();
  return count;
}

size_t ConsoleQueue::read(std::span<u8> to) {
  size_t count = 0;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    count = std::min(to.size(), bytes_.size());
    const auto end = bytes_.begin() + static_cast<ptrdiff_t>(count);
    std::copy(bytes_.begin(), end, to.begin());
    bytes_.erase(bytes_.begin(), end);
    wake = refused_ && count > 0;
    refused_ = refused_ && !wake;
  }
  if (wake && space_) {
    space_();
  }
  return count;
}

bool ConsoleScript::seek(u64 position) {
  if (position > bytes_.size()) {
    return false;
  }
  next_ = position;
  return true;
}

size_t ConsoleScript::read(std::span<u8> to) {
  const size_t count = std::min(to.size(), bytes_.size() - next_);
  std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(next_), count, to.begin());
  next_ += count;
  return count;
}

} // namespace kindling::devices
