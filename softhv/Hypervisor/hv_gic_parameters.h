// SPDX-License-Identifier: Apache-2.0
// Sizes (bytes), alignments (bytes) and INTIDs of the GIC.
#pragma once

#include <Hypervisor/hv_gic_types.h>

__BEGIN_DECLS

hv_return_t hv_gic_get_distributor_size(size_t* distributor_size);
hv_return_t hv_gic_get_distributor_base_alignment(size_t* distributor_base_alignment);

// The region holds the redistributors of all vCPUs that a VM can have.
hv_return_t hv_gic_get_redistributor_region_size(size_t* redistributor_region_size);
hv_return_t hv_gic_get_redistributor_size(size_t* redistributor_size);
hv_return_t hv_gic_get_redistributor_base_alignment(size_t* redistributor_base_alignment);

hv_return_t hv_gic_get_msi_region_size(size_t* msi_region_size);
hv_return_t hv_gic_get_msi_region_base_alignment(size_t* msi_region_base_alignment);

hv_return_t hv_gic_get_spi_interrupt_range(uint32_t* spi_intid_base, uint32_t* spi_intid_count);
hv_return_t hv_gic_get_intid(hv_gic_intid_t interrupt, uint32_t* intid);

__END_DECLS
