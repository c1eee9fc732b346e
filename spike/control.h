// SPDX-License-Identifier: Apache-2.0
// The control socket of a machine: --control-sock.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "arch/result.h"
#include "vmm/control/server.h"
#include "vmm/control/target.h"
#include "vmm/machine.h"

namespace kindling::spike {

class Control final : private vmm::ControlTarget {
public:
  // Listens at `path`; clients are let in when the guest boots. `quit` makes `machine` end soon;
  // both outlive this.
  static Result<std::unique_ptr<Control>> create(const std::string& path, vmm::Machine& machine,
                                                 std::function<void()> quit);
  ~Control() override; // when the machine has ended
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // For MachineHost::event.
  void event(const vmm::MachineEvent& event);

private:
  Control(vmm::Machine& machine, std::function<void()> quit)
      : machine_(machine), quit_(std::move(quit)) {}

  vmm::MachineStatus status() override { return machine_.status(); }
  Status pause() override { return machine_.pause(); }
  Status resume() override { return machine_.resume(); }
  Result<unsigned> checkpoint() override { return machine_.checkpoint(); }
  Result<unsigned> roll_back(std::optional<unsigned> number) override {
    return machine_.roll_back(number);
  }
  std::vector<vmm::CheckpointInfo> checkpoints() override { return machine_.checkpoints(); }
  Result<vmm::SnapshotInfo> snapshot(const vmm::SnapshotRequest& request) override {
    return machine_.snapshot(request);
  }
  void quit() override;

  vmm::Machine& machine_;
  const std::function<void()> quit_;
  std::mutex mutex_; // of ended_
  std::condition_variable changed_;
  bool ended_ = false;
  std::unique_ptr<vmm::ControlServer> server_; // goes before what its clients use
};

} // namespace kindling::spike
