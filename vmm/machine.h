// SPDX-License-Identifier: Apache-2.0
// One virtual machine, from its configuration to its end.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "arch/engine.h"
#include "arch/result.h"
#include "arch/types.h"
#include "vmm/checkpoint/info.h"
#include "vmm/events.h"
#include "vmm/log.h"
#include "vmm/machine_disks.h"
#include "vmm/machine_status.h"
#include "vmm/snapshot_info.h"
#include "vmm/vstate/backend.h"
#include "vmm/working_set.h"

namespace kindling::vmm {

inline constexpr unsigned kMaxInstructionShift = 10;

// A run that can be repeated: the same configuration leads to the same instructions.
struct InstructionCounting {
  unsigned shift = 0; // an instruction takes 2^shift ns; at most kMaxInstructionShift
  u64 seed = 0;       // of all random numbers
  // All console input there will be. None: it is typed, and the run can be repeated up to there.
  std::optional<std::vector<u8>> script;
};

struct MachineConfig {
  u32 vcpus = 1;
  u64 ram_size = 0; // bytes
  std::string kernel;
  std::optional<std::string> initramfs;
  std::string command_line;
  std::vector<DiskConfig> disks; // in the order of /dev/vda, /dev/vdb, ...
  vstate::Backend backend = vstate::Backend::kAuto;
  arch::EngineOptions engine;
  bool statistics = false; // Machine::statistics() will be asked for
  std::optional<InstructionCounting> icount;
  bool report = false;          // Machine::report() will be asked for
  bool watch_by_faults = false; // how to learn of writes to RAM: vstate::VmConfig's

  std::string store = kDefaultStore; // of snapshots
  bool track_dirty = false;          // so that snapshots can be differences
  // The snapshot that the machine is to go on from instead of booting: vcpus, ram_size,
  // command_line and disks are the snapshot's then; a kernel, if given, is for reboots.
  std::optional<std::string> restore;
  std::optional<PrefetchConfig> prefetch; // with restore
};

// What the machine wants of the program around it. Called from any thread that the machine runs in,
// with locks of it held: none of these may call the machine.
struct MachineHost {
  std::function<void(std::span<const u8>)> console_output;
  std::function<void()> console_ready; // console_input() would take more again
  std::function<void(const MachineEvent&)> event;
  std::chrono::steady_clock::time_point started; // what the boot time counts from
};

// What tells one run from another.
struct RunReport {
  u64 instructions = 0; // of all vCPUs in all boots; 0: not counted
  std::string memory_sha256;
};

class Machine {
public:
  // Checks everything that the configuration names, and opens it. Nothing runs yet.
  static Result<std::unique_ptr<Machine>> create(const MachineConfig& config,
                                                 const MachineHost& host, const Log& log);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Boots, and reboots when the guest asks for it; returns when the guest has powered off or after
  // quit(). Errors: the machine could not boot or go on, or fail() was called.
  Status run();

  // What the engine counted in all boots of run(), after it.
  [[nodiscard]] const std::vector<arch::Statistic>& statistics() const;

  // What became of the guest, after run() or while it is paused.
  [[nodiscard]] RunReport report();

  // End run() soon, from any thread.
  void quit();
  void fail(Error error);

  // Hands typed bytes to the console's UART; returns how many it took. Any thread but the UART's.
  size_t console_input(std::span<const u8> bytes);

  // What follows is for any thread but the machine's own, and waits for what is under way.

  // Stops nothing.
  MachineStatus status();

  // Stops every vCPU at an instruction boundary, then every device, and the guest's time, until
  // resume(). Between the two nothing changes the guest's state but what is called here. Errors:
  // the machine is not running, or paused already; `cancel` was triggered first, and nothing is
  // left stopped.
  Status pause(const std::stop_token& cancel = {});
  // Errors: the machine is not paused.
  Status resume();

  // Remembers the guest as it is now, and returns the number of the checkpoint: 1 and on. A reboot
  // of the guest forgets all of them. Errors: the machine is not running; there are
  // kMaxCheckpoints; the host has no room.
  Result<unsigned> checkpoint();
  // Takes the guest back to a checkpoint, the newest if none is given, and forgets those after it;
  // returns its number. Errors: there is no such checkpoint; or the guest cannot be what it was,
  // and the machine fails.
  Result<unsigned> roll_back(std::optional<unsigned> number = std::nullopt);
  std::vector<CheckpointInfo> checkpoints();

  // Writes a snapshot to the store. The guest is stopped while it is copied, and runs again while
  // it is brought to stable storage. Errors: the machine is not running; the name is no name or
  // taken; there is nothing that a difference could be told to; the host refuses. The guest goes on
  // and nothing is left behind.
  Result<SnapshotInfo> snapshot(const SnapshotRequest& request);

private:
  class Impl;
  explicit Machine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace kindling::vmm
