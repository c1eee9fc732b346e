// SPDX-License-Identifier: Apache-2.0
// The host memory behind guest RAM.
#pragma once

#include <memory>
#include <span>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::vmm {

// Anonymous memory that the host fills in as the guest touches it; nothing is reserved ahead. It
// starts out as zeros, aligned to the host's huge pages.
class GuestRam {
public:
  static Result<std::unique_ptr<GuestRam>> create(u64 size);
  ~GuestRam();
  GuestRam(const GuestRam&) = delete;
  GuestRam& operator=(const GuestRam&) = delete;

  [[nodiscard]] std::span<u8> bytes() const { return bytes_; }

  // Zeros again, and gives the memory back to the host. Nobody may access it meanwhile.
  Status reset();

private:
  explicit GuestRam(std::span<u8> bytes) : bytes_(bytes) {}

  std::span<u8> bytes_;
};

} // namespace kindling::vmm
