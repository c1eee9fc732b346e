// SPDX-License-Identifier: Apache-2.0
// The interrupt wires of devices, brought to whichever Vm is there. A reboot replaces the Vm while
// the devices stay, so wires remember their levels. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "arch/types.h"
#include "devices/irq_line.h"
#include "vmm/log.h"
#include "vmm/vstate/vm.h"

namespace kindling::vmm {

class Interrupts final : public devices::IrqLineFactory {
public:
  explicit Interrupts(const Log& log) : log_(log) {}

  // A wire may outlive neither this nor be made twice for an interrupt.
  Result<std::unique_ptr<devices::IrqLine>> create_line(u32 intid) override;

  // Drives the wires of `vm` from now on, with their present levels first; nullptr: of none.
  void connect(vstate::Vm* vm);

private:
  class Line;
  void set_level(u32 intid, bool high);

  const Log& log_;
  std::mutex mutex_;
  vstate::Vm* vm_ = nullptr;
  std::map<u32, bool> levels_; // by INTID
};

} // namespace kindling::vmm
