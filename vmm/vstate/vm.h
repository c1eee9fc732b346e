// SPDX-License-Identifier: Apache-2.0
// The seam between the monitor and whatever executes guest code: one Vm, its interrupt controller
// and its Vcpus, the same for every backend. Nothing above this file knows which one is in use.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "arch/boot_state.h"
#include "arch/engine.h"
#include "arch/memory_map.h"
#include "arch/result.h"
#include "arch/types.h"
#include "arch/vcpu_exit.h"
#include "arch/vcpu_state.h"

namespace kindling::vmm::vstate {

// One vCPU. Everything but kick() is for the thread that created it, destruction included.
//
// An exit other than Canceled and VtimerActivated is pending until one of the completing functions
// has retired it: it writes the registers and steps over the instruction, or makes the guest take
// an exception. run() refuses to go on before that; a vCPU that is not pending is at an instruction
// boundary.
class Vcpu {
public:
  virtual ~Vcpu() = default;

  // Every register as at power-on, then `state`. Drops a pending exit.
  virtual Status reset(const arch::BootState& state) = 0;

  virtual Result<arch::VcpuExit> run() = 0;
  [[nodiscard]] virtual bool pending() const = 0;

  virtual Status complete_read(u64 value) = 0;
  virtual Status complete_write() = 0;
  virtual Status complete_call(u64 x0) = 0;
  virtual Status complete_wait() = 0;
  virtual Status complete_register(u64 value) = 0;
  virtual Status abort_access() = 0;
  virtual Status raise_undefined() = 0;

  // Every register, and putting them all back, which drops a pending exit. save() fails while an
  // exit is pending.
  virtual Status save(arch::VcpuState& to) = 0;
  virtual Status restore(const arch::VcpuState& from) = 0;

  // Its part of the interrupt controller by registers (arch::GicState), and putting them into one
  // that has been reset.
  virtual Result<std::vector<arch::RegisterValue>> read_redistributor() = 0;
  virtual Status write_redistributor(std::span<const arch::RegisterValue> registers) = 0;
  // Those of arch::feature_registers() that the engine has.
  virtual std::vector<arch::RegisterValue> features() = 0;

  // Makes the vCPU the calling thread's for all but run() and destruction, until give_back(). Its
  // own thread waits meanwhile, outside run(). False: the engine ties vCPUs to their threads.
  virtual bool borrow() { return false; }
  virtual void give_back() {}

  // Makes up for a physical counter that has gone `ticks` ahead of the guest's time: the virtual
  // counter and both timers go on as if it had not.
  virtual Status shift_counter(u64 ticks) = 0;

  // X0..X30, and the program counter.
  virtual Result<u64> general_register(unsigned index) = 0;
  virtual Result<u64> program_counter() = 0;

  // Makes run() return Canceled soon, or at once if it is not under way. Any thread.
  virtual void kick() = 0;

  // With InstructionTime: whether the vCPU is on, and the others wait for it to run. It is from its
  // first run() on; one that goes off has to say so, and then the others no longer wait for what
  // its last exit leads to.
  virtual void take_part(bool /*on*/) {}
};

// A virtual machine. Thread-safe except for destruction, which comes after that of its vCPUs.
class Vm {
public:
  virtual ~Vm() = default;

  // Guest physical memory over host memory; multiples of the host's page.
  virtual Status map(void* host, u64 address, u64 size) = 0;
  virtual Status unmap(u64 address, u64 size) = 0;
  // Takes the guest's permission to write away, or gives it back.
  virtual Status set_writable(u64 address, u64 size, bool writable) = 0;
  // Tells of the first write of a vCPU to each page of guest memory, before it happens: calls
  // `first_write` with the page's guest physical address and size, one call at a time, from vCPU
  // threads, with locks of the engine held. Each call of watch_writes() begins anew, with every
  // page not written to, and makes vCPUs forget what they have cached of translation tables.
  // `first_write` outlives the Vm or unwatch_writes().
  using FirstWrite = std::function<void(u64 address, u64 page_size)>;
  virtual Status watch_writes(const FirstWrite& first_write) = 0;
  virtual void unwatch_writes() = 0;
  // For a vCPU that met arch::WriteRefused: it may write now.
  virtual Status open_page(u64 address) = 0;

  // Guest memory changed other than by the guest's own stores: a device wrote, or RAM was reset.
  virtual void memory_changed(u64 address, u64 size) = 0;
  // The same for the pages of 4 KiB at `pages`.
  virtual void pages_changed(std::span<const u64> pages) = 0;

  // Where the GICv3 lies that the VM was made with.
  [[nodiscard]] virtual const arch::GicPlacement& gic() const = 0;
  // The input of a shared peripheral interrupt.
  virtual Status set_spi(u32 intid, bool high) = 0;

  // The interrupt controller but for what vCPUs have of it, as bytes for a Vm of this process that
  // was made alike. While no vCPU runs.
  virtual Result<std::vector<u8>> save_gic() = 0;
  virtual Status restore_gic(std::span<const u8> state) = 0;
  // False: the inputs have to be driven again after restore_gic() and write_distributor().
  [[nodiscard]] virtual bool restoring_gic_keeps_inputs() const = 0;

  // The distributor by registers (arch::GicState), and putting them into one that has been reset.
  virtual Result<std::vector<arch::RegisterValue>> read_distributor() = 0;
  virtual Status write_distributor(std::span<const arch::RegisterValue> registers) = 0;

  // The guest's time in nanoseconds, 1000 for 24 ticks of its counter, and making it go on from
  // `ns` while no vCPU runs. Returns by how many ticks the physical counter is ahead of that, not
  // 0 where it cannot be set: each vCPU has to make up for it (Vcpu::shift_counter).
  [[nodiscard]] virtual u64 guest_time_ns() const = 0;
  virtual Result<u64> set_guest_time_ns(u64 ns) = 0;

  // Creates vCPU `index` (0, 1, ... in this order) for the calling thread.
  virtual Result<std::unique_ptr<Vcpu>> create_vcpu(unsigned index) = 0;

  // What the vCPUs have counted so far, those that are gone included.
  virtual Result<std::vector<arch::Statistic>> statistics() = 0;

  // With InstructionTime, else 0 and nothing. How many instructions all vCPUs have executed, and
  // the guest's time.
  [[nodiscard]] virtual u64 instructions() const { return 0; }
  [[nodiscard]] virtual u64 time_ns() const { return 0; }
  // When to call InstructionTime::event next; ~0: not at all.
  virtual void set_event_time(u64 /*ns*/) {}
  // Another vCPU has turned this one on: all of them wait until it runs.
  virtual void expect_vcpu(unsigned /*index*/) {}
};

// Time that is the number of instructions executed: the vCPUs take turns, and what the guest does
// depends only on what it is told between two instructions. An exit keeps the other vCPUs waiting
// until its vCPU runs again or rests.
struct InstructionTime {
  unsigned shift = 0; // an instruction takes 2^shift ns
  bool live = false;  // when all vCPUs wait for interrupts, time passes as the host's; else at once
  std::function<void()> event; // called between two instructions, by a vCPU thread
};

struct VmConfig {
  u32 vcpus = 1;
  u64 ram_size = 0;             // for the width of guest physical addresses
  bool watch_by_faults = false; // though the engine has a better way
  arch::EngineOptions engine;
  std::optional<InstructionTime> instruction_time;
};

} // namespace kindling::vmm::vstate
