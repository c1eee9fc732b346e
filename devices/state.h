// SPDX-License-Identifier: Apache-2.0
// Writes and reads the saved state of devices: fixed-width little-endian fields one after another,
// byte strings with a 32-bit length in front, a 32-bit version first.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::devices {

class StateWriter {
public:
  explicit StateWriter(u32 version) {
    bytes_.reserve(kUsualSize);
    put(version);
  }

  template <typename T>
  void put(T value) {
    static_assert(std::is_integral_v<T>);
    append({reinterpret_cast<const u8*>(&value), sizeof(T)});
  }
  void put_bytes(std::span<const u8> value) {
    put(static_cast<u32>(value.size()));
    append(value);
  }
  void put_string(const std::string& value) {
    put_bytes({reinterpret_cast<const u8*>(value.data()), value.size()});
  }
  [[nodiscard]] std::vector<u8> take() { return std::move(bytes_); }

private:
  static constexpr size_t kUsualSize = 512; // of what a device saves, or less

  void append(std::span<const u8> bytes);

  std::vector<u8> bytes_;
};

// After the state ran out every field reads as zero, and finish() says so.
class StateReader {
public:
  StateReader(std::span<const u8> state, u32 version) : left_(state), wanted_(version) {
    version_ = get<u32>();
  }

  template <typename T>
  T get() {
    static_assert(std::is_integral_v<T>);
    T value{};
    const std::span<const u8> from = take(sizeof(T));
    if (!from.empty()) {
      if constexpr (std::is_same_v<T, bool>) {
        value = from[0] != 0;
      } else {
        std::memcpy(&value, from.data(), sizeof(T));
      }
    }
    return value;
  }
  std::vector<u8> get_bytes() {
    const std::span<const u8> from = take(get<u32>());
    return {from.begin(), from.end()};
  }
  std::string get_string() {
    const std::vector<u8> bytes = get_bytes();
    return {bytes.begin(), bytes.end()};
  }

  // Whether the state was of the wanted version and exactly as long as the fields read from it, and
  // `sound`, the caller's own check of their values.
  [[nodiscard]] Status finish(const std::string& device, bool sound = true) const;

private:
  // Empty when fewer bytes are left.
  std::span<const u8> take(size_t size);

  std::span<const u8> left_;
  u32 wanted_;
  u32 version_ = 0;
  bool short_ = false;
};

} // namespace kindling::devices
