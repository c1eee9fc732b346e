// SPDX-License-Identifier: Apache-2.0
// The one place that knows which engines there are.
#pragma once

#include "softhv/core/cpu.h"
#include "softhv/core/engine_options.h"

namespace softhv {

// Whether this build has the engine and this host can run it.
bool engine_available(Engine engine);

// The fastest of those available.
Engine default_engine();

// Runs guest code with the engine of the vCPU's VM until cpu.exit_pending. By the vCPU's thread.
void run_engine(Cpu& cpu);

} // namespace softhv
