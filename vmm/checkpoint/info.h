// SPDX-License-Identifier: Apache-2.0
// What a machine tells of the moments it can be taken back to.
#pragma once

#include <chrono>

#include "arch/types.h"

namespace kindling::vmm {

inline constexpr unsigned kMaxCheckpoints = 9; // as many as there are keys

struct CheckpointInfo {
  unsigned number = 0; // from 1 on
  std::chrono::steady_clock::duration age{};
  u64 ram_bytes = 0;  // that have changed since, up to the next checkpoint
  u64 disk_bytes = 0; // likewise
};

} // namespace kindling::vmm
