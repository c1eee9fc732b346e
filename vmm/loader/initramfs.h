// SPDX-License-Identifier: Apache-2.0
// The initramfs: one or more cpio archives, each plain or compressed, one behind the other (the
// kernel's "Early userspace support"; driver-api/early-userspace/buffer-format).
#pragma once

#include <span>
#include <string>

#include "arch/memory_map.h"
#include "arch/result.h"
#include "vmm/loader/input_file.h"

namespace kindling::vmm {

class Initramfs {
public:
  // Opens and checks the file: plain archives are walked, gzip and zstd ones decompressed, so that
  // a truncated or damaged file is found here rather than by a kernel that panics. What is
  // compressed otherwise (xz, lz4, lzo, bzip2, lzma) is only recognised.
  static Result<Initramfs> open(const std::string& path);

  [[nodiscard]] u64 size() const { return file_.size(); }

  // Where it goes in a machine whose kernel occupies `kernel`.
  [[nodiscard]] Result<arch::AddressRange> place(u64 ram_size, arch::AddressRange kernel) const;

  // Puts it there, `ram` being all of guest RAM. May be called again for a reboot.
  Status load(std::span<u8> ram, arch::AddressRange where) const;

private:
  explicit Initramfs(InputFile file) : file_(std::move(file)) {}

  InputFile file_;
};

} // namespace kindling::vmm
