// SPDX-License-Identifier: Apache-2.0
// One vCPU over Hypervisor.framework, and the step of its run loop.
//
// A Vcpu belongs to the thread that creates it: every member but kick() is for that thread alone,
// destruction included.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <Hypervisor/Hypervisor.h>

#include "arch/boot_state.h"
#include "arch/result.h"
#include "arch/types.h"
#include "arch/vcpu_exit.h"
#include "arch/vcpu_state.h"
#include "hvf/registers.h"

namespace kindling::hvf {

class Vcpu {
public:
  // A vCPU that presents `mpidr` to the guest. With a GIC, its redistributor comes with it.
  static Result<std::unique_ptr<Vcpu>> create(u64 mpidr);
  ~Vcpu();
  Vcpu(const Vcpu&) = delete;
  Vcpu& operator=(const Vcpu&) = delete;

  // Puts every register at its reset value and then at `state`; the guest's time goes on. Drops a
  // pending exit.
  Status reset(const arch::BootState& state);

  // Every register, and putting them all back, which drops a pending exit. save() fails while an
  // exit is pending, restore() when `from` has a register that is not there.
  Status save(arch::VcpuState& to) const;
  Status restore(const arch::VcpuState& from);

  // Its redistributor by registers, and putting them into one that has been reset. A register that
  // the framework does not have is left out.
  Result<std::vector<arch::RegisterValue>> read_redistributor() const;
  Status write_redistributor(std::span<const arch::RegisterValue> registers);

  // Makes the vCPU the calling thread's for all but run() and destruction, until give_back(). Its
  // own thread waits meanwhile, outside run(). False: the framework ties vCPUs to their threads.
  bool borrow() const;
  void give_back() const;

  // Makes up for a physical counter that has gone `ticks` ahead of the guest's time: the virtual
  // counter and both timers go on as if it had not.
  Status shift_counter(u64 ticks);

  // Runs guest code until it leaves. Fails when the framework does, and while an exit is pending.
  Result<arch::VcpuExit> run();

  // Whether the last exit still has to be completed, by one of the functions below. Each fails when
  // the pending exit is of another kind.
  [[nodiscard]] bool pending() const { return pending_ != Pending::kNone; }

  Status complete_read(u64 value);     // MmioRead: the register, extended; past the instruction
  Status complete_write();             // MmioWrite: past the instruction
  Status complete_call(u64 x0);        // Hvc, Smc: X0; past the instruction
  Status complete_wait();              // WaitForInterrupt: past the instruction
  Status complete_register(u64 value); // SystemRegister: the register of a read; past it
  // Instead of any of them: the guest takes an external abort (MmioRead, MmioWrite,
  // UnserviceableAccess) or an Undefined exception (all others) at the instruction.
  Status abort_access();
  Status raise_undefined();

  // Makes a run() that is under way, or else the next one, return Canceled soon. Any thread.
  void kick();

  // In a VM that counts instructions (Vm::count_instructions): the vCPU of this handle will run
  // soon, and the others wait for it (any thread); it will not run until it is expected again.
  static void expect(hv_vcpu_t handle);
  void rest();
  [[nodiscard]] hv_vcpu_t handle() const { return handle_; }

  [[nodiscard]] Result<u64> get(hv_reg_t reg) const;
  Status set(hv_reg_t reg, u64 value);
  [[nodiscard]] Result<u64> get_system(hv_sys_reg_t reg) const;
  Status set_system(hv_sys_reg_t reg, u64 value);

  // Leaves the virtual timer's exit enabled or not; a VtimerActivated exit disables it.
  Status mask_vtimer(bool masked);

private:
  enum class Pending : u8 { kNone, kRead, kWrite, kHvc, kSmc, kWait, kRegister, kAccess, kOther };

  Vcpu(hv_vcpu_t handle, const hv_vcpu_exit_t* exit) : handle_(handle), exit_(exit) {}

  [[nodiscard]] Result<u64> vtimer_offset() const;
  Status set_vtimer_offset(u64 offset);
  Result<arch::VcpuExit> decode_exception();
  Result<arch::VcpuExit> decode_data_abort(u64 syndrome);
  Result<arch::VcpuExit> decode_system_register(u64 syndrome);
  [[nodiscard]] Result<u64> get_operand(u8 reg) const; // 31 is XZR
  Status set_operand(u8 reg, u64 value);
  Status expect(Pending kind, const char* operation) const;
  Status advance();
  Status take_exception(u64 esr, bool has_address);

  hv_vcpu_t handle_;
  const hv_vcpu_exit_t* exit_;
  RegisterSet registers_;
  arch::VcpuState reset_values_;
  u64 mpidr_ = 0;
  Pending pending_ = Pending::kNone;
  u64 syndrome_ = 0; // of the pending exit
  u64 address_ = 0;  // virtual, likewise
};

} // namespace kindling::hvf
