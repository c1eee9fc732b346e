// SPDX-License-Identifier: Apache-2.0
// What every memory-mapped device is.
//
// Threads: read and write come from any vCPU thread at any time; a device locks itself. pause,
// resume, save, restore and reset come from one controlling thread, with the vCPUs stopped and, for
// save and restore, between pause and resume.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arch/fdt.h"
#include "arch/result.h"
#include "arch/types.h"

namespace kindling::devices {

// Where the machine put a device.
struct DeviceSlot {
  u64 base = 0; // of its registers, guest physical
  u64 size = 0;
  u32 intid = 0; // its interrupt's GIC number, 0 when it has none
};

// A named count of something a device did since it was made.
struct Metric {
  std::string_view name;
  u64 value = 0;
};

class MmioDevice {
public:
  virtual ~MmioDevice() = default;

  // A guest's access at `offset` from the device's base, `size` 1, 2, 4 or 8 bytes, wholly inside
  // its window. Any size, offset and value is safe; what the device does not define reads as 0 and
  // ignores writes. A read's unused high bits are 0.
  virtual u64 read(u64 offset, unsigned size) = 0;
  virtual void write(u64 offset, unsigned size, u64 value) = 0;

  // Adds the device's node below the current one, whose #address-cells and #size-cells are 2 and
  // whose interrupt-parent is the GIC. A device that the guest need not discover adds none.
  virtual void describe(arch::FdtBuilder& fdt, const DeviceSlot& slot) const;

  // pause returns once the device's own threads change neither the guest's memory, nor the device's
  // state, nor its interrupt; resume lets them go on. Both may be called twice.
  virtual void pause() {}
  virtual void resume() {}

  // The device's state: a version number, then the fields that the device's .cc documents. Restore
  // takes what save gave on a device built alike, and drives the interrupt line to its saved level.
  // Errors of restore: another version, cut short, or values that save cannot have written.
  [[nodiscard]] virtual std::vector<u8> save() const = 0;
  virtual Status restore(std::span<const u8> state) = 0;

  // As at power-on: registers, queues and interrupt line.
  virtual void reset() = 0;

  [[nodiscard]] virtual std::vector<Metric> metrics() const { return {}; }
};

// The three cells of an `interrupts` property for a level-high SPI (arm,gic-v3 binding).
void describe_interrupt(arch::FdtBuilder& fdt, u32 intid);

} // namespace kindling::devices
