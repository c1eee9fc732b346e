// SPDX-License-Identifier: Apache-2.0
// The virtual machine and its interrupt controller over Hypervisor.framework.
//
// The framework knows one VM a process, so there is at most one Vm at a time; creating a second one
// fails. Thread-safe where the framework is: everything here but creation and destruction.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "arch/memory_map.h"
#include "arch/result.h"
#include "arch/types.h"
#include "arch/vcpu_state.h"

namespace kindling::hvf {

// What the guest may do with a range of memory.
struct Access {
  bool read = true;
  bool write = true;
  bool execute = true;
};

// What the host's framework can do.
struct Limits {
  u32 max_vcpus = 0;
  u32 max_ipa_bits = 0;
  u32 default_ipa_bits = 0;
};
Result<Limits> query_limits();

class Vm {
public:
  // A VM whose guest physical addresses have `ipa_bits` bits; 0 for the framework's default.
  static Result<std::unique_ptr<Vm>> create(u32 ipa_bits);
  ~Vm(); // every vCPU must be gone
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;

  // Guest physical memory over host memory. Addresses and sizes are multiples of the host's page.
  Status map(void* host, u64 address, u64 size, Access access);
  Status unmap(u64 address, u64 size);
  Status protect(u64 address, u64 size, Access access);

  // Makes instructions the time of the VM, 2^shift ns each, before the first vCPU is created
  // (hv_softhv_vm_set_instruction_time, whose rules hold from then on). `event` is called at the
  // time that set_event_time() sets. Errors: the CPU is not SoftHV's.
  Status count_instructions(unsigned shift, bool live, std::function<void()> event);
  // All vCPUs' instructions and the VM's time in ns; 0 without instruction time, where the others
  // do nothing.
  [[nodiscard]] u64 instructions() const;
  [[nodiscard]] u64 time_ns() const;
  void set_event_time(u64 ns);

  // The guest's time in nanoseconds, 1000 for 24 ticks of its counter (CNTPCT_EL0).
  [[nodiscard]] u64 guest_time_ns() const;
  // Makes the guest's time go on from `ns`, while no vCPU runs. Where the counter is the host's and
  // cannot be set, returns by how many ticks it is ahead of that time instead of 0: for the guest
  // to see no jump, each vCPU has to make up for it (Vcpu::shift_counter).
  Result<u64> set_guest_time_ns(u64 ns);

  // Adds a GICv3 for `vcpus` vCPUs, before the first vCPU is created. Returns where it lies.
  Result<arch::GicPlacement> create_gic(u32 vcpus);

  // The state of the GIC but for the CPU interfaces, as bytes for a GIC of this framework's version
  // on this host. While no vCPU runs.
  Result<std::vector<u8>> save_gic();
  Status restore_gic(std::span<const u8> state);

  // The distributor by its registers, and putting them into a GIC that has been reset. A register
  // that the framework does not have is left out.
  Result<std::vector<arch::RegisterValue>> read_distributor();
  Status write_distributor(std::span<const arch::RegisterValue> registers);

  // Whether restoring the GIC's state or registers leaves the inputs of interrupts as they are to
  // be. Apple does not say; to drive them again would be an edge to those that are edge-triggered.
  [[nodiscard]] static bool restoring_gic_keeps_inputs();

  // Drives the input of a shared peripheral interrupt.
  Status set_spi(u32 intid, bool high);

  // Tells the engine that bytes of guest memory changed other than by the guest's own stores, so
  // that it drops what it derived from them. Nothing to do for a CPU in hardware.
  void memory_changed(u64 address, u64 size);
  // The same for the pages of 4 KiB at `pages`.
  void pages_changed(std::span<const u64> pages);

private:
  Vm() = default;

  std::function<void()> event_;
};

} // namespace kindling::hvf
