// SPDX-License-Identifier: Apache-2.0
// The virtual machine of this process and its memory. Any thread may call these functions.
#pragma once

#include <Hypervisor/hv_vm_allocate.h>
#include <Hypervisor/hv_vm_config.h>
#include <Hypervisor/hv_vm_types.h>

__BEGIN_DECLS

hv_return_t hv_vm_get_max_vcpu_count(uint32_t* max_vcpu_count);

// Creates the process's VM; NULL takes the default configuration. HV_BUSY: there is one already.
hv_return_t hv_vm_create(hv_vm_config_t config);

// HV_BUSY: a vCPU still exists. HV_NO_DEVICE: there is no VM.
hv_return_t hv_vm_destroy(void);

// Addresses and sizes are multiples of the IPA granule. HV_BAD_ARGUMENT: they are not, or the range
// leaves the IPA space. HV_ERROR: the range overlaps a mapping (map) or is not mapped throughout
// (unmap, protect). On return no vCPU uses the old translation.
hv_return_t hv_vm_map(void* addr, hv_ipa_t ipa, size_t size, hv_memory_flags_t flags);
hv_return_t hv_vm_unmap(hv_ipa_t ipa, size_t size);
hv_return_t hv_vm_protect(hv_ipa_t ipa, size_t size, hv_memory_flags_t flags);

__END_DECLS
