// SPDX-License-Identifier: Apache-2.0
// hv_gic_*: the GIC of the VM.
#include <cstring>
#include <new>

#include <Hypervisor/Hypervisor.h>

#include "softhv/api/machine.h"
#include "softhv/api/object.h"
#include "softhv/gic/cpu_interface.h"
#include "softhv/gic/gic.h"
#include "softhv/timer/generic_timer.h"

using namespace softhv;
using namespace softhv::api;

namespace {

struct Range {
  u64 base;
  u64 size;
};

bool overlap(const Range& a, const Range& b) {
  return a.base < b.base + b.size && b.base < a.base + a.size;
}

bool fits(const Vm& vm, const Range& range) {
  const u64 end = 1ULL << vm.ipa_bits;
  return range.base < end && range.size <= end - range.base;
}

bool valid_layout(const Vm& vm, const gic::Config& config) {
  const Range distributor{config.distributor_base, gic::kDistributorSize};
  const Range redistributors{config.redistributor_base, gic::kRedistributorRegionSize};
  if (!fits(vm, distributor) || !fits(vm, redistributors) || overlap(distributor, redistributors))
    return false;
  if (!config.has_msi())
    return true;
  const Range msi{*config.msi_base, gic::kMsiRegionSize};
  return fits(vm, msi) && !overlap(msi, distributor) && !overlap(msi, redistributors);
}

// The machine of this thread, if it has a GIC.
std::shared_ptr<Machine> machine_with_gic() {
  auto machine = current_machine();
  return machine != nullptr && machine->vm.gic != nullptr ? machine : nullptr;
}

// A redistributor or ICC access: the thread's vCPU with its GIC part.
struct Target {
  hv_return_t result = HV_SUCCESS;
  Cpu* cpu = nullptr;
};
Target target(hv_vcpu_t vcpu) {
  const Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr)
    return {HV_BAD_ARGUMENT};
  if (own->cpu->gic == nullptr)
    return {HV_NO_DEVICE};
  return {HV_SUCCESS, own->cpu};
}

bool read_only_distributor(u32 reg) {
  return reg == HV_GIC_DISTRIBUTOR_REG_GICD_TYPER || reg == HV_GIC_DISTRIBUTOR_REG_GICD_PIDR2;
}
bool read_only_redistributor(u32 reg) {
  return reg == HV_GIC_REDISTRIBUTOR_REG_GICR_TYPER || reg == HV_GIC_REDISTRIBUTOR_REG_GICR_PIDR2;
}

bool is_icc_reg(hv_gic_icc_reg_t reg) {
  switch (reg) {
  case HV_GIC_ICC_REG_PMR_EL1:
  case HV_GIC_ICC_REG_BPR0_EL1:
  case HV_GIC_ICC_REG_AP0R0_EL1:
  case HV_GIC_ICC_REG_AP1R0_EL1:
  case HV_GIC_ICC_REG_RPR_EL1:
  case HV_GIC_ICC_REG_BPR1_EL1:
  case HV_GIC_ICC_REG_CTLR_EL1:
  case HV_GIC_ICC_REG_SRE_EL1:
  case HV_GIC_ICC_REG_IGRPEN0_EL1:
  case HV_GIC_ICC_REG_IGRPEN1_EL1: return true;
  default: return false;
  }
}

} // namespace

hv_return_t hv_gic_create(hv_gic_config_t gic_config) {
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (checked(gic_config) == nullptr || !gic_config->distributor_base ||
      !gic_config->redistributor_base)
    return HV_BAD_ARGUMENT;
  if (machine->vm.gic != nullptr)
    return HV_EXISTS;
  if (machine->vm.cpu_count() != 0)
    return HV_BUSY;
  const gic::Config config{.distributor_base = *gic_config->distributor_base,
                           .redistributor_base = *gic_config->redistributor_base,
                           .msi_base = gic_config->msi_base,
                           .msi_intid_base = gic_config->msi_intid_base,
                           .msi_intid_count = gic_config->msi_intid_count};
  if (!valid_layout(machine->vm, config))
    return HV_BAD_ARGUMENT;
  machine->vm.gic = std::make_unique<gic::Gic>(machine->vm, config);
  return HV_SUCCESS;
}

