// SPDX-License-Identifier: Apache-2.0
// What SoftHV has beyond Hypervisor.framework. Not included by Hypervisor.h: a program that stays
// portable to a Mac guards its use with __has_include(<Hypervisor/hv_softhv.h>).
#pragma once

#include <Hypervisor/Hypervisor.h>

__BEGIN_DECLS

// Capabilities of this build; more may be added.
OS_ENUM(hv_softhv_capability, uint32_t,
        // hv_softhv_vm_create and what belongs to it
        HV_SOFTHV_CAPABILITY_MULTIPLE_VMS = 1,
        // hv_softhv_memory_changed
        HV_SOFTHV_CAPABILITY_MEMORY_CHANGED = 2);

// *value is 0 when the capability is absent or unknown, else its version.
hv_return_t hv_softhv_get_capability(hv_softhv_capability_t capability, uint32_t* value);

// The host counter that CNTPCT_EL0 shows, 24 MHz: what mach_absolute_time is on a Mac.
uint64_t hv_softhv_absolute_time(void);

// To be called after the host has changed bytes of guest memory that may hold instructions, a
// device's DMA above all, and before the guest may know of it: SoftHV forgets what it translated
// from them. A guest need not invalidate instruction caches after DMA, since CTR_EL0.DIC is set.
// Any thread.
hv_return_t hv_softhv_memory_changed(hv_ipa_t ipa, size_t size);

// Several VMs in a process. A thread works on one VM at a time: calls without a vCPU argument, and
// hv_vcpu_create, mean the thread's current VM, or the process's (hv_vm_create) while it has none.
typedef uint64_t hv_softhv_vm_t;

// Creates a VM besides the process's own and makes it the thread's current one.
hv_return_t hv_softhv_vm_create(hv_vm_config_t config, hv_softhv_vm_t* vm);

// Makes `vm` current for the calling thread; 0 means the process's VM. HV_BAD_ARGUMENT: no such VM.
hv_return_t hv_softhv_vm_set_current(hv_softhv_vm_t vm);
hv_return_t hv_softhv_vm_get_current(hv_softhv_vm_t* vm);

// Destroys a VM made by hv_softhv_vm_create. HV_BUSY: a vCPU still exists.
hv_return_t hv_softhv_vm_destroy(hv_softhv_vm_t vm);

__END_DECLS
