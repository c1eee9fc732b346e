// SPDX-License-Identifier: Apache-2.0
// A fingerprint of guest memory.
#pragma once

#include <span>
#include <string>

#include "arch/types.h"

namespace kindling::vmm {

// SHA-256 (FIPS 180-4), as 64 hexadecimal digits.
std::string sha256(std::span<const u8> bytes);

} // namespace kindling::vmm