hv_return_t hv_gic_set_spi(uint32_t intid, bool level) {
  const auto machine = machine_with_gic();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (!gic::is_spi(intid) || machine->vm.gic->config().is_msi(intid))
    return HV_BAD_ARGUMENT;
  machine->vm.gic->set_spi(intid, level);
  return HV_SUCCESS;
}

hv_return_t hv_gic_send_msi(hv_ipa_t address, uint32_t intid) {
  const auto machine = machine_with_gic();
  if (machine == nullptr || !machine->vm.gic->config().has_msi())
    return HV_NO_DEVICE;
  return machine->vm.gic->send_msi(address, intid) ? HV_SUCCESS : HV_BAD_ARGUMENT;
}

hv_return_t hv_gic_get_distributor_reg(hv_gic_distributor_reg_t reg, uint64_t* value) {
  const auto machine = machine_with_gic();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (value == nullptr || !machine->vm.gic->host_read_distributor(reg, *value))
    return HV_BAD_ARGUMENT;
  return HV_SUCCESS;
}

hv_return_t hv_gic_set_distributor_reg(hv_gic_distributor_reg_t reg, uint64_t value) {
  const auto machine = machine_with_gic();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (read_only_distributor(reg))
    return HV_DENIED;
  return machine->vm.gic->host_write_distributor(reg, value) ? HV_SUCCESS : HV_BAD_ARGUMENT;
}

hv_return_t hv_gic_get_redistributor_base(hv_vcpu_t vcpu, hv_ipa_t* redistributor_base_address) {
  if (redistributor_base_address == nullptr)
    return HV_BAD_ARGUMENT;
  hv_return_t result = HV_NO_DEVICE;
  const bool found = with_any_vcpu(vcpu, [&](Cpu& cpu) {
    if (cpu.gic == nullptr)
      return;
    *redistributor_base_address = cpu.vm.gic->redistributor_base(*cpu.gic);
    result = HV_SUCCESS;
  });
  return found ? result : HV_BAD_ARGUMENT;
}

hv_return_t hv_gic_get_redistributor_reg(hv_vcpu_t vcpu, hv_gic_redistributor_reg_t reg,
                                         uint64_t* value) {
  const auto [result, cpu] = target(vcpu);
  if (result != HV_SUCCESS)
    return result;
  cpu->timer->update();
  if (value == nullptr || !cpu->vm.gic->host_read_redistributor(*cpu->gic, reg, *value))
    return HV_BAD_ARGUMENT;
  return HV_SUCCESS;
}

hv_return_t hv_gic_set_redistributor_reg(hv_vcpu_t vcpu, hv_gic_redistributor_reg_t reg,
                                         uint64_t value) {
  const auto [result, cpu] = target(vcpu);
  if (result != HV_SUCCESS)
    return result;
  if (read_only_redistributor(reg))
    return HV_DENIED;
  return cpu->vm.gic->host_write_redistributor(*cpu->gic, reg, value) ? HV_SUCCESS
                                                                      : HV_BAD_ARGUMENT;
}

hv_return_t hv_gic_get_icc_reg(hv_vcpu_t vcpu, hv_gic_icc_reg_t reg, uint64_t* value) {
  const auto [result, cpu] = target(vcpu);
  if (result != HV_SUCCESS)
    return result;
  if (reg == HV_GIC_ICC_REG_SRE_EL2)
    return HV_UNSUPPORTED;
  if (value == nullptr || !is_icc_reg(reg) || !cpu->gic->read(reg, *value))
    return HV_BAD_ARGUMENT;
  return HV_SUCCESS;
}

hv_return_t hv_gic_set_icc_reg(hv_vcpu_t vcpu, hv_gic_icc_reg_t reg, uint64_t value) {
  const auto [result, cpu] = target(vcpu);
  if (result != HV_SUCCESS)
    return result;
  if (reg == HV_GIC_ICC_REG_SRE_EL2)
    return HV_UNSUPPORTED;
  if (!is_icc_reg(reg))
    return HV_BAD_ARGUMENT;
  return cpu->gic->write(reg, value) ? HV_SUCCESS : HV_DENIED;
}

hv_return_t hv_gic_get_ich_reg(hv_vcpu_t vcpu, hv_gic_ich_reg_t /*reg*/, uint64_t* /*value*/) {
  return own_vcpu(vcpu) == nullptr ? HV_BAD_ARGUMENT : HV_UNSUPPORTED;
}

