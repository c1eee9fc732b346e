// SPDX-License-Identifier: Apache-2.0
// Sizes as people write them.
#pragma once

#include <string>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::spike {

// "512M", "2G", "65536K"; a plain number means MiB. In bytes. The error says what would be right.
Result<u64> parse_size(const std::string& text);

} // namespace kindling::spike
