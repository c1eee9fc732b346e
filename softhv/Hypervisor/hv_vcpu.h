// SPDX-License-Identifier: Apache-2.0
// vCPUs. A vCPU belongs to the thread that created it, and a thread has at most one. Every function
// here but hv_vcpus_exit must be called by that thread and returns HV_BAD_ARGUMENT for a vCPU that
// does not exist or belongs to another.
#pragma once

#include <Hypervisor/hv_vcpu_config.h>
#include <Hypervisor/hv_vcpu_types.h>

__BEGIN_DECLS

// Creates a vCPU for the calling thread. *exit points to what hv_vcpu_run reports, until the vCPU
// is destroyed. HV_NO_DEVICE: no VM. HV_BUSY: the thread has a vCPU. HV_NO_RESOURCES: too many
// vCPUs.
hv_return_t hv_vcpu_create(hv_vcpu_t* vcpu, hv_vcpu_exit_t** exit, hv_vcpu_config_t config);
hv_return_t hv_vcpu_destroy(hv_vcpu_t vcpu);

// Setting HV_REG_CPSR opens the exclusive monitor, as an exception return does.
hv_return_t hv_vcpu_get_reg(hv_vcpu_t vcpu, hv_reg_t reg, uint64_t* value);
hv_return_t hv_vcpu_set_reg(hv_vcpu_t vcpu, hv_reg_t reg, uint64_t value);

hv_return_t hv_vcpu_get_simd_fp_reg(hv_vcpu_t vcpu, hv_simd_fp_reg_t reg,
                                    hv_simd_fp_uchar16_t* value);
hv_return_t hv_vcpu_set_simd_fp_reg(hv_vcpu_t vcpu, hv_simd_fp_reg_t reg,
                                    hv_simd_fp_uchar16_t value);

// HV_BAD_ARGUMENT: no such register. HV_UNSUPPORTED: the VM lacks what it belongs to (EL2; a GIC
// for CNTP_*).
hv_return_t hv_vcpu_get_sys_reg(hv_vcpu_t vcpu, hv_sys_reg_t reg, uint64_t* value);
hv_return_t hv_vcpu_set_sys_reg(hv_vcpu_t vcpu, hv_sys_reg_t reg, uint64_t value);

// Interrupt lines for VMs without a GIC. They drop when hv_vcpu_run returns: set them before each
// run.
hv_return_t hv_vcpu_get_pending_interrupt(hv_vcpu_t vcpu, hv_interrupt_type_t type, bool* pending);
hv_return_t hv_vcpu_set_pending_interrupt(hv_vcpu_t vcpu, hv_interrupt_type_t type, bool pending);

// Whether debug exceptions, and accesses to debug registers, leave to the host (MDCR_EL2.TDE,
// .TDA).
hv_return_t hv_vcpu_get_trap_debug_exceptions(hv_vcpu_t vcpu, bool* value);
hv_return_t hv_vcpu_set_trap_debug_exceptions(hv_vcpu_t vcpu, bool value);
hv_return_t hv_vcpu_get_trap_debug_reg_accesses(hv_vcpu_t vcpu, bool* value);
hv_return_t hv_vcpu_set_trap_debug_reg_accesses(hv_vcpu_t vcpu, bool value);

// Runs the vCPU until something needs the host; the reason is in its hv_vcpu_exit_t.
hv_return_t hv_vcpu_run(hv_vcpu_t vcpu);

// Makes each vCPU leave hv_vcpu_run with HV_EXIT_REASON_CANCELED; one that does not run returns so
// from its next hv_vcpu_run at once. Any thread. HV_BAD_ARGUMENT: one of them does not exist.
hv_return_t hv_vcpus_exit(hv_vcpu_t* vcpus, uint32_t vcpu_count);

// Time spent in the guest so far, in ticks of the 24 MHz counter (mach_absolute_time on a Mac).
hv_return_t hv_vcpu_get_exec_time(hv_vcpu_t vcpu, uint64_t* time);

// While the mask is set the expired virtual timer does not exit. An exit with
// HV_EXIT_REASON_VTIMER_ACTIVATED sets it. Of no effect in a VM with a GIC.
hv_return_t hv_vcpu_get_vtimer_mask(hv_vcpu_t vcpu, bool* vtimer_is_masked);
hv_return_t hv_vcpu_set_vtimer_mask(hv_vcpu_t vcpu, bool vtimer_is_masked);

// CNTVOFF_EL2: CNTVCT_EL0 = host counter - offset (hv_softhv_absolute_time; mach_absolute_time).
hv_return_t hv_vcpu_get_vtimer_offset(hv_vcpu_t vcpu, uint64_t* vtimer_offset);
hv_return_t hv_vcpu_set_vtimer_offset(hv_vcpu_t vcpu, uint64_t vtimer_offset);

__END_DECLS
