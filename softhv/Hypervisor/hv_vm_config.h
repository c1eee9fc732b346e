// SPDX-License-Identifier: Apache-2.0
// Configuration of a VM: size and granule of its physical address space.
#pragma once

#include <Hypervisor/hv_vm_types.h>

// The unit in which memory is mapped (hv_vm_map).
OS_ENUM(hv_ipa_granule, uint32_t, HV_IPA_GRANULE_4KB = 0, HV_IPA_GRANULE_16KB = 1);

__BEGIN_DECLS

// A configuration with default values; release it with os_release().
hv_vm_config_t hv_vm_config_create(void);

// Sizes are in bits: with 36 the guest has 64 GiB of physical address space.
hv_return_t hv_vm_config_get_max_ipa_size(uint32_t* ipa_bit_length);
hv_return_t hv_vm_config_get_default_ipa_size(uint32_t* ipa_bit_length);
// HV_BAD_ARGUMENT: below 32 or above the maximum.
hv_return_t hv_vm_config_set_ipa_size(hv_vm_config_t config, uint32_t ipa_bit_length);
hv_return_t hv_vm_config_get_ipa_size(hv_vm_config_t config, uint32_t* ipa_bit_length);

hv_return_t hv_vm_config_get_default_ipa_granule(hv_ipa_granule_t* granule);
hv_return_t hv_vm_config_get_ipa_granule(hv_vm_config_t config, hv_ipa_granule_t* granule);
hv_return_t hv_vm_config_set_ipa_granule(hv_vm_config_t config, hv_ipa_granule_t granule);

// SoftHV guests have no EL2: `supported` is false, and enabling it is HV_UNSUPPORTED.
hv_return_t hv_vm_config_get_el2_supported(bool* el2_supported);
hv_return_t hv_vm_config_get_el2_enabled(hv_vm_config_t config, bool* el2_enabled);
hv_return_t hv_vm_config_set_el2_enabled(hv_vm_config_t config, bool el2_enabled);

__END_DECLS
