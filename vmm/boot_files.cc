// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot_files.h"

#include <utility>

namespace kindling::vmm {

Result<BootFiles> BootFiles::open(const std::string& kernel,
                                  const std::optional<std::string>& initramfs, u64 ram_size) {
  auto opened = Kernel::open(kernel, ram_size);
  if (!opened) {
    return opened.error();
  }
  BootFiles files{std::move(*opened), std::nullopt, std::nullopt};
  if (initramfs) {
    auto more = Initramfs::open(*initramfs);
    if (!more) {
      return more.error();
    }
    const auto range = more->place(ram_size, files.kernel.range());
    if (!range) {
      return range.error();
    }
    files.initramfs.emplace(std::move(*more));
    files.initramfs_range = *range;
  }
  return files;
}

Status BootFiles::load(std::span<u8> ram) const {
  if (Status s = kernel.load(ram); !s) {
    return s;
  }
  return initramfs ? initramfs->load(ram, *initramfs_range) : Status();
}

} // namespace kindling::vmm
