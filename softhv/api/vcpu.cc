// SPDX-License-Identifier: Apache-2.0
// hv_vcpu_*: life, running, interrupts and timers of a vCPU.
#include <chrono>

#include <Hypervisor/hv_softhv.h>

#include "softhv/api/machine.h"
#include "softhv/api/object.h"
#include "softhv/core/engine.h"
#include "softhv/core/shootdown.h"
#include "softhv/core/wait.h"
#include "softhv/system/debug.h"
#include "softhv/timer/generic_timer.h"

using namespace softhv;
using namespace softhv::api;

namespace {

hv_vcpu_exit_t exit_of(const VmExit& exit) {
  hv_vcpu_exit_t result{};
  result.reason = static_cast<hv_exit_reason_t>(exit.reason);
  result.exception.syndrome = exit.syndrome;
  result.exception.virtual_address = exit.virtual_address;
  result.exception.physical_address = exit.physical_address;
  return result;
}

std::optional<u32> line_of(hv_interrupt_type_t type) {
  switch (type) {
  case HV_INTERRUPT_TYPE_IRQ: return kLineHostIrq;
  case HV_INTERRUPT_TYPE_FIQ: return kLineHostFiq;
  }
  return std::nullopt;
}

// Counts a vCPU as running, and its time in the guest without its sleep.
class RunScope {
public:
  explicit RunScope(Vcpu& vcpu)
      : vcpu_(vcpu), start_(std::chrono::steady_clock::now()), slept_(vcpu.cpu->waiter->slept()) {
    vcpu_.machine->running.fetch_add(1, std::memory_order_seq_cst);
  }
  ~RunScope() {
    vcpu_.machine->running.fetch_sub(1, std::memory_order_seq_cst);
    vcpu_.executed += std::chrono::steady_clock::now() - start_;
    vcpu_.executed -= vcpu_.cpu->waiter->slept() - slept_;
  }
  RunScope(const RunScope&) = delete;
  RunScope& operator=(const RunScope&) = delete;

private:
  Vcpu& vcpu_;
  const std::chrono::steady_clock::time_point start_;
  const std::chrono::nanoseconds slept_;
};

// Beside the other vCPUs.
void run_alone(Cpu& cpu) {
  const GuestScope guest(cpu);
  // Timers and lines may have changed since the last run.
  cpu.request(kAttentionInterrupt);
  run_engine(cpu);
}

} // namespace

hv_return_t hv_vcpu_create(hv_vcpu_t* vcpu, hv_vcpu_exit_t** exit, hv_vcpu_config_t config) {
  if (vcpu == nullptr || exit == nullptr || (config != nullptr && checked(config) == nullptr))
    return HV_BAD_ARGUMENT;
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (thread_vcpu() != nullptr || borrowed_vcpu() != nullptr)
    return HV_BUSY;
  Cpu* cpu = machine->vm.create_cpu();
  if (cpu == nullptr)
    return HV_NO_RESOURCES;
  thread_vcpu() = std::make_unique<Vcpu>(machine, cpu);
  *vcpu = thread_vcpu()->id();
  *exit = &thread_vcpu()->exit;
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_destroy(hv_vcpu_t vcpu) {
  const Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr || own == borrowed_vcpu())
    return HV_BAD_ARGUMENT;
  thread_vcpu().reset();
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_run(hv_vcpu_t vcpu) {
  Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr)
    return HV_BAD_ARGUMENT;
  auto use = Vcpu::Use::kOwn;
  if (!own->use.compare_exchange_strong(use, Vcpu::Use::kRuns, std::memory_order_acquire))
    return HV_BUSY;
  Cpu& cpu = *own->cpu;
  cpu.exit_pending = false;
  cpu.exit = {};
  {
    const RunScope run(*own);
    if (Turns* turns = cpu.vm.turns(); turns != nullptr)
      turns->run(cpu);
    else
      run_alone(cpu);
  }
  cpu.statistics.instructions_retired.set(cpu.retired);
  count_exit(cpu.statistics, cpu.exit);
  cpu.timer->pause_alarm();
  cpu.interrupt_lines.fetch_and(~(kLineHostIrq | kLineHostFiq), std::memory_order_seq_cst);
  own->exit = exit_of(cpu.exit);
  own->use.store(Vcpu::Use::kOwn, std::memory_order_release);
  return HV_SUCCESS;
}

