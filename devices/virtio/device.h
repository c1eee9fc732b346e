// SPDX-License-Identifier: Apache-2.0
// What a virtio device type is to its transport, and the transport to it (virtio 1.2 §2).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "arch/result.h"
#include "arch/types.h"
#include "devices/device.h"
#include "devices/guest_memory.h"
#include "devices/state.h"
#include "devices/virtio/queue.h"

namespace kindling::devices::virtio {

// Feature bits of every device (§6). The transport offers these three by itself.
inline constexpr u64 kFeatureIndirect = 1ULL << 28;
inline constexpr u64 kFeatureEventIndex = 1ULL << 29;
inline constexpr u64 kFeatureVersion1 = 1ULL << 32;

// The transport, for a device. Thread-safe; may be called with locks of the device held.
class Transport {
public:
  virtual ~Transport() = default;
  // A used buffer notification.
  virtual void notify_used() = 0;
  // The configuration space changed: a new generation and a notification.
  virtual void notify_config() = 0;
  // The device met something that it cannot get over (§2.1.1). It stops using its queues.
  virtual void request_reset() = 0;
};

// What an active device works with. Holds until deactivate() returns.
struct Activation {
  const GuestMemory* memory = nullptr;
  Transport* transport = nullptr;
  std::span<Virtqueue> queues; // those not set up by the driver are not started()
  u64 features = 0;            // as negotiated
};

// The transport calls one function at a time. Sizes, offsets and values come from the guest.
class VirtioDevice {
public:
  virtual ~VirtioDevice() = default;

  [[nodiscard]] virtual u32 type() const = 0;     // §5
  [[nodiscard]] virtual u64 features() const = 0; // of its own
  // The largest size of each queue.
  [[nodiscard]] virtual std::vector<u16> queue_sizes() const = 0;

  // The configuration space: what lies outside reads as zeros and ignores writes. `to` is zeroed.
  virtual void read_config(u64 offset, std::span<u8> to) const = 0;
  virtual void write_config(u64 /*offset*/, std::span<const u8> /*from*/) {}

  // The driver is ready. The device looks at its queues at once: a restored ring may hold work.
  virtual void activate(const Activation& activation) = 0;
  // The driver added buffers to a started queue of an active device.
  virtual void notify(u32 queue) = 0;
  // Returns when the device, its threads included, has done with the activation.
  virtual void deactivate() = 0;

  // As MmioDevice's.
  virtual void pause() {}
  virtual void resume() {}
  // State besides the transport's, appended to its own.
  virtual void save(StateWriter& /*state*/) const {}
  virtual bool restore(StateReader& /*state*/) { return true; }
  [[nodiscard]] virtual std::vector<Metric> metrics() const { return {}; }
};

// Copies the part of the configuration space `config` that [offset, offset + to.size()) covers.
void read_config_bytes(std::span<const u8> config, u64 offset, std::span<u8> to);

} // namespace kindling::devices::virtio
