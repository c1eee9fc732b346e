// SPDX-License-Identifier: Apache-2.0
// hv_softhv_*: time by instructions.
#include <Hypervisor/hv_softhv.h>

#include "softhv/api/machine.h"

using namespace softhv;
using namespace softhv::api;

namespace {

// The machine of this thread, if its vCPUs take turns.
std::shared_ptr<Machine> machine_with_turns(hv_return_t& result) {
  auto machine = current_machine();
  result = machine == nullptr               ? HV_NO_DEVICE
           : machine->vm.turns() == nullptr ? HV_UNSUPPORTED
                                            : HV_SUCCESS;
  return machine;
}

} // namespace

hv_return_t hv_softhv_vm_set_instruction_time(const hv_softhv_instruction_time_t* config) {
  if (config == nullptr || config->shift > timer::kMaxClockShift)
    return HV_BAD_ARGUMENT;
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  TurnOptions options;
  options.shift = config->shift;
  options.live = config->live;
  if (config->quantum != 0)
    options.quantum = config->quantum;
  if (config->event != nullptr)
    options.event = [event = config->event, context = config->context] { event(context); };
  return machine->vm.set_turns(std::move(options)) ? HV_SUCCESS : HV_BUSY;
}

hv_return_t hv_softhv_vm_get_instruction_time(uint64_t* instructions, uint64_t* nanoseconds) {
  hv_return_t result;
  const auto machine = machine_with_turns(result);
  if (result != HV_SUCCESS)
    return result;
  const timer::VirtualClock& clock = machine->vm.turns()->clock();
  if (instructions != nullptr)
    *instructions = clock.instructions();
  if (nanoseconds != nullptr)
    *nanoseconds = clock.ns();
  return HV_SUCCESS;
}

hv_return_t hv_softhv_vm_set_event_time(uint64_t nanoseconds) {
  hv_return_t result;
  const auto machine = machine_with_turns(result);
  if (result == HV_SUCCESS)
    machine->vm.turns()->set_event_time(nanoseconds);
  return result;
}

hv_return_t hv_softhv_vcpu_expect(hv_vcpu_t vcpu) {
  const bool found = with_any_vcpu(vcpu, [](Cpu& cpu) {
    if (Turns* turns = cpu.vm.turns(); turns != nullptr)
      turns->expect(cpu);
  });
  return found ? HV_SUCCESS : HV_BAD_ARGUMENT;
}

hv_return_t hv_softhv_vcpu_rest(hv_vcpu_t vcpu) {
  const Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr)
    return HV_BAD_ARGUMENT;
  if (Turns* turns = own->cpu->vm.turns(); turns != nullptr)
    turns->rest(*own->cpu);
  return HV_SUCCESS;
}

hv_return_t hv_softhv_vcpu_get_instructions(hv_vcpu_t vcpu, uint64_t* instructions) {
  const Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr || instructions == nullptr)
    return HV_BAD_ARGUMENT;
  *instructions = own->cpu->retired;
  return HV_SUCCESS;
}
