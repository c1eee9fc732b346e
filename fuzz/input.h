// SPDX-License-Identifier: Apache-2.0
// Takes values off the front of a fuzzer's input; past its end everything is zero.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "arch/types.h"

namespace kindling::fuzz {

class Input {
public:
  Input(const u8* data, size_t size) : left_(data, size) {}

  [[nodiscard]] bool empty() const { return left_.empty(); }
  template <typename T>
  T take() {
    T value{};
    const std::span<const u8> from = bytes(sizeof(T));
    if (!from.empty()) {
      std::memcpy(&value, from.data(), from.size());
    }
    return value;
  }
  // Up to `size` bytes.
  std::span<const u8> bytes(size_t size) {
    const std::span<const u8> taken = left_.first(std::min(size, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }

private:
  std::span<const u8> left_;
};

} // namespace kindling::fuzz
