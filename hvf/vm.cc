// SPDX-License-Identifier: Apache-2.0
#include "hvf/vm.h"

#include <fmt/format.h>

#include "arch/gic_registers.h"
#include "hvf/error.h"
#include "hvf/register_list.h"
#include "hvf/softhv_extension.h"

#if !KINDLING_HAS_SOFTHV
#include <mach/mach_time.h>
#endif

namespace kindling::hvf {

namespace {

hv_memory_flags_t to_flags(Access access) {
  hv_memory_flags_t flags = 0;
  flags |= access.read ? HV_MEMORY_READ : 0;
  flags |= access.write ? HV_MEMORY_WRITE : 0;
  flags |= access.execute ? HV_MEMORY_EXEC : 0;
  return flags;
}

std::string range_text(std::string_view call, u64 address, u64 size) {
  return fmt::format("{} of {:#x} bytes at {:#x}", call, size, address);
}

} // namespace

Result<Limits> query_limits() {
  Limits limits;
  if (Status s = check(hv_vm_get_max_vcpu_count(&limits.max_vcpus), "hv_vm_get_max_vcpu_count");
      !s) {
    return s.error();
  }
  if (Status s = check(hv_vm_config_get_max_ipa_size(&limits.max_ipa_bits),
                       "hv_vm_config_get_max_ipa_size");
      !s) {
    return s.error();
  }
  if (Status s = check(hv_vm_config_get_default_ipa_size(&limits.default_ipa_bits),
                       "hv_vm_config_get_default_ipa_size");
      !s) {
    return s.error();
  }
  return limits;
}

Result<std::unique_ptr<Vm>> Vm::create(u32 ipa_bits) {
  hv_vm_config_t config = nullptr;
  if (ipa_bits != 0) {
    config = hv_vm_config_create();
    if (config == nullptr) {
      return Error{"hv_vm_config_create returned nothing"};
    }
    const Status sized =
        check(hv_vm_config_set_ipa_size(config, ipa_bits), "hv_vm_config_set_ipa_size");
    if (!sized) {
      os_release(config);
      return sized.error();
    }
  }
  const Status created = check(hv_vm_create(config), "hv_vm_create");
  if (config != nullptr) {
    os_release(config);
  }
  if (!created) {
    return created.error();
  }
  return std::unique_ptr<Vm>(new Vm());
}

Vm::~Vm() {
  hv_vm_destroy();
}

Status Vm::map(void* host, u64 address, u64 size, Access access) {
  return check(hv_vm_map(host, address, size, to_flags(access)),
               range_text("hv_vm_map", address, size));
}

Status Vm::unmap(u64 address, u64 size) {
  return check(hv_vm_unmap(address, size), range_text("hv_vm_unmap", address, size));
}

Status Vm::protect(u64 address, u64 size, Access access) {
  return check(hv_vm_protect(address, size, to_flags(access)),
               range_text("hv_vm_protect", address, size));
}

#if KINDLING_HAS_SOFTHV
Status Vm::count_instructions(unsigned shift, bool live, std::function<void()> event) {
  event_ = std::move(event);
  hv_softhv_instruction_time_t config{};
  config.shift = shift;
  config.live = live;
  config.event = [](void* vm) { static_cast<Vm*>(vm)->event_(); };
  config.context = this;
  return check(hv_softhv_vm_set_instruction_time(&config), "hv_softhv_vm_set_instruction_time");
}

u64 Vm::instructions() const {
  uint64_t count = 0;
  hv_softhv_vm_get_instruction_time(&count, nullptr);
  return count;
}

u64 Vm::time_ns() const {
  uint64_t ns = 0;
  hv_softhv_vm_get_instruction_time(nullptr, &ns);
  return ns;
}

void Vm::set_event_time(u64 ns) {
  hv_softhv_vm_set_event_time(ns);
}

u64 Vm::guest_time_ns() const {
  uint64_t ns = 0;
  hv_softhv_vm_get_time(&ns);
  return ns;
}

Result<u64> Vm::set_guest_time_ns(u64 ns) {
  if (Status s = check(hv_softhv_vm_set_time(ns), "hv_softhv_vm_set_time"); !s) {
    return s.error();
  }
  return u64{0};
}
#else
Status Vm::count_instructions(unsigned, bool, std::function<void()>) {
  return Error{"a CPU in hardware cannot count instructions exactly; only SoftHV can"};
}
u64 Vm::instructions() const {
  return 0;
}
u64 Vm::time_ns() const {
  return 0;
}
void Vm::set_event_time(u64) {}

u64 Vm::guest_time_ns() const {
  return mach_absolute_time() / 3 * 125 + mach_absolute_time() % 3 * 125 / 3;
}

Result<u64> Vm::set_guest_time_ns(u64 ns) {
  return mach_absolute_time() - (ns / 125 * 3 + ns % 125 * 3 / 125);
}
#endif

Result<std::vector<u8>> Vm::save_gic() {
  const hv_gic_state_t state = hv_gic_state_create();
  if (state == nullptr) {
    return Error{"hv_gic_state_create returned nothing"};
  }
  size_t size = 0;
  Status status = check(hv_gic_state_get_size(state, &size), "hv_gic_state_get_size");
  std::vector<u8> bytes(size);
  if (status) {
    status = check(hv_gic_state_get_data(state, bytes.data()), "hv_gic_state_get_data");
  }
  os_release(state);
  if (!status) {
    return status.error();
  }
  return bytes;
}

Status Vm::restore_gic(std::span<const u8> state) {
  return check(hv_gic_set_state(state.data(), state.size()), "hv_gic_set_state");
}

Result<arch::GicPlacement> Vm::create_gic(u32 vcpus) {
  size_t region = 0;
  if (Status s = check(hv_gic_get_redistributor_region_size(&region),
                       "hv_gic_get_redistributor_region_size");
      !s) {
    return s.error();
  }
  auto placement = arch::gic_placement(vcpus, region);
  if (!placement) {
    return placement.error();
  }
  hv_gic_config_t config = hv_gic_config_create();
  if (config == nullptr) {
    return Error{"hv_gic_config_create returned nothing"};
  }
  Status status = check(hv_gic_config_set_distributor_base(config, placement->distributor.base),
                        "hv_gic_config_set_distributor_base");
  if (status) {
    status = check(hv_gic_config_set_redistributor_base(config, placement->redistributors.base),
                   "hv_gic_config_set_redistributor_base");
  }
  if (status) {
    status = check(hv_gic_create(config), "hv_gic_create");
  }
  os_release(config);
  if (!status) {
    return status.error();
  }
  return *placement;
}

Result<std::vector<arch::RegisterValue>> Vm::read_distributor() {
  return read_existing(arch::gicd_state_registers(), "hv_gic_get_distributor_reg",
                       arch::gicd_register_name, [](u32 offset, uint64_t& value) {
                         return hv_gic_get_distributor_reg(
                             static_cast<hv_gic_distributor_reg_t>(offset), &value);
                       });
}

Status Vm::write_distributor(std::span<const arch::RegisterValue> registers) {
  return write_registers(
      registers, "hv_gic_set_distributor_reg", arch::gicd_register_name, [](u32 offset, u64 value) {
        return hv_gic_set_distributor_reg(static_cast<hv_gic_distributor_reg_t>(offset), value);
      });
}

bool Vm::restoring_gic_keeps_inputs() {
  return KINDLING_HAS_SOFTHV != 0;
}

Status Vm::set_spi(u32 intid, bool high) {
  return check(hv_gic_set_spi(intid, high), fmt::format("hv_gic_set_spi({})", intid));
}

void Vm::memory_changed([[maybe_unused]] u64 address, [[maybe_unused]] u64 size) {
#if KINDLING_HAS_SOFTHV
  hv_softhv_memory_changed(address, size);
#endif
}

void Vm::pages_changed([[maybe_unused]] std::span<const u64> pages) {
#if KINDLING_HAS_SOFTHV
  hv_softhv_pages_changed(pages.data(), pages.size());
#endif
}

} // namespace kindling::hvf
