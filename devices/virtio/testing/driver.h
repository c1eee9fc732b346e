// SPDX-License-Identifier: Apache-2.0
// The driver's side of a virtio-mmio device, for tests: sets the device up through its registers
// and builds rings in guest memory, rightly unless told otherwise.
#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "devices/guest_memory.h"
#include "devices/virtio/mmio.h"

namespace kindling::devices::virtio::testing {

// Register offsets (virtio 1.2 §4.2.2).
enum Reg : u64 {
  kRegMagic = 0x000,
  kRegVersion = 0x004,
  kRegDeviceId = 0x008,
  kRegVendorId = 0x00c,
  kRegDeviceFeatures = 0x010,
  kRegDeviceFeaturesSel = 0x014,
  kRegDriverFeatures = 0x020,
  kRegDriverFeaturesSel = 0x024,
  kRegQueueSel = 0x030,
  kRegQueueSizeMax = 0x034,
  kRegQueueSize = 0x038,
  kRegQueueReady = 0x044,
  kRegQueueNotify = 0x050,
  kRegInterruptStatus = 0x060,
  kRegInterruptAck = 0x064,
  kRegStatus = 0x070,
  kRegQueueDesc = 0x080,
  kRegQueueDriver = 0x090,
  kRegQueueDevice = 0x0a0,
  kRegShmSel = 0x0ac,
  kRegShmLenLow = 0x0b0,
  kRegConfigGeneration = 0x0fc,
  kRegConfig = 0x100,
};

enum Flag : u16 { kFlagNext = 1, kFlagWrite = 2, kFlagIndirect = 4 };

struct Buffer {
  u64 address = 0;
  u32 length = 0;
  bool device_writes = false;
};

struct Used {
  u32 head = 0;
  u32 written = 0;
};

// One queue's rings at `base` of guest memory.
class DriverRing {
public:
  DriverRing(const GuestMemory& memory, u64 base, u16 size)
      : memory_(memory), size_(size), descriptors(base), driver(base + 16ULL * size),
        device(arch::align_up(driver + 6 + 2ULL * size, 4)) {}

  static u64 bytes(u16 size) { return 16ULL * size + 6 + 2ULL * size + 4 + 6 + 8ULL * size; }

  void put_descriptor(u64 table, u32 index, Buffer buffer, u16 flags, u16 next) {
    put<u64>(table + 16ULL * index, buffer.address);
    put<u32>(table + 16ULL * index + 8, buffer.length);
    put<u16>(table + 16ULL * index + 12, flags | (buffer.device_writes ? kFlagWrite : 0));
    put<u16>(table + 16ULL * index + 14, next);
  }
  // A chain in `table` from descriptor `first` on.
  void put_chain(u64 table, u16 first, std::span<const Buffer> buffers) {
    for (size_t i = 0; i < buffers.size(); ++i) {
      const bool last = i + 1 == buffers.size();
      const u16 index = static_cast<u16>(first + i);
      put_descriptor(table, index, buffers[i], last ? 0 : kFlagNext,
                     last ? 0 : static_cast<u16>(index + 1));
    }
  }
  // Makes `head` available.
  void offer(u16 head) {
    put<u16>(driver + 4 + 2ULL * (next_avail % size_), head);
    ++next_avail;
    (void)memory_.store<u16>(driver + 2, next_avail);
  }
  // A chain of descriptors from `first` on, made available.
  void add(u16 first, std::vector<Buffer> buffers) {
    put_chain(descriptors, first, buffers);
    offer(first);
  }
  [[nodiscard]] u16 used_index() const { return memory_.load<u16>(device + 2).value_or(0); }
  // The next used element, if there is one.
  std::optional<Used> take() {
    if (used_index() == next_used) {
      return std::nullopt;
    }
    const u64 at = device + 4 + 8ULL * (next_used % size_);
    ++next_used;
    return Used{get<u32>(at), get<u32>(at + 4)};
  }

  void set_interrupts(bool wanted) { (void)memory_.store<u16>(driver, wanted ? 0 : 1); }
  void set_used_event(u16 index) { (void)memory_.store<u16>(driver + 4 + 2ULL * size_, index); }
  [[nodiscard]] u16 avail_event() const {
    return memory_.load<u16>(device + 4 + 8ULL * size_).value_or(0);
  }
  [[nodiscard]] u16 used_flags() const { return memory_.load<u16>(device).value_or(0); }

  template <typename T>
  void put(u64 address, std::type_identity_t<T> value) {
    (void)memory_.write_as<T>(address, value);
  }
  template <typename T>
  [[nodiscard]] T get(u64 address) const {
    return memory_.read_as<T>(address).value_or(T{});
  }

private:
  const GuestMemory& memory_;
  const u16 size_;

public:
  const u64 descriptors;
  const u64 driver;
  const u64 device;
  u16 next_avail = 0;
  u16 next_used = 0;
};

// The registers.
class Driver {
public:
  explicit Driver(MmioDevice& device) : device_(device) {}

  u32 get(u64 reg) { return static_cast<u32>(device_.read(reg, 4)); }
  void set(u64 reg, u32 value) { device_.write(reg, 4, value); }

  u64 device_features() {
    set(kRegDeviceFeaturesSel, 1);
    const u64 high = get(kRegDeviceFeatures);
    set(kRegDeviceFeaturesSel, 0);
    return high << 32 | get(kRegDeviceFeatures);
  }
  void set_features(u64 features) {
    set(kRegDriverFeaturesSel, 0);
    set(kRegDriverFeatures, static_cast<u32>(features));
    set(kRegDriverFeaturesSel, 1);
    set(kRegDriverFeatures, static_cast<u32>(features >> 32));
  }
  // Up to FEATURES_OK; whether the device took the features.
  bool negotiate(u64 features) {
    set(kRegStatus, 0);
    set(kRegStatus, kAcknowledge);
    set(kRegStatus, kAcknowledge | kDriver);
    set_features(features);
    set(kRegStatus, kAcknowledge | kDriver | kFeaturesOk);
    return (get(kRegStatus) & kFeaturesOk) != 0;
  }
  void set_address(u64 reg, u64 address) {
    set(reg, static_cast<u32>(address));
    set(reg + 4, static_cast<u32>(address >> 32));
  }
  void set_queue(u32 index, u32 size, const DriverRing& ring) {
    set(kRegQueueSel, index);
    set(kRegQueueSize, size);
    set_address(kRegQueueDesc, ring.descriptors);
    set_address(kRegQueueDriver, ring.driver);
    set_address(kRegQueueDevice, ring.device);
    set(kRegQueueReady, 1);
  }
  void driver_ok() { set(kRegStatus, get(kRegStatus) | kDriverOk); }
  void notify(u32 queue = 0) { set(kRegQueueNotify, queue); }
  // Acknowledges what is pending and returns it.
  u32 acknowledge() {
    const u32 pending = get(kRegInterruptStatus);
    set(kRegInterruptAck, pending);
    return pending;
  }

private:
  MmioDevice& device_;
};

} // namespace kindling::devices::virtio::testing
