// SPDX-License-Identifier: Apache-2.0
// Checked access to guest RAM for devices: the only way in which a device reaches it, and the one
// place that reports what devices wrote.
#pragma once

#include <atomic>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "arch/memory_map.h"
#include "arch/types.h"

namespace kindling::devices {

// Learns of every change that a device makes to guest RAM. Called from any device thread; calls no
// device. Ranges are guest physical, not empty and wholly inside RAM.
class DirtyLog {
public:
  virtual ~DirtyLog() = default;
  // Before the bytes are written, if they are: whoever may have to put them back copies them now.
  virtual void device_will_write(u64 /*address*/, u64 /*size*/) {}
  // After the bytes are there and before the guest is told (a used ring entry is itself a later
  // change): an engine drops what it has translated, for a device may load new code over old.
  virtual void device_wrote(u64 address, u64 size) = 0;
};

// Guest RAM is one range. Every access that is not wholly inside it fails and changes nothing.
// Values are little-endian, as the host is. Thread-safe as far as the guest's own accesses are:
// bytes that two threads touch at a time are for the guest to sort out, ring indices are atomic.
class GuestMemory {
public:
  // `host` backs [base, base + host.size()) and outlives this; so does `log`, which may be null.
  GuestMemory(u64 base, std::span<u8> host, DirtyLog* log = nullptr)
      : range_{base, host.size()}, host_(host.data()), log_(log) {}

  [[nodiscard]] const arch::AddressRange& range() const { return range_; }
  [[nodiscard]] bool contains(u64 address, u64 size) const {
    return range_.contains(address, size);
  }

  // The bytes at `address` to read, nullptr when they are not all in RAM.
  [[nodiscard]] const u8* readable(u64 address, u64 size) const {
    return contains(address, size) ? host_ + (address - range_.base) : nullptr;
  }
  // The bytes at `address` to write; mark_written() must follow the last byte.
  [[nodiscard]] u8* writable(u64 address, u64 size) const {
    if (!contains(address, size)) {
      return nullptr;
    }
    if (log_ != nullptr && size != 0) {
      log_->device_will_write(address, size);
    }
    return host_ + (address - range_.base);
  }
  void mark_written(u64 address, u64 size) const {
    if (log_ != nullptr && size != 0 && contains(address, size)) {
      log_->device_wrote(address, size);
    }
  }

  [[nodiscard]] bool read(u64 address, std::span<u8> to) const;
  [[nodiscard]] bool write(u64 address, std::span<const u8> from) const;

  template <typename T>
  [[nodiscard]] std::optional<T> read_as(u64 address) const {
    static_assert(std::is_trivially_copyable_v<T>);
    const u8* from = readable(address, sizeof(T));
    if (from == nullptr) {
      return std::nullopt;
    }
    T value;
    std::memcpy(&value, from, sizeof(T));
    return value;
  }
  template <typename T>
  [[nodiscard]] bool write_as(u64 address, const T& value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    return write(address, {reinterpret_cast<const u8*>(&value), sizeof(T)});
  }

  // Single accesses for what driver and device share without a lock, sequentially consistent: a
  // ring's event index is only right if a store before it and a load after it are not reordered.
  // `address` must be aligned to the size of T.
  template <typename T>
  [[nodiscard]] std::optional<T> load(u64 address) const {
    const u8* from = readable(address, sizeof(T));
    if (!aligned<T>(from)) {
      return std::nullopt;
    }
    // A load does not write; std::atomic_ref<const T> is not to be had before C++26.
    return std::atomic_ref<T>(*reinterpret_cast<T*>(const_cast<u8*>(from)))
        .load(std::memory_order_seq_cst);
  }
  template <typename T>
  [[nodiscard]] bool store(u64 address, std::type_identity_t<T> value) const {
    u8* to = writable(address, sizeof(T));
    if (!aligned<T>(to)) {
      return false;
    }
    std::atomic_ref<T>(*reinterpret_cast<T*>(to)).store(value, std::memory_order_seq_cst);
    mark_written(address, sizeof(T));
    return true;
  }

private:
  template <typename T>
  static bool aligned(const u8* at) {
    return at != nullptr &&
           reinterpret_cast<uintptr_t>(at) % std::atomic_ref<T>::required_alignment == 0;
  }

  arch::AddressRange range_;
  u8* host_ = nullptr;
  DirtyLog* log_ = nullptr;
};

} // namespace kindling::devices
