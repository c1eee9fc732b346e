// SPDX-License-Identifier: Apache-2.0
// What SoftHV has beyond Hypervisor.framework to say and to be told about how it executes guests.
// With Apple's framework there is nothing of it.
#pragma once

#include <vector>

#include "arch/engine.h"
#include "arch/result.h"

namespace kindling::hvf {

struct EngineCapabilities {
  bool software = false; // SoftHV executes the guest: options and statistics exist
  bool jit = false;      // it has a JIT for this host
};
EngineCapabilities query_engine();

// For the VM that there is, before its first vCPU. Fails where an option other than the default is
// asked for and query_engine() does not promise it.
Status set_engine(const arch::EngineOptions& options);

// Of all vCPUs since the VM was created; none where there are none.
Result<std::vector<arch::Statistic>> read_statistics();

} // namespace kindling::hvf
