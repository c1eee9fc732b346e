// SPDX-License-Identifier: Apache-2.0
// Virtio over MMIO, version 2 (virtio 1.2 §4.2). One transport carries one device.
//
// Control registers answer aligned 32-bit accesses only; any other reads as 0 and changes nothing.
// The configuration space takes any width. Queue registers of a queue that is ready, and features
// after FEATURES_OK, do not change until the driver resets the device.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "devices/device.h"
#include "devices/guest_memory.h"
#include "devices/irq_line.h"
#include "devices/virtio/device.h"
#include "devices/virtio/queue.h"

namespace kindling::devices::virtio {

// Device status bits (§2.1).
enum Status : u8 {
  kAcknowledge = 1,
  kDriver = 2,
  kDriverOk = 4,
  kFeaturesOk = 8,
  kNeedsReset = 64,
  kFailed = 128,
};

class MmioTransport final : public MmioDevice, private Transport {
public:
  // `memory` outlives the transport.
  MmioTransport(std::unique_ptr<IrqLine> line, std::unique_ptr<VirtioDevice> device,
                const GuestMemory& memory);
  ~MmioTransport() override;
  MmioTransport(const MmioTransport&) = delete;
  MmioTransport& operator=(const MmioTransport&) = delete;

  u64 read(u64 offset, unsigned size) override;
  void write(u64 offset, unsigned size, u64 value) override;
  void describe(arch::FdtBuilder& fdt, const DeviceSlot& slot) const override;
  void pause() override;
  void resume() override;
  [[nodiscard]] std::vector<u8> save() const override;
  kindling::Status restore(std::span<const u8> state) override;
  void reset() override;
  [[nodiscard]] std::vector<Metric> metrics() const override;

private:
  // What the driver wrote, all zeros after a reset.
  struct Registers {
    u8 status = 0; // without kNeedsReset, which is the interrupt state's
    u32 device_features_select = 0;
    u32 driver_features_select = 0;
    u64 driver_features = 0;
    u32 queue_select = 0;
  };
  // What device threads change too, with a lock that nobody holds for long.
  struct InterruptState {
    mutable std::mutex mutex;
    u32 pending = 0;
    u32 generation = 0;
    bool needs_reset = false;
  };

  void notify_used() override;
  void notify_config() override;
  void request_reset() override;
  void raise(u32 bits);

  [[nodiscard]] u32 read_control(u64 offset) const;
  void write_control(u64 offset, u32 value);
  void write_queue(u64 offset, u32 value);
  void write_status(u8 value);
  void acknowledge(u32 bits);
  void notify_queue(u32 index);
  [[nodiscard]] u64 offered() const;
  [[nodiscard]] bool features_acceptable() const;
  [[nodiscard]] const Virtqueue* selected() const;
  Virtqueue* selected();
  [[nodiscard]] bool running() const { return (reg_.status & kDriverOk) != 0; }
  [[nodiscard]] bool needs_reset() const;
  void activate();
  void reset_device();
  [[nodiscard]] bool sound() const;

  const std::unique_ptr<IrqLine> line_;
  const std::unique_ptr<VirtioDevice> device_;
  const GuestMemory& memory_;

  mutable std::mutex mutex_;
  Registers reg_;
  std::vector<Virtqueue> queues_;
  bool active_ = false; // between the device's activate and deactivate
  InterruptState interrupt_;
  u64 notifications_ = 0;
};

} // namespace kindling::devices::virtio
