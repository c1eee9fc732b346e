// SPDX-License-Identifier: Apache-2.0
// The kernel: an arm64 Image, plain, gzip- or zstd-compressed, or packed as an EFI zboot image.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "arch/image.h"
#include "arch/memory_map.h"
#include "arch/result.h"
#include "vmm/loader/inflate.h"
#include "vmm/loader/input_file.h"

namespace kindling::vmm {

class Kernel {
public:
  // Opens and examines the file; nothing is loaded yet. Errors name the file, what is wrong with it
  // and what would be right.
  static Result<Kernel> open(const std::string& path, u64 ram_size);

  [[nodiscard]] const arch::ImageHeader& header() const { return placement_.header; }

  // Guest memory that the kernel occupies, from its first byte, which is also its entry point.
  [[nodiscard]] arch::AddressRange range() const {
    return {arch::kRamBase + placement_.offset, placement_.reserved_size};
  }

  // Puts the kernel into guest RAM, `ram` being all of it. May be called again for a reboot.
  Status load(std::span<u8> ram) const;

private:
  Kernel(InputFile file, std::optional<CompressedRange> compressed,
         const arch::ImagePlacement& placement)
      : file_(std::move(file)), compressed_(compressed), placement_(placement) {}

  InputFile file_;
  std::optional<CompressedRange> compressed_; // none: a plain Image
  arch::ImagePlacement placement_;
};

} // namespace kindling::vmm
