// SPDX-License-Identifier: Apache-2.0
// One boot of a machine: its Vm and its vCPU threads. A reboot ends the session and starts another,
// so that nothing of the old one is left in registers, interrupt controller or timers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "arch/boot_state.h"
#include "arch/result.h"
#include "devices/bus.h"
#include "vmm/guest_ram.h"
#include "vmm/log.h"
#include "vmm/state/saved_cpus.h"
#include "vmm/vcpu/psci.h"
#include "vmm/vcpu/run_control.h"
#include "vmm/vcpu/vcpu_thread.h"
#include "vmm/vstate/backend.h"

namespace kindling::vmm {

// What the guest and its engine tell the machine, from any vCPU thread.
struct SessionEvents {
  std::function<void()> power_off;
  std::function<void()> reset;
  std::function<void(Error)> failed;
};

struct SessionParts {
  vstate::Capabilities capabilities;
  u32 vcpus = 1;
  arch::EngineOptions engine;
  GuestRam& ram;
  const devices::Bus& bus;
  const Log& log;
  SessionEvents events;
  std::optional<vstate::InstructionTime> instruction_time;
  bool watch_by_faults = false; // VmConfig's
};

// What makes up a session at an instruction boundary, besides RAM and devices. For a session of
// this process that was created alike.
struct SessionState {
  std::vector<arch::VcpuState> vcpus;
  std::vector<CpuPowerState> power;
  std::vector<u8> gic;
  u64 time_ns = 0;
};

class Session {
public:
  // Makes the Vm and maps RAM. No vCPU exists yet.
  static Result<std::unique_ptr<Session>> create(const SessionParts& parts);
  ~Session(); // ends and joins the vCPU threads
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] vstate::Vm& vm() { return *vm_; }

  // Creates the vCPUs, each with its thread, all of them off. Once.
  Status create_vcpus();
  // Turns the first one on.
  void start(const arch::BootState& boot);

  // Stops every vCPU at an instruction boundary, and with them the guest's time, until go_on().
  // Errors as RunControl::stop_all's.
  Status stop(const std::stop_token& cancel = {});
  void go_on();

  // The guest's time since start(), or since what restore() took from a snapshot, in nanoseconds.
  // Not at the same time as stop() and go_on().
  [[nodiscard]] u64 guest_time_ns() const;

  // Between stop() and go_on(). Takes `to`'s memory for its own use, so that saving
  // again allocates nothing.
  Status save(SessionState& to);
  // By name, for a snapshot; and the same for a session whose vCPUs are new. The table may hold
  // other things.
  Status save(StateTable& to);
  Status restore(StateTable& from);
  // Of the vCPUs, ID registers by name.
  std::map<std::string, u64> features();

  // The same as save(); translation tables in RAM are what they are to be already.
  Status restore(const SessionState& from);

  // Makes every vCPU thread leave the guest for good and waits for it. May be called twice.
  void end();

private:
  using VcpuWork = std::function<Status(vstate::Vcpu&, unsigned index)>;

  Session(const SessionParts& parts, std::unique_ptr<vstate::Vm> vm);
  Status start_thread(unsigned index);
  Status settle(const std::vector<arch::VcpuState>& vcpus);
  Result<SavedCpus> read_cpus();
  struct CpuMoment { // what both kinds of saved state have
    u64 time_ns;
    const std::vector<CpuPowerState>& power;
    const std::vector<arch::VcpuState>& vcpus;
  };
  Status put_back(const CpuMoment& moment, const VcpuWork& more);
  Status write_cpus(const SavedCpus& cpus);
  Status on_every_vcpu(const VcpuWork& work);

  const u32 vcpus_;
  const bool counts_instructions_;
  std::unique_ptr<vstate::Vm> vm_;
  RunControl control_;
  Psci psci_;
  RateLimit guest_errors_;
  std::vector<vstate::Vcpu*> vcpu_handles_; // by index
  VcpuContext context_;
  std::vector<std::thread> threads_;
  u64 started_at_ns_ = 0; // of the guest's time
  bool stopped_ = false;  // between stop() and go_on()
  u64 stopped_at_ns_ = 0; // the guest's time then
};

} // namespace kindling::vmm