hv_return_t hv_gic_set_ich_reg(hv_vcpu_t vcpu, hv_gic_ich_reg_t /*reg*/, uint64_t /*value*/) {
  return own_vcpu(vcpu) == nullptr ? HV_BAD_ARGUMENT : HV_UNSUPPORTED;
}

hv_return_t hv_gic_get_icv_reg(hv_vcpu_t vcpu, hv_gic_icv_reg_t /*reg*/, uint64_t* /*value*/) {
  return own_vcpu(vcpu) == nullptr ? HV_BAD_ARGUMENT : HV_UNSUPPORTED;
}

hv_return_t hv_gic_set_icv_reg(hv_vcpu_t vcpu, hv_gic_icv_reg_t /*reg*/, uint64_t /*value*/) {
  return own_vcpu(vcpu) == nullptr ? HV_BAD_ARGUMENT : HV_UNSUPPORTED;
}

hv_return_t hv_gic_get_msi_reg(hv_gic_msi_reg_t reg, uint64_t* value) {
  const auto machine = machine_with_gic();
  if (machine == nullptr || !machine->vm.gic->config().has_msi())
    return HV_NO_DEVICE;
  if (value == nullptr)
    return HV_BAD_ARGUMENT;
  const gic::Config& config = machine->vm.gic->config();
  switch (reg) {
  case HV_GIC_REG_GICM_TYPER:
    *value = config.msi_intid_base << 16 | config.msi_intid_count;
    return HV_SUCCESS;
  case HV_GIC_REG_GICM_SET_SPI_NSR: *value = 0; return HV_SUCCESS; // write-only
  }
  return HV_BAD_ARGUMENT;
}

hv_return_t hv_gic_set_msi_reg(hv_gic_msi_reg_t reg, uint64_t value) {
  const auto machine = machine_with_gic();
  if (machine == nullptr || !machine->vm.gic->config().has_msi())
    return HV_NO_DEVICE;
  if (reg == HV_GIC_REG_GICM_TYPER)
    return HV_DENIED;
  if (reg != HV_GIC_REG_GICM_SET_SPI_NSR || value > UINT32_MAX)
    return HV_BAD_ARGUMENT;
  const u64 address = *machine->vm.gic->config().msi_base + gic::kGicmSetSpiNsr;
  return machine->vm.gic->send_msi(address, static_cast<u32>(value)) ? HV_SUCCESS : HV_BAD_ARGUMENT;
}

hv_return_t hv_gic_reset(void) {
  const auto machine = machine_with_gic();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (machine->running.load(std::memory_order_seq_cst) != 0)
    return HV_BUSY;
  machine->vm.gic->reset();
  return HV_SUCCESS;
}

hv_gic_state_t hv_gic_state_create(void) {
  const auto machine = machine_with_gic();
  if (machine == nullptr || machine->running.load(std::memory_order_seq_cst) != 0)
    return nullptr;
  return new (std::nothrow) hv_gic_state_s(machine->vm.gic->save());
}

hv_return_t hv_gic_state_get_size(hv_gic_state_t state, size_t* gic_state_size) {
  if (checked(state) == nullptr || gic_state_size == nullptr)
    return HV_BAD_ARGUMENT;
  *gic_state_size = state->data.size();
  return HV_SUCCESS;
}

hv_return_t hv_gic_state_get_data(hv_gic_state_t state, void* gic_state_data) {
  if (checked(state) == nullptr || gic_state_data == nullptr)
    return HV_BAD_ARGUMENT;
  std::memcpy(gic_state_data, state->data.data(), state->data.size());
  return HV_SUCCESS;
}

hv_return_t hv_gic_set_state(const void* gic_state_data, size_t gic_state_size) {
  const auto machine = machine_with_gic();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (gic_state_data == nullptr)
    return HV_BAD_ARGUMENT;
  if (machine->running.load(std::memory_order_seq_cst) != 0)
    return HV_BUSY;
  const std::span data(static_cast<const u8*>(gic_state_data), gic_state_size);
  return machine->vm.gic->restore(data) ? HV_SUCCESS : HV_BAD_ARGUMENT;
}
