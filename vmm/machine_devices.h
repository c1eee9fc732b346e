// SPDX-License-Identifier: Apache-2.0
// The devices of a machine, wired to its memory, its interrupts and the program around it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "arch/fdt.h"
#include "arch/result.h"
#include "devices/bus.h"
#include "devices/event_port.h"
#include "devices/guest_memory.h"
#include "devices/irq_line.h"
#include "devices/undo_disk.h"
#include "vmm/machine.h"
#include "vmm/machine_disks.h"

namespace kindling::vmm {

class MachineDevices {
public:
  struct Surroundings { // all of it outlives the devices
    devices::GuestMemory& memory;
    devices::IrqLineFactory& irqs;
    devices::EventPort& port;
    // All console input there will be; null: console_input() brings it.
    const std::vector<u8>* script = nullptr;
  };
  // Creates every device; those for disks take their backends.
  static Result<std::unique_ptr<MachineDevices>>
  create(std::span<MachineDisk> disks, const MachineHost& host, const Surroundings& surroundings);
  ~MachineDevices();
  MachineDevices(const MachineDevices&) = delete;
  MachineDevices& operator=(const MachineDevices&) = delete;

  [[nodiscard]] const devices::Bus& bus() const;
  [[nodiscard]] std::string stdout_path() const;
  void describe(arch::FdtBuilder& fdt) const;
  size_t console_input(std::span<const u8> bytes);

  // As MmioDevice's functions of these names, for all devices; the state is that of the event port
  // too, and of the console's script.
  void pause();
  void resume();
  void reset();
  [[nodiscard]] std::vector<u8> save() const;
  Status restore(std::span<const u8> state);

  // After restore() from a snapshot, before resume(): the guest is to be told.
  void went_on_from_snapshot();

  // In the order of the configuration.
  [[nodiscard]] std::span<devices::UndoDisk* const> disks() const;

private:
  struct Impl;
  explicit MachineDevices(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace kindling::vmm
