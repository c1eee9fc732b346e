// SPDX-License-Identifier: Apache-2.0
// The interpreter: runs a vCPU by predecoded basic blocks.
#pragma once

#include "softhv/core/cpu.h"

namespace softhv::interp {

// Runs guest code until cpu.exit_pending or the budget (core/budget.h) is used up. By the vCPU's
// thread.
void run(Cpu& cpu);

// Executes the single instruction at cpu.s.pc, or takes the exception that fetching it raises.
// Either counts as one; the budget must not be used up. Ignores cpu.attention. Used while
// single-stepping, close to the end of the budget, and by tests.
void step(Cpu& cpu);

} // namespace softhv::interp
