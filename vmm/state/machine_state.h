// SPDX-License-Identifier: Apache-2.0
// The state of a stopped machine, by name: what a snapshot has besides RAM and disks.
#pragma once

#include "arch/result.h"
#include "vmm/machine_devices.h"
#include "vmm/session.h"
#include "vmm/state/state_table.h"

namespace kindling::vmm {

// Between Session::stop() and go_on(), devices paused.
Status save_machine(Session& session, const MachineDevices& devices, StateTable& to);
// Likewise, to a machine whose vCPUs are new.
Status restore_machine(Session& session, MachineDevices& devices, StateTable& from);

} // namespace kindling::vmm
