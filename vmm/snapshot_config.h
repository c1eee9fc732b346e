// SPDX-License-Identifier: Apache-2.0
// A machine's configuration as its snapshots have it.
#pragma once

#include "arch/result.h"
#include "vmm/machine.h"
#include "vmm/store/manifest.h"
#include "vmm/vstate/backend.h"

namespace kindling::vmm {

// What a snapshot says of a machine, besides what it holds.
Manifest describe(const MachineConfig& config, vstate::Backend backend);

// Makes `config`, as it was asked for, that of a machine that goes on from the snapshot. Errors:
// the two contradict each other.
Status configure_from(MachineConfig& config, const Manifest& snapshot);

} // namespace kindling::vmm
