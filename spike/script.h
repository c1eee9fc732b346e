// SPDX-License-Identifier: Apache-2.0
// Console input that is known before the guest starts.
#pragma once

#include <vector>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::spike {

inline constexpr size_t kMaxScript = 64 << 20; // bytes

// Reads the descriptor to its end, waiting for it. Errors: it cannot be read, or there is more than
// kMaxScript.
Result<std::vector<u8>> read_script(int fd);

} // namespace kindling::spike
