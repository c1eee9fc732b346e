// SPDX-License-Identifier: Apache-2.0
// The memory of a machine that comes from a snapshot.
#pragma once

#include "vmm/guest_ram.h"
#include "vmm/log.h"
#include "vmm/store/store.h"

namespace kindling::vmm {

// Ranges of layers above the lowest, each with a mapping of its own: with more of them the layers
// are merged into one file first, which takes longer once and nothing afterwards.
inline constexpr size_t kMostMappedRanges = 1024;
// Where no file can be made: with the holes between them half of what Linux lets a process have
// (vm.max_map_count). More are read instead.
inline constexpr size_t kMostMappedWithoutMerging = 16384;

// RAM shows what the chain has. `log` is told of merged files that are damaged or cannot be made.
Status show_snapshot(GuestRam& ram, SnapshotChain& chain, const Store& store, const Log& log,
                     size_t most_ranges = kMostMappedRanges);

} // namespace kindling::vmm
