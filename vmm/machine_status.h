// SPDX-License-Identifier: Apache-2.0
// A machine as it is at the moment.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "arch/engine.h"
#include "arch/types.h"
#include "vmm/vstate/backend.h"

namespace kindling::vmm {

struct MachineStatus {
  enum class State : u8 {
    kRunning, // or booting
    kPaused,
    kEnded, // Machine::run() has returned, or is about to
  };
  State state = State::kRunning;
  u32 vcpus = 0;
  u64 ram_size = 0; // bytes
  vstate::Backend backend = vstate::Backend::kSoft;
  std::optional<arch::Engine> engine;           // of a CPU in software
  std::chrono::steady_clock::duration uptime{}; // since MachineHost::started
  std::chrono::nanoseconds guest_time{};        // since the guest's boot, as its counter shows
  std::optional<std::chrono::milliseconds> boot_time; // what GuestIsUp told in this boot
  size_t checkpoints = 0;
};

} // namespace kindling::vmm
