// SPDX-License-Identifier: Apache-2.0
// Where the parts of the GIC are in the guest's physical address space. Bases are aligned and sized
// as hv_gic_parameters.h tells; HV_BAD_ARGUMENT otherwise.
#pragma once

#include <Hypervisor/hv_gic_types.h>
#include <Hypervisor/hv_vm_types.h>

__BEGIN_DECLS

// A configuration without bases; release it with os_release().
hv_gic_config_t hv_gic_config_create(void);

hv_return_t hv_gic_config_set_distributor_base(hv_gic_config_t config,
                                               hv_ipa_t distributor_base_address);
hv_return_t hv_gic_config_set_redistributor_base(hv_gic_config_t config,
                                                 hv_ipa_t redistributor_base_address);

// MSIs are optional and need both a region and a range of SPIs.
hv_return_t hv_gic_config_set_msi_region_base(hv_gic_config_t config,
                                              hv_ipa_t msi_region_base_address);
hv_return_t hv_gic_config_set_msi_interrupt_range(hv_gic_config_t config, uint32_t msi_intid_base,
                                                  uint32_t msi_intid_count);

__END_DECLS
