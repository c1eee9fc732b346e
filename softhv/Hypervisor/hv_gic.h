// SPDX-License-Identifier: Apache-2.0
// The GICv3 of a VM (IHI0069). Redistributor, ICC, ICH and ICV calls belong to the vCPU's thread;
// the others may be made by any thread.
#pragma once

#include <Hypervisor/hv_gic_types.h>
#include <Hypervisor/hv_vcpu_types.h>

__BEGIN_DECLS

// Adds a GIC to the VM: after hv_vm_create, before the first vCPU. HV_NO_DEVICE: no VM.
// HV_EXISTS: there is a GIC. HV_BUSY: there are vCPUs. HV_BAD_ARGUMENT: bases missing or
// overlapping.
hv_return_t hv_gic_create(hv_gic_config_t gic_config);

// Drives an SPI. Level-sensitive: `level` is the state of the line. Edge-triggered: true makes the
// interrupt pending, false does nothing. HV_BAD_ARGUMENT: not an SPI, or one of the MSI range.
hv_return_t hv_gic_set_spi(uint32_t intid, bool level);

// A message-signalled interrupt: as if `intid` were written to `address`, the GICM_SET_SPI_NSR
// register of the MSI region.
hv_return_t hv_gic_send_msi(hv_ipa_t address, uint32_t intid);

// Registers as the guest sees them, except that ISPENDR and ICPENDR show and change the pending
// latch alone: the level of a line is for its device to drive again after a restore. Registers that
// are read-only to the guest are HV_DENIED to set.
hv_return_t hv_gic_get_distributor_reg(hv_gic_distributor_reg_t reg, uint64_t* value);
hv_return_t hv_gic_set_distributor_reg(hv_gic_distributor_reg_t reg, uint64_t value);

// The redistributor of a vCPU is chosen by its affinity: set MPIDR_EL1 first.
hv_return_t hv_gic_get_redistributor_base(hv_vcpu_t vcpu, hv_ipa_t* redistributor_base_address);
hv_return_t hv_gic_get_redistributor_reg(hv_vcpu_t vcpu, hv_gic_redistributor_reg_t reg,
                                         uint64_t* value);
hv_return_t hv_gic_set_redistributor_reg(hv_vcpu_t vcpu, hv_gic_redistributor_reg_t reg,
                                         uint64_t value);

hv_return_t hv_gic_get_icc_reg(hv_vcpu_t vcpu, hv_gic_icc_reg_t reg, uint64_t* value);
hv_return_t hv_gic_set_icc_reg(hv_vcpu_t vcpu, hv_gic_icc_reg_t reg, uint64_t value);

// For VMs with EL2: HV_UNSUPPORTED here.
hv_return_t hv_gic_get_ich_reg(hv_vcpu_t vcpu, hv_gic_ich_reg_t reg, uint64_t* value);
hv_return_t hv_gic_set_ich_reg(hv_vcpu_t vcpu, hv_gic_ich_reg_t reg, uint64_t value);
hv_return_t hv_gic_get_icv_reg(hv_vcpu_t vcpu, hv_gic_icv_reg_t reg, uint64_t* value);
hv_return_t hv_gic_set_icv_reg(hv_vcpu_t vcpu, hv_gic_icv_reg_t reg, uint64_t value);

// HV_NO_DEVICE: no MSI region is configured.
hv_return_t hv_gic_get_msi_reg(hv_gic_msi_reg_t reg, uint64_t* value);
hv_return_t hv_gic_set_msi_reg(hv_gic_msi_reg_t reg, uint64_t value);

// Restores what hv_gic_state_get_data saved, into a GIC of the same configuration whose vCPUs have
// the same affinities and do not run. HV_BAD_ARGUMENT: the data is damaged or does not fit; nothing
// has been changed then. HV_BUSY: a vCPU runs.
hv_return_t hv_gic_set_state(const void* gic_state_data, size_t gic_state_size);

// Back to the state after hv_gic_create; the level of SPI lines stays what the devices drive.
// HV_BUSY: a vCPU runs.
hv_return_t hv_gic_reset(void);

__END_DECLS
