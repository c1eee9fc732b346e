// SPDX-License-Identifier: Apache-2.0
// Tells how long a guest took to boot: an 8-bit write of arch::kBootTimerMagic to the first byte
// reports the time since the machine started, once for each start. Everything else is ignored.
#pragma once

#include <functional>
#include <mutex>

#include "devices/device.h"
#include "devices/event_port.h"

namespace kindling::devices {

class BootTimer final : public MmioDevice {
public:
  // `report` gets whole milliseconds, on the vCPU thread that wrote. The time runs from now.
  BootTimer(EventPort& port, std::function<void(u64 milliseconds)> report);

  // Starts over: the next report counts from `monotonic_ns` of the port's clock.
  void start(u64 monotonic_ns);

  u64 read(u64 /*offset*/, unsigned /*size*/) override { return 0; }
  void write(u64 offset, unsigned size, u64 value) override;
  [[nodiscard]] std::vector<u8> save() const override;
  Status restore(std::span<const u8> state) override;
  // A machine that is reset boots again, from now on.
  void reset() override;

private:
  EventPort& port_;
  const std::function<void(u64)> report_;
  mutable std::mutex mutex_;
  u64 start_ns_ = 0;
  bool reported_ = false;
};

} // namespace kindling::devices
