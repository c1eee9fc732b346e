// SPDX-License-Identifier: Apache-2.0
// What a client of the control socket can ask of a machine.
#pragma once

#include <optional>
#include <vector>

#include "arch/result.h"
#include "vmm/checkpoint/info.h"
#include "vmm/machine_status.h"
#include "vmm/snapshot_info.h"

namespace kindling::vmm {

// Each function is for any thread, returns when it is done, and means what Machine's of the same
// name does.
class ControlTarget {
public:
  virtual ~ControlTarget() = default;

  virtual MachineStatus status() = 0;
  virtual Status pause() = 0;
  virtual Status resume() = 0;
  virtual Result<unsigned> checkpoint() = 0;
  virtual Result<unsigned> roll_back(std::optional<unsigned> number) = 0;
  virtual std::vector<CheckpointInfo> checkpoints() = 0;
  virtual Result<SnapshotInfo> snapshot(const SnapshotRequest& request) = 0;
  // Returns when the machine has ended.
  virtual void quit() = 0;
};

} // namespace kindling::vmm
