// SPDX-License-Identifier: Apache-2.0
// Which VMs and vCPUs the process has, and which of them a call means.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>

#include <Hypervisor/Hypervisor.h>

#include "softhv/core/vm.h"

namespace softhv::api {

struct Vcpu;

// A VM as the API knows it. Id 0 is the process's own (hv_vm_create); others are made by
// hv_softhv_vm_create.
struct Machine {
  Machine(u64 id, u32 ipa_bits, u64 granule) : id(id), granule(granule), vm(ipa_bits) {}

  const u64 id;
  const u64 granule;                    // bytes
  std::atomic<u32> running{0};          // vCPUs inside hv_vcpu_run
  std::mutex memory_mutex;              // a change of stage 2 and its shootdown
  std::mutex options_mutex;             // of the engine
  std::mutex vcpus_mutex;               // of the next
  std::array<Vcpu*, kMaxVcpus> vcpus{}; // by Cpu::index
  Vm vm;
};

// Thread-safe.
// The machine that calls of this thread mean; null: there is none.
std::shared_ptr<Machine> current_machine();
std::shared_ptr<Machine> find_machine(u64 id);
// HV_BUSY: id 0 is taken. Others get a fresh id.
hv_return_t create_machine(hv_vm_config_t config, bool process_vm, u64* id);
hv_return_t destroy_machine(u64 id);
u64 current_machine_id();
void set_current_machine_id(u64 id);

// The vCPU of a thread.
struct Vcpu {
  enum class Use : u8 { kOwn, kRuns, kLent };

  std::shared_ptr<Machine> machine;
  Cpu* cpu = nullptr;
  hv_vcpu_exit_t exit{};
  std::chrono::nanoseconds executed{0};
  std::atomic<Use> use{Use::kOwn}; // kLent: by another thread than its own

  Vcpu(std::shared_ptr<Machine> machine, Cpu* cpu);
  ~Vcpu();
  Vcpu(const Vcpu&) = delete;
  Vcpu& operator=(const Vcpu&) = delete;
  [[nodiscard]] hv_vcpu_t id() const { return machine->id << 8 | cpu->index; }
};

// The calling thread's vCPU, which ends with the thread, and the one that it has borrowed.
std::unique_ptr<Vcpu>& thread_vcpu();
Vcpu*& borrowed_vcpu();

// The calling thread's vCPU, if it is `id` and not lent, or the one that it has borrowed; else
// null.
Vcpu* own_vcpu(hv_vcpu_t id);

// Calls use(Cpu&) with the vCPU `id` of any thread; false: there is none.
template <typename Use>
bool with_any_vcpu(hv_vcpu_t id, Use use) {
  const std::shared_ptr<Machine> machine = find_machine(id >> 8);
  bool found = false;
  if (machine != nullptr)
    machine->vm.for_each_cpu([&](Cpu& cpu) {
      if (cpu.index != (id & 0xff))
        return;
      found = true;
      use(cpu);
    });
  return found;
}

} // namespace softhv::api
