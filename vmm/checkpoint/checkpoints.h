// SPDX-License-Identifier: Apache-2.0
// The moments that a running guest can be taken back to, in memory: RAM, vCPUs, interrupt
// controller, timers, devices and disks. They nest: going back to one forgets all later ones.
//
// before_write() is for any thread. Everything else is for one thread, while the session and the
// devices are stopped.
#pragma once

#include <atomic>
#include <chrono>
#include <vector>

#include "arch/result.h"
#include "vmm/checkpoint/info.h"
#include "vmm/checkpoint/ram_history.h"
#include "vmm/machine_devices.h"
#include "vmm/session.h"
#include "vmm/write_tracker.h"

namespace kindling::vmm {

class Checkpoints final : public WriteListener {
public:
  // All outlive this; `ram` begins at arch::kRamBase. `writes` is to tell this of writes.
  Checkpoints(std::span<u8> ram, MachineDevices& devices, WriteTracker& writes);

  [[nodiscard]] bool empty() const { return moments_.empty(); }
  [[nodiscard]] size_t size() const { return moments_.size(); }

  // Adds the present moment. Errors: there are kMaxCheckpoints, or the host has no room; the guest
  // is as it was.
  Status push(Session& session);

  // Takes the guest back to checkpoint `number`. Errors: there is none of that number, and nothing
  // has changed; or the guest cannot be made what it was, and must not go on.
  Status roll_back(Session& session, unsigned number);

  void before_write(u64 address, u64 size) override;

  [[nodiscard]] std::vector<CheckpointInfo> list() const;

  // Forgets all.
  void clear();

private:
  struct Moment {
    SessionState session;
    std::vector<u8> devices;
    std::chrono::steady_clock::time_point time;
  };

  Status push_disks();

  MachineDevices& devices_;
  WriteTracker& writes_;
  RamHistory history_;
  std::vector<Moment> moments_;
  std::vector<u64> changed_;      // pages that roll_back() puts back
  std::atomic<bool> lost_{false}; // a page could not be kept
};

} // namespace kindling::vmm
