// SPDX-License-Identifier: Apache-2.0
#include "softhv/api/machine.h"

#include <map>

#include "softhv/api/object.h"
#include "softhv/gic/gic.h"

namespace softhv::api {
namespace {

struct Registry {
  std::mutex mutex;
  std::map<u64, std::shared_ptr<Machine>> machines;
  u64 next_id = 1;
};

// Never destroyed: threads that outlive main() may still hold a vCPU.
Registry& registry() {
  static auto* instance = new Registry;
  return *instance;
}

thread_local u64 t_current_machine = 0;

} // namespace

std::shared_ptr<Machine> find_machine(u64 id) {
  const std::lock_guard lock(registry().mutex);
  const auto found = registry().machines.find(id);
  return found == registry().machines.end() ? nullptr : found->second;
}

u64 current_machine_id() {
  return t_current_machine;
}

void set_current_machine_id(u64 id) {
  t_current_machine = id;
}

std::shared_ptr<Machine> current_machine() {
  return find_machine(t_current_machine);
}

hv_return_t create_machine(hv_vm_config_t config, bool process_vm, u64* id) {
  if (config != nullptr && checked(config) == nullptr)
    return HV_BAD_ARGUMENT;
  const u32 ipa_bits = config != nullptr ? config->ipa_bits.load() : kDefaultIpaBits;
  const hv_ipa_granule_t granule = config != nullptr ? config->granule.load() : HV_IPA_GRANULE_4KB;
  const std::lock_guard lock(registry().mutex);
  auto& machines = registry().machines;
  if (process_vm && machines.contains(0))
    return HV_BUSY;
  *id = process_vm ? 0 : registry().next_id++;
  machines.emplace(*id, std::make_shared<Machine>(
                            *id, ipa_bits, granule == HV_IPA_GRANULE_16KB ? 0x4000 : 0x1000));
  return HV_SUCCESS;
}

hv_return_t destroy_machine(u64 id) {
  std::shared_ptr<Machine> machine; // destroyed after the lock is gone
  const std::lock_guard lock(registry().mutex);
  const auto found = registry().machines.find(id);
  if (found == registry().machines.end())
    return HV_NO_DEVICE;
  if (found->second->vm.cpu_count() != 0)
    return HV_BUSY;
  machine = std::move(found->second);
  registry().machines.erase(found);
  return HV_SUCCESS;
}

Vcpu::Vcpu(std::shared_ptr<Machine> owner, Cpu* own_cpu) : machine(std::move(owner)), cpu(own_cpu) {
  const std::lock_guard lock(machine->vcpus_mutex);
  machine->vcpus[cpu->index] = this;
}

Vcpu::~Vcpu() {
  {
    const std::lock_guard lock(machine->vcpus_mutex);
    machine->vcpus[cpu->index] = nullptr;
  }
  machine->vm.destroy_cpu(*cpu);
}

Vcpu*& borrowed_vcpu() {
  thread_local Vcpu* vcpu = nullptr;
  return vcpu;
}

Vcpu* own_vcpu(hv_vcpu_t id) {
  if (Vcpu* vcpu = thread_vcpu().get(); vcpu != nullptr)
    return vcpu->id() == id && vcpu->use.load(std::memory_order_acquire) != Vcpu::Use::kLent
               ? vcpu
               : nullptr;
  Vcpu* vcpu = borrowed_vcpu();
  return vcpu != nullptr && vcpu->id() == id ? vcpu : nullptr;
}

std::unique_ptr<Vcpu>& thread_vcpu() {
  thread_local std::unique_ptr<Vcpu> vcpu;
  return vcpu;
}

} // namespace softhv::api
