// SPDX-License-Identifier: Apache-2.0
// The initramfs: one or more cpio archives, each plain or compressed, one behind the other (the
// kernel's "Early userspace support"; driver-api/early-userspace/buffer-format).
#pragma once

#include <span>
#include <stop_token>
#include <string>

#include "arch/memory_map.h"
#include "arch/result.h"
#include "vmm/loader/input_file.h"

namespace kindling::vmm {

class Initramfs {
public:
  // Opens the file and checks what it begins with: plain archives are walked.
  static Result<Initramfs> open(const std::string& path);

  // Checks the rest: gzip and zstd archives are decompressed, so that a truncated or damaged file
  // is found here rather than by a kernel that panics. What is compressed otherwise (xz, lz4, lzo,
  // bzip2, lzma) is only recognised. Takes about as long as the guest takes to unpack it, so this
  // is for a thread beside the guest; on `stop` it returns early, without error.
  Status check(const std::stop_token& stop = {}) const;
  // Whether open() has seen everything that check() would.
  [[nodiscard]] bool checked() const { return checked_ >= file_.size(); }

  [[nodiscard]] u64 size() const { return file_.size(); }

  // Where it goes in a machine whose kernel occupies `kernel`.
  [[nodiscard]] Result<arch::AddressRange> place(u64 ram_size, arch::AddressRange kernel) const;

  // Puts it there, `ram` being all of guest RAM. May be called again for a reboot.
  Status load(std::span<u8> ram, arch::AddressRange where) const;

private:
  Initramfs(InputFile file, u64 checked) : file_(std::move(file)), checked_(checked) {}

  InputFile file_;
  u64 checked_; // up to here
};

} // namespace kindling::vmm
