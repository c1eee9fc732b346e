// SPDX-License-Identifier: Apache-2.0
// Taking snapshots of a machine, and being made from one.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "arch/result.h"
#include "vmm/guest_ram.h"
#include "vmm/machine_devices.h"
#include "vmm/machine_disks.h"
#include "vmm/session.h"
#include "vmm/snapshot_info.h"
#include "vmm/store/change_log.h"
#include "vmm/store/store.h"
#include "vmm/write_tracker.h"

namespace kindling::vmm {

// What the files of a snapshot are made from; all of it outlives the snapshots.
struct SnapshotParts {
  GuestRam& ram;
  MachineDevices& devices;
  std::vector<MachineDisk>& disks;
  WriteTracker& writes; // tells Snapshots of writes
};

// Knows which snapshots the machine's changes can be told since. One thread at a time.
class Snapshots final : public WriteListener {
public:
  Snapshots(std::string store, const SnapshotParts& parts, bool track_changes);

  void before_write(u64 address, u64 size) override;

  // The machine, which is stopped, is what the snapshot says; changes are counted from here.
  Status came_from(const Manifest& snapshot);

  // RAM is about to change as a whole: no difference can be told to what was before. Nothing runs.
  void forget();

  // A snapshot that has all it needs of the machine and is to be brought to stable storage.
  struct Captured {
    SnapshotWriter writer;
    Manifest manifest;
    std::vector<u8> state;
    std::vector<ImageWriter> images; // RAM, then disks
  };
  // While the session and the devices are stopped. `manifest` has what does not change.
  Result<Captured> capture(Session& session, const SnapshotRequest& request, Manifest manifest);
  // The machine may run again.
  static Result<SnapshotInfo> commit(Captured captured);

private:
  struct Known {
    std::string name;
    std::string id;
  };
  // What the difference is to be to; nullptr: there is to be none.
  Result<const Known*> base_for(const SnapshotRequest& request) const;
  Result<ImageWriter> capture_ram(const SnapshotWriter& writer, const RangeMap* only) const;
  Status mark(const std::string& name, const std::string& id);

  const Store store_;
  SnapshotParts parts_;
  const bool track_changes_;
  ChangeLog ram_changes_;
  std::vector<Known> known_; // the last one is the newest
};

} // namespace kindling::vmm
