// SPDX-License-Identifier: Apache-2.0
// What is asked of a machine that is to make a snapshot of itself, and what it tells of it.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "arch/types.h"

namespace kindling::vmm {

enum class SnapshotKind : u8 {
  kAuto, // the difference to the newest snapshot that it can be told to, else all
  kFull,
  kDiff,
};

struct SnapshotRequest {
  std::string name;
  SnapshotKind kind = SnapshotKind::kAuto;
  std::optional<std::string> base; // of kDiff: the snapshot that it is the difference to
};

struct SnapshotInfo {
  std::string name;
  std::optional<std::string> base; // none: it is full
  u64 ram_bytes = 0;               // in its files
  u64 disk_bytes = 0;
  std::chrono::steady_clock::duration stopped{}; // for how long the guest was
};

} // namespace kindling::vmm
