// SPDX-License-Identifier: Apache-2.0
// The virtio entropy device (virtio 1.2 §5.4). It answers on the vCPU thread that notifies.
#pragma once

#include "devices/event_port.h"
#include "devices/virtio/device.h"

namespace kindling::devices::virtio {

class Rng final : public VirtioDevice {
public:
  static constexpr u16 kQueueSize = 64;
  // The most random bytes that one buffer gets; a driver asks again for more.
  static constexpr u64 kMostBytes = 4096;

  // `port` outlives the device.
  explicit Rng(EventPort& port) : port_(port) {}

  [[nodiscard]] u32 type() const override { return 4; }
  [[nodiscard]] u64 features() const override { return 0; }
  [[nodiscard]] std::vector<u16> queue_sizes() const override { return {kQueueSize}; }
  void read_config(u64 /*offset*/, std::span<u8> /*to*/) const override {}
  void activate(const Activation& activation) override;
  void notify(u32 queue) override;
  void deactivate() override { active_ = {}; }
  void pause() override { paused_ = true; }
  void resume() override;
  [[nodiscard]] std::vector<Metric> metrics() const override { return {{"bytes", bytes_}}; }

private:
  void serve(const Chain& chain);

  EventPort& port_;
  Activation active_;
  bool paused_ = false;
  u64 bytes_ = 0;
};

} // namespace kindling::devices::virtio
