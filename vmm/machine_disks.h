// SPDX-License-Identifier: Apache-2.0
// The disks of a machine: files that a person named, or those of a snapshot with room for changes.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "arch/result.h"
#include "devices/undo_disk.h"
#include "vmm/store/layered_disk.h"
#include "vmm/store/store.h"

namespace kindling::vmm {

struct DiskConfig {
  std::string path;
  bool read_only = false;
  std::string id; // what the guest reads as the disk's serial number; may be empty
};

// A disk on its way to a device, and afterwards. What it points to lives as long as the device.
struct MachineDisk {
  std::string id;
  std::unique_ptr<devices::UndoDisk> backend; // until a device has it
  devices::UndoDisk* disk = nullptr;          // the same
  std::unique_ptr<ChangeLog> changes;
  std::string path;                    // of a file that a person named
  const LayeredDisk* layers = nullptr; // of a snapshot's disk
};

// Errors are one line that names the file.
Result<std::vector<MachineDisk>> open_disks(std::span<const DiskConfig> configs);

// Those of a snapshot, with files for what is written in `directory`. Takes the disks' images out
// of `chain`.
Result<std::vector<MachineDisk>> clone_disks(SnapshotChain& chain, const std::string& directory);

// The disk as it is now: wholly, or the blocks of `only`. While nobody uses it.
Status write_disk_image(const MachineDisk& disk, const RangeMap* only, ImageWriter& to);

} // namespace kindling::vmm
