// SPDX-License-Identifier: Apache-2.0
// hv_softhv_*: what SoftHV has beyond Hypervisor.framework.
#include <Hypervisor/hv_softhv.h>

#include "arch/bits.h"
#include "softhv/api/machine.h"
#include "softhv/core/engine.h"
#include "softhv/core/shootdown.h"
#include "softhv/timer/clock.h"

using namespace softhv;
using namespace softhv::api;

hv_return_t hv_softhv_get_capability(hv_softhv_capability_t capability, uint32_t* value) {
  if (value == nullptr)
    return HV_BAD_ARGUMENT;
  switch (capability) {
  case HV_SOFTHV_CAPABILITY_BORROW_VCPU:
  case HV_SOFTHV_CAPABILITY_MULTIPLE_VMS:
  case HV_SOFTHV_CAPABILITY_INSTRUCTION_TIME:
  case HV_SOFTHV_CAPABILITY_OPTIONS:
  case HV_SOFTHV_CAPABILITY_SET_TIME:
  case HV_SOFTHV_CAPABILITY_WRITE_WATCH:
  case HV_SOFTHV_CAPABILITY_STATISTICS: *value = 1; return HV_SUCCESS;
  case HV_SOFTHV_CAPABILITY_MEMORY_CHANGED: *value = 2; return HV_SUCCESS;
  case HV_SOFTHV_CAPABILITY_JIT: *value = engine_available(Engine::kJit) ? 1 : 0; return HV_SUCCESS;
  }
  *value = 0;
  return HV_SUCCESS;
}

uint64_t hv_softhv_absolute_time(void) {
  const auto machine = current_machine();
  return machine != nullptr ? machine->vm.clock->now() : timer::HostClock().now();
}

hv_return_t hv_softhv_vm_get_time(uint64_t* nanoseconds) {
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (nanoseconds == nullptr)
    return HV_BAD_ARGUMENT;
  *nanoseconds = machine->vm.time_ns();
  return HV_SUCCESS;
}

hv_return_t hv_softhv_vm_set_time(uint64_t nanoseconds) {
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (machine->running.load(std::memory_order_seq_cst) != 0)
    return HV_BUSY;
  machine->vm.set_time_ns(nanoseconds);
  return HV_SUCCESS;
}

hv_return_t hv_softhv_vm_watch_writes(hv_softhv_first_write_t first_write, void* context) {
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  const std::lock_guard lock(machine->memory_mutex);
  Vm& vm = machine->vm;
  if (first_write == nullptr) {
    vm.write_watch.start(vm.stage2, nullptr);
    return HV_SUCCESS;
  }
  vm.write_watch.start(vm.stage2, [=](u64 ipa) { first_write(context, ipa); });
  shootdown_post(vm, nullptr, {.kind = ShootdownRequest::Kind::kAll});
  shootdown_wait(nullptr);
  return HV_SUCCESS;
}

namespace {

void page_changed(Vm& vm, u64 ipa, const Stage2Page& page) {
  if ((page.info->load(std::memory_order_seq_cst) & kPageHoldsCode) == 0)
    return;
  page.info->fetch_add(kPageGeneration, std::memory_order_seq_cst);
  shootdown_post(vm, nullptr,
                 {.kind = ShootdownRequest::Kind::kCode, .ipa = ipa, .size = kTlbPageSize});
}

} // namespace

hv_return_t hv_softhv_memory_changed(hv_ipa_t ipa, size_t size) {
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (ipa + size < ipa)
    return HV_BAD_ARGUMENT;
  for (u64 page = align_down(ipa, kTlbPageSize); page < ipa + size; page += kTlbPageSize)
    if (const auto found = machine->vm.stage2.lookup(page); found)
      page_changed(machine->vm, page, *found);
  return HV_SUCCESS;
}

hv_return_t hv_softhv_pages_changed(const hv_ipa_t* pages, size_t count) {
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (pages == nullptr && count != 0)
    return HV_BAD_ARGUMENT;
  for (size_t i = 0; i < count; ++i)
    if (!is_aligned(pages[i], kTlbPageSize))
      return HV_BAD_ARGUMENT;
  machine->vm.stage2.for_each_mapped({pages, count}, [&](u64 ipa, const Stage2Page& page) {
    page_changed(machine->vm, ipa, page);
  });
  return HV_SUCCESS;
}

hv_return_t hv_softhv_vm_create(hv_vm_config_t config, hv_softhv_vm_t* vm) {
  if (vm == nullptr)
    return HV_BAD_ARGUMENT;
  const hv_return_t result = create_machine(config, false, vm);
  if (result == HV_SUCCESS)
    set_current_machine_id(*vm);
  return result;
}

hv_return_t hv_softhv_vm_set_current(hv_softhv_vm_t vm) {
  if (vm != 0 && find_machine(vm) == nullptr)
    return HV_BAD_ARGUMENT;
  set_current_machine_id(vm);
  return HV_SUCCESS;
}

hv_return_t hv_softhv_vm_get_current(hv_softhv_vm_t* vm) {
  if (vm == nullptr)
    return HV_BAD_ARGUMENT;
  *vm = current_machine_id();
  return HV_SUCCESS;
}

hv_return_t hv_softhv_vm_destroy(hv_softhv_vm_t vm) {
  if (vm == 0)
    return HV_BAD_ARGUMENT;
  const hv_return_t result = destroy_machine(vm);
  if (result == HV_SUCCESS && current_machine_id() == vm)
    set_current_machine_id(0);
  return result;
}
