// SPDX-License-Identifier: Apache-2.0
// The interrupt wires that devices drive. The machine implements them on its interrupt controller,
// tests with a recorder.
#pragma once

#include <memory>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::devices {

// One level-sensitive wire. Thread-safe: vCPU threads and device workers both drive it. Called with
// a device's locks held, so an implementation calls no device.
class IrqLine {
public:
  virtual ~IrqLine() = default;
  virtual void set_level(bool high) = 0;
};

// Makes the wire to an interrupt controller's input.
class IrqLineFactory {
public:
  virtual ~IrqLineFactory() = default;
  // `intid` is the GIC's number of a shared peripheral interrupt (32 and up). Errors: the interrupt
  // controller has no such input.
  virtual Result<std::unique_ptr<IrqLine>> create_line(u32 intid) = 0;
};

} // namespace kindling::devices
