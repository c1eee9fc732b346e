// SPDX-License-Identifier: Apache-2.0
// A machine that only knows what it was asked to be.
#pragma once

#include <fmt/format.h>

#include "vmm/control/target.h"

namespace kindling::vmm::testing {

class FakeTarget final : public ControlTarget {
public:
  MachineStatus status() override { return now; }
  Status pause() override {
    if (now.state == MachineStatus::State::kPaused) {
      return Error{"paused already"};
    }
    now.state = MachineStatus::State::kPaused;
    return {};
  }
  Status resume() override {
    if (now.state != MachineStatus::State::kPaused) {
      return Error{"not paused"};
    }
    now.state = MachineStatus::State::kRunning;
    return {};
  }
  Result<unsigned> checkpoint() override { return static_cast<unsigned>(++now.checkpoints); }
  Result<unsigned> roll_back(std::optional<unsigned> number) override {
    const unsigned to = number.value_or(static_cast<unsigned>(now.checkpoints));
    if (to == 0 || to > now.checkpoints) {
      return Error{fmt::format("no checkpoint {}", to)};
    }
    now.checkpoints = to;
    return to;
  }
  std::vector<CheckpointInfo> checkpoints() override { return list; }
  Result<SnapshotInfo> snapshot(const SnapshotRequest& request) override {
    if (request.name == "taken") {
      return Error{"taken already"};
    }
    snapshots.push_back(request);
    SnapshotInfo info;
    info.name = request.name;
    info.base = request.base;
    info.ram_bytes = 4096;
    info.stopped = std::chrono::milliseconds(2);
    return info;
  }
  void quit() override { now.state = MachineStatus::State::kEnded; }

  MachineStatus now;
  std::vector<CheckpointInfo> list;
  std::vector<SnapshotRequest> snapshots;
};

} // namespace kindling::vmm::testing
