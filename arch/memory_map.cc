// SPDX-License-Identifier: Apache-2.0
#include "arch/memory_map.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace kindling::arch {

Result<GicPlacement> gic_placement(u32 vcpus, u64 region_size) {
  if (vcpus == 0 || vcpus > kMaxVcpus) {
    return Error{fmt::format("a machine cannot have {} vCPUs: 1 to {} would do", vcpus, kMaxVcpus)};
  }
  const u64 needed = vcpus * kGicRedistributorSize;
  const u64 size = region_size == 0 ? needed : region_size;
  constexpr u64 kRoom = kRamBase - kGicDistributorSize - (kFuzzControlBase + kFuzzControlSize);
  if (size < needed || size > kRoom || !is_aligned(size, kGicDistributorSize)) {
    return Error{fmt::format("a GIC redistributor region of {:#x} bytes cannot hold {} vCPUs below "
                             "RAM: {:#x} to {:#x} bytes in steps of {:#x} would do",
                             size, vcpus, needed, kRoom, kGicDistributorSize)};
  }
  const u64 redistributors = kRamBase - size;
  return GicPlacement{.distributor = {redistributors - kGicDistributorSize, kGicDistributorSize},
                      .redistributors = {redistributors, size}};
}

Status check_ram_size(u64 ram_size) {
  if (ram_size < kMinRamSize || ram_size > kMaxRamSize || !is_aligned(ram_size, kRamGranule)) {
    return Error{fmt::format("a machine cannot have {} bytes of memory: {} MiB to {} GiB in steps "
                             "of {} KiB would do",
                             ram_size, kMinRamSize / kMiB, kMaxRamSize / kGiB, kRamGranule / kKiB)};
  }
  return {};
}

Status check_kernel_placement(u64 ram_size, AddressRange kernel) {
  if (Status ram = check_ram_size(ram_size); !ram) {
    return ram;
  }
  const AddressRange room{kRamBase, dtb_address(ram_size) - kRamBase};
  if (!room.contains(kernel.base, kernel.size)) {
    return Error{fmt::format("the kernel needs {} MiB at {:#x}, and {} MiB of memory leave it only "
                             "{:#x} to {:#x}: more memory or a smaller kernel would do",
                             align_up(kernel.size, kMiB) / kMiB, kernel.base, ram_size / kMiB,
                             room.base, room.end())};
  }
  return {};
}

Result<u64> initramfs_address(u64 ram_size, AddressRange kernel, u64 size) {
  if (Status placed = check_kernel_placement(ram_size, kernel); !placed) {
    return placed.error();
  }
  const u64 top = dtb_address(ram_size);
  const u64 room =
      align_down(top, kInitramfsAlignment) - align_up(kernel.end(), kInitramfsAlignment);
  const bool fits = align_up(kernel.end(), kInitramfsAlignment) <= top && size <= room;
  if (!fits) {
    return Error{
        fmt::format("an initramfs of {} bytes does not fit between the kernel's end at "
                    "{:#x} and the device tree at {:#x}: more memory{} or a smaller "
                    "initramfs would do",
                    size, kernel.end(), top,
                    ram_size < kBootDataLimit ? "" : " does not help here; a smaller kernel")};
  }
  return align_down(top - size, kInitramfsAlignment);
}

} // namespace kindling::arch
