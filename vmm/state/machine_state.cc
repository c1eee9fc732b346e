// SPDX-License-Identifier: Apache-2.0
#include "vmm/state/machine_state.h"

namespace kindling::vmm {

namespace {
constexpr const char* kDevices = "devices";
} // namespace

Status save_machine(Session& session, const MachineDevices& devices, StateTable& to) {
  if (Status s = session.save(to); !s) {
    return s;
  }
  to.put(kDevices, devices.save());
  return {};
}

Status restore_machine(Session& session, MachineDevices& devices, StateTable& from) {
  const auto bytes = from.take_bytes(kDevices);
  if (!bytes) {
    return bytes.error();
  }
  // First, so that the GIC is told last which interrupts are pending.
  if (Status s = devices.restore(*bytes); !s) {
    return s;
  }
  return session.restore(from);
}

} // namespace kindling::vmm
