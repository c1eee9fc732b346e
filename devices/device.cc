// SPDX-License-Identifier: Apache-2.0
#include "devices/device.h"

#include "arch/memory_map.h"

namespace kindling::devices {

void MmioDevice::describe(arch::FdtBuilder& /*fdt*/, const DeviceSlot& /*slot*/) const {}

void describe_interrupt(arch::FdtBuilder& fdt, u32 intid) {
  constexpr u32 kSpi = 0;
  constexpr u32 kLevelHigh = 4;
  fdt.property_cells("interrupts", {kSpi, intid - arch::kFirstSpi, kLevelHigh});
}

} // namespace kindling::devices
