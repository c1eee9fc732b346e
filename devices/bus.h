// SPDX-License-Identifier: Apache-2.0
// Routes guest accesses to the device whose window holds them.
#pragma once

#include <shared_mutex>
#include <vector>

#include "arch/memory_map.h"
#include "arch/result.h"
#include "arch/types.h"
#include "devices/device.h"

namespace kindling::devices {

// Thread-safe: vCPU threads look up while devices are added. The bus lock is not held while a
// device runs. Devices are never removed and outlive the bus.
class Bus {
public:
  // Errors: an empty window, one that wraps around the end of memory, one that overlaps another.
  Status add(u64 base, u64 size, MmioDevice& device);

  // False when no device's window holds the whole access or `size` is not 1, 2, 4 or 8; then
  // `value` and every device are left alone.
  bool read(u64 address, unsigned size, u64& value) const;
  bool write(u64 address, unsigned size, u64 value) const;

private:
  struct Window {
    arch::AddressRange range;
    MmioDevice* device = nullptr;
  };

  // A window without a device when there is none.
  [[nodiscard]] Window find(u64 address, unsigned size) const;

  mutable std::shared_mutex mutex_;
  std::vector<Window> windows_; // by address
};

} // namespace kindling::devices
