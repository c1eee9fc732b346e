// SPDX-License-Identifier: Apache-2.0
// hv_vm_*: the VM and its memory.
#include <cstdlib>
#include <sys/mman.h>
#include <unistd.h>

#include <Hypervisor/Hypervisor.h>

#include "arch/bits.h"
#include "softhv/api/machine.h"
#include "softhv/api/object.h"
#include "softhv/core/shootdown.h"

using namespace softhv;
using namespace softhv::api;

namespace {

constexpr hv_memory_flags_t kAllFlags = HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC;

bool valid_range(const Machine& machine, hv_ipa_t ipa, size_t size) {
  const u64 end = 1ULL << machine.vm.ipa_bits;
  return size != 0 && is_aligned(ipa, machine.granule) && is_aligned(size, machine.granule) &&
         ipa < end && size <= end - ipa;
}

hv_return_t result_of(Stage2::Status status) {
  switch (status) {
  case Stage2::Status::kOk: return HV_SUCCESS;
  case Stage2::Status::kUnaligned: return HV_BAD_ARGUMENT;
  default: return HV_ERROR;
  }
}

// Makes every vCPU forget its translations to the range. By the holder of memory_mutex.
void shoot_down(Vm& vm, hv_ipa_t ipa, size_t size) {
  shootdown_post(vm, nullptr, {.kind = ShootdownRequest::Kind::kIpa, .ipa = ipa, .size = size});
  shootdown_wait(nullptr);
}

} // namespace

hv_return_t hv_vm_get_max_vcpu_count(uint32_t* max_vcpu_count) {
  if (max_vcpu_count == nullptr)
    return HV_BAD_ARGUMENT;
  *max_vcpu_count = kMaxVcpus;
  return HV_SUCCESS;
}

hv_return_t hv_vm_create(hv_vm_config_t config) {
  u64 id;
  return create_machine(config, true, &id);
}

hv_return_t hv_vm_destroy(void) {
  const hv_return_t result = destroy_machine(current_machine_id());
  if (result == HV_SUCCESS)
    set_current_machine_id(0);
  return result;
}

hv_return_t hv_vm_map(void* addr, hv_ipa_t ipa, size_t size, hv_memory_flags_t flags) {
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (addr == nullptr || !is_aligned(reinterpret_cast<uintptr_t>(addr), machine->granule) ||
      !valid_range(*machine, ipa, size) || (flags & ~kAllFlags) != 0)
    return HV_BAD_ARGUMENT;
  const std::lock_guard lock(machine->memory_mutex);
  return result_of(machine->vm.stage2.map(addr, ipa, size, flags));
}

hv_return_t hv_vm_unmap(hv_ipa_t ipa, size_t size) {
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (!valid_range(*machine, ipa, size))
    return HV_BAD_ARGUMENT;
  const std::lock_guard lock(machine->memory_mutex);
  const hv_return_t result = result_of(machine->vm.stage2.unmap(ipa, size));
  if (result == HV_SUCCESS)
    shoot_down(machine->vm, ipa, size);
  return result;
}

hv_return_t hv_vm_protect(hv_ipa_t ipa, size_t size, hv_memory_flags_t flags) {
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (!valid_range(*machine, ipa, size) || (flags & ~kAllFlags) != 0)
    return HV_BAD_ARGUMENT;
  const std::lock_guard lock(machine->memory_mutex);
  const hv_return_t result = result_of(machine->vm.stage2.protect(ipa, size, flags));
  if (result == HV_SUCCESS)
    shoot_down(machine->vm, ipa, size);
  return result;
}

hv_return_t hv_vm_allocate(void** uvap, size_t size, hv_allocate_flags_t flags) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (uvap == nullptr || size == 0 || size % page != 0 || flags != HV_ALLOCATE_DEFAULT)
    return HV_BAD_ARGUMENT;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return HV_NO_RESOURCES;
  *uvap = memory;
  return HV_SUCCESS;
}

hv_return_t hv_vm_deallocate(void* uva, size_t size) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (uva == nullptr || size == 0 || size % page != 0 ||
      reinterpret_cast<uintptr_t>(uva) % page != 0)
    return HV_BAD_ARGUMENT;
  return munmap(uva, size) == 0 ? HV_SUCCESS : HV_ERROR;
}
