// SPDX-License-Identifier: Apache-2.0
// vCPUs, interrupt controller and time of a machine, by name in a StateTable: what a snapshot keeps
// of them, whatever executes them.
#pragma once

#include <vector>

#include "arch/vcpu_state.h"
#include "vmm/state/state_table.h"
#include "vmm/vcpu/psci.h"

namespace kindling::vmm {

struct SavedCpus {
  std::vector<arch::VcpuState> vcpus;
  std::vector<CpuPowerState> power;
  arch::GicState gic;
  u64 time_ns = 0;

  bool operator==(const SavedCpus&) const = default;
};

// Registers of the GIC that are zero are left out.
void put_cpus(const SavedCpus& cpus, StateTable& table);

// Takes out what put_cpus() put, for an engine whose registers those of `present` are: for as many
// vCPUs and with the registers that it names. Errors: a value is missing, or makes no sense; the
// table has a register that the engine does not have.
Result<SavedCpus> take_cpus(StateTable& table, const SavedCpus& present);

} // namespace kindling::vmm
