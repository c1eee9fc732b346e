// SPDX-License-Identifier: Apache-2.0
// The device tree that a guest kernel starts with.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arch/fdt.h"
#include "arch/memory_map.h"
#include "arch/result.h"
#include "arch/types.h"
#include "devices/event_port.h"

namespace kindling::vmm {

// Random numbers for the guest's early random pool and for the place of its kernel; fresh ones for
// every boot.
struct BootSeeds {
  std::array<u8, 64> rng{};
  u64 kaslr = 0;
};
Result<BootSeeds> make_boot_seeds(devices::EventPort& port);

struct FdtInput {
  u32 vcpus = 1;
  u64 ram_size = 0;
  std::string command_line;
  std::string stdout_path; // of the console's node; empty: none
  std::optional<arch::AddressRange> initramfs;
  arch::GicPlacement gic;
  BootSeeds seeds;
  // Adds the devices' nodes below the root.
  std::function<void(arch::FdtBuilder&)> describe_devices;
};

Result<std::vector<u8>> build_boot_fdt(const FdtInput& input);

} // namespace kindling::vmm
