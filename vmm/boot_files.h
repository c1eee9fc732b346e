// SPDX-License-Identifier: Apache-2.0
// What a machine boots from: the kernel and the initramfs, and where they lie in RAM.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "arch/memory_map.h"
#include "arch/result.h"
#include "arch/types.h"
#include "vmm/loader/initramfs.h"
#include "vmm/loader/kernel.h"

namespace kindling::vmm {

struct BootFiles {
  Kernel kernel;
  std::optional<Initramfs> initramfs;
  std::optional<arch::AddressRange> initramfs_range;

  // Opens them and finds places for them. Errors name the file, and what is wrong with it.
  static Result<BootFiles> open(const std::string& kernel,
                                const std::optional<std::string>& initramfs, u64 ram_size);

  // Puts them there. RAM is all zeros.
  Status load(std::span<u8> ram) const;
};

} // namespace kindling::vmm
