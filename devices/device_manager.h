// SPDX-License-Identifier: Apache-2.0
// Owns the devices of a machine: gives each its window and interrupt, and does to all what is done
// to all. Called from one controlling thread; the devices it hands out have their own rules.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arch/fdt.h"
#include "arch/memory_map.h"
#include "arch/result.h"
#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq_line.h"

namespace kindling::devices {

class DeviceManager {
public:
  // Both outlive the manager; a bus that it filled is not used after it.
  DeviceManager(Bus& bus, IrqLineFactory& irqs) : bus_(bus), irqs_(irqs) {}

  // Makes a D from an interrupt line and `args`, in the next 4 KiB window and with the next SPI.
  // `name` is unique and stable: saved state is found by it. Errors: no window or interrupt is
  // left, the name is taken. The manager owns the device.
  template <typename D, typename... Args>
  Result<D*> create(std::string name, Args&&... args) {
    auto [slot, line] = next_slot();
    if (!line) {
      return line.error().with_context(name);
    }
    return add(std::move(name), slot,
               std::make_unique<D>(std::move(*line), std::forward<Args>(args)...));
  }

  // Makes a D from `args` without an interrupt, at a fixed place outside the allocated windows.
  template <typename D, typename... Args>
  Result<D*> create_at(std::string name, arch::AddressRange window, Args&&... args) {
    return add(std::move(name), DeviceSlot{window.base, window.size, 0},
               std::make_unique<D>(std::forward<Args>(args)...));
  }

  // Where the device of that name is; nullptr when there is none.
  [[nodiscard]] const DeviceSlot* slot(const std::string& name) const;

  // Every device's node, in creation order.
  void describe(arch::FdtBuilder& fdt) const;
  void pause();
  void resume();
  void reset();

  // The state of all devices by name; restore wants exactly the devices of this machine. A
  // device that is in the wanted state already is left alone. After a failed restore the devices
  // are as after reset().
  [[nodiscard]] std::vector<u8> save() const;
  Status restore(std::span<const u8> state);

  struct DeviceMetrics {
    std::string device;
    std::vector<Metric> metrics;
  };
  [[nodiscard]] std::vector<DeviceMetrics> metrics() const;

private:
  struct Entry {
    std::string name;
    DeviceSlot slot;
    std::unique_ptr<MmioDevice> device;
  };

  std::pair<DeviceSlot, Result<std::unique_ptr<IrqLine>>> next_slot();
  Status insert(std::string name, DeviceSlot slot, std::unique_ptr<MmioDevice> device);
  Status restore_each(std::span<const u8> state);

  template <typename D>
  Result<D*> add(const std::string& name, DeviceSlot slot, std::unique_ptr<D> device) {
    D* made = device.get();
    if (Status added = insert(name, slot, std::move(device)); !added) {
      return added.error();
    }
    return made;
  }

  Bus& bus_;
  IrqLineFactory& irqs_;
  std::vector<Entry> entries_;
  u32 next_window_ = 0;
};

} // namespace kindling::devices
