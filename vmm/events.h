// SPDX-License-Identifier: Apache-2.0
// What happens to a machine, told to the program around it.
#pragma once

#include <chrono>
#include <string>
#include <variant>

#include "arch/types.h"

namespace kindling::vmm {

// The guest is about to boot, or to go on from a snapshot.
struct GuestBoots {
  bool again = false; // because the guest has reset its machine
};

// The guest says that it is up; once a boot.
struct GuestIsUp {
  std::chrono::milliseconds after{};
};

struct Paused {};
struct Resumed {};

struct CheckpointMade {
  unsigned number = 0;
};

struct RolledBack {
  unsigned number = 0; // of the checkpoint
};

struct SnapshotMade {
  std::string name;
};

// The guest's helper has been told that the guest goes on from a snapshot (docs/guest-helper.md).
struct GuestAdjusted {
  std::string error; // empty: its clock is right, and its random numbers are its own
};

enum class EndReason : u8 { kPowerOff, kQuit, kFailure };

struct Ended {
  EndReason reason = EndReason::kPowerOff;
  std::string error; // of a failure
};

using MachineEvent = std::variant<GuestBoots, GuestIsUp, Paused, Resumed, CheckpointMade,
                                  RolledBack, SnapshotMade, GuestAdjusted, Ended>;

} // namespace kindling::vmm
