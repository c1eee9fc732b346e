// SPDX-License-Identifier: Apache-2.0
// The state of a virtual machine's CPUs and interrupt controller at an instruction boundary, in the
// architecture's terms, so that it does not depend on what executes them.
#pragma once

#include <array>
#include <vector>

#include "arch/types.h"

namespace kindling::arch {

// A register by its number: the packed encoding of a system register (arch/sysreg.h), or the offset
// of a memory-mapped one.
struct RegisterValue {
  u32 number = 0;
  u64 value = 0;

  bool operator==(const RegisterValue&) const = default;
};

// One vCPU without its redistributor. What an engine has no register for is left out of the lists;
// what a list does not name stays as it is when the state is put back.
struct VcpuState {
  std::array<u64, 31> x{};
  u64 pc = 0;
  u64 pstate = 0; // as SPSR_EL1 has it
  u64 fpcr = 0;
  u64 fpsr = 0;
  std::array<std::array<u8, 16>, 32> q{};
  std::vector<RegisterValue> system; // timers included
  std::vector<RegisterValue> icc;    // ICC_*_EL1
  u64 vtimer_offset = 0;             // CNTVOFF_EL2
  bool vtimer_masked = false;        // of engines without an interrupt controller

  bool operator==(const VcpuState&) const = default;
};

// The GICv3 without its CPU interfaces. Levels of lines are not part of it: devices and timers
// drive them again.
struct GicState {
  std::vector<RegisterValue> distributor;                 // GICD_*
  std::vector<std::vector<RegisterValue>> redistributors; // GICR_*, by vCPU

  bool operator==(const GicState&) const = default;
};

} // namespace kindling::arch