hv_return_t hv_softhv_vcpu_borrow(hv_vcpu_t vcpu) {
  if (thread_vcpu() != nullptr || borrowed_vcpu() != nullptr)
    return HV_BUSY;
  const auto machine = find_machine(vcpu >> 8);
  const u64 index = vcpu & 0xff;
  if (machine == nullptr || index >= kMaxVcpus)
    return HV_BAD_ARGUMENT;
  const std::lock_guard lock(machine->vcpus_mutex);
  Vcpu* found = machine->vcpus[index];
  if (found == nullptr)
    return HV_BAD_ARGUMENT;
  auto use = Vcpu::Use::kOwn;
  if (!found->use.compare_exchange_strong(use, Vcpu::Use::kLent, std::memory_order_acquire))
    return HV_BUSY;
  borrowed_vcpu() = found;
  return HV_SUCCESS;
}

hv_return_t hv_softhv_vcpu_give_back(hv_vcpu_t vcpu) {
  Vcpu* borrowed = borrowed_vcpu();
  if (borrowed == nullptr || borrowed->id() != vcpu)
    return HV_BAD_ARGUMENT;
  borrowed_vcpu() = nullptr;
  borrowed->use.store(Vcpu::Use::kOwn, std::memory_order_release);
  return HV_SUCCESS;
}

hv_return_t hv_vcpus_exit(hv_vcpu_t* vcpus, uint32_t vcpu_count) {
  if (vcpus == nullptr && vcpu_count != 0)
    return HV_BAD_ARGUMENT;
  hv_return_t result = HV_SUCCESS;
  for (uint32_t i = 0; i < vcpu_count; ++i)
    if (!with_any_vcpu(vcpus[i], [](Cpu& cpu) { cpu.vm.wake(cpu, kAttentionExit); }))
      result = HV_BAD_ARGUMENT;
  return result;
}

hv_return_t hv_vcpu_get_exec_time(hv_vcpu_t vcpu, uint64_t* time) {
  const Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr || time == nullptr)
    return HV_BAD_ARGUMENT;
  *time = timer::ticks_of(own->executed);
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_get_pending_interrupt(hv_vcpu_t vcpu, hv_interrupt_type_t type, bool* pending) {
  const Vcpu* own = own_vcpu(vcpu);
  const auto line = line_of(type);
  if (own == nullptr || !line || pending == nullptr)
    return HV_BAD_ARGUMENT;
  *pending = (own->cpu->interrupt_lines.load(std::memory_order_seq_cst) & *line) != 0;
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_set_pending_interrupt(hv_vcpu_t vcpu, hv_interrupt_type_t type, bool pending) {
  Vcpu* own = own_vcpu(vcpu);
  const auto line = line_of(type);
  if (own == nullptr || !line)
    return HV_BAD_ARGUMENT;
  if (pending)
    own->cpu->interrupt_lines.fetch_or(*line, std::memory_order_seq_cst);
  else
    own->cpu->interrupt_lines.fetch_and(~*line, std::memory_order_seq_cst);
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_get_trap_debug_exceptions(hv_vcpu_t vcpu, bool* value) {
  const Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr || value == nullptr)
    return HV_BAD_ARGUMENT;
  *value = own->cpu->debug->trap_exceptions;
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_set_trap_debug_exceptions(hv_vcpu_t vcpu, bool value) {
  Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr)
    return HV_BAD_ARGUMENT;
  own->cpu->debug->trap_exceptions = value;
  own->cpu->debug->state_changed();
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_get_trap_debug_reg_accesses(hv_vcpu_t vcpu, bool* value) {
  const Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr || value == nullptr)
    return HV_BAD_ARGUMENT;
  *value = own->cpu->debug->trap_reg_accesses;
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_set_trap_debug_reg_accesses(hv_vcpu_t vcpu, bool value) {
  Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr)
    return HV_BAD_ARGUMENT;
  own->cpu->debug->trap_reg_accesses = value;
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_get_vtimer_mask(hv_vcpu_t vcpu, bool* vtimer_is_masked) {
  const Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr || vtimer_is_masked == nullptr)
    return HV_BAD_ARGUMENT;
  *vtimer_is_masked = own->cpu->timer->virtual_masked();
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_set_vtimer_mask(hv_vcpu_t vcpu, bool vtimer_is_masked) {
  Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr)
    return HV_BAD_ARGUMENT;
  own->cpu->timer->set_virtual_masked(vtimer_is_masked);
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_get_vtimer_offset(hv_vcpu_t vcpu, uint64_t* vtimer_offset) {
  const Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr || vtimer_offset == nullptr)
    return HV_BAD_ARGUMENT;
  *vtimer_offset = own->cpu->timer->virtual_offset();
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_set_vtimer_offset(hv_vcpu_t vcpu, uint64_t vtimer_offset) {
  Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr)
    return HV_BAD_ARGUMENT;
  own->cpu->timer->set_virtual_offset(vtimer_offset);
  return HV_SUCCESS;
}
