// SPDX-License-Identifier: Apache-2.0
// The thread of one vCPU: waits until PSCI turns the vCPU on, runs it, and answers its exits.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "arch/types.h"
#include "devices/bus.h"
#include "vmm/log.h"
#include "vmm/vcpu/psci.h"
#include "vmm/vcpu/run_control.h"
#include "vmm/vstate/vm.h"

namespace kindling::vmm {

// What a machine's vCPU threads share. Everything outlives them.
struct VcpuContext {
  vstate::Vm& vm;
  const devices::Bus& bus;
  Psci& psci;
  RunControl& control;
  const Log& log;
  RateLimit& guest_errors; // for lines that a guest provokes
  // By index; for whoever RunControl lets work on a stopped vCPU's thread. Set before it attaches.
  std::vector<vstate::Vcpu*>& vcpus;

  // From any vCPU thread, any number of times.
  std::function<void()> power_off;
  std::function<void()> reset;
  std::function<void(Error)> failed; // the engine refused to go on
};

class VcpuThread {
public:
  VcpuThread(VcpuContext& context, unsigned index) : context_(context), index_(index) {}

  // The thread's body. `created` is called once, with the result of creating the vCPU; on an error
  // that is all. Returns after RunControl::end().
  void run(const std::function<void(Status)>& created);

private:
  void run_while_on();
  // False: the vCPU does not run any more, and its machine is about to end.
  bool run_once();
  bool answer(const arch::VcpuExit& exit);
  bool answer_call(const char* instruction);
  void answer_register(const arch::SystemRegister& exit);
  void report(const std::string& what);
  // Whether the engine carried out what was asked of it; reports the failure otherwise.
  bool done(const Status& status);

  VcpuContext& context_;
  const unsigned index_;
  std::unique_ptr<vstate::Vcpu> vcpu_;
};

} // namespace kindling::vmm
