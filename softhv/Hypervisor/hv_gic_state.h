// SPDX-License-Identifier: Apache-2.0
// The state of the GIC as an opaque, versioned block of bytes: everything but the CPU interfaces,
// which hv_gic_get_icc_reg reads.
#pragma once

#include <Hypervisor/hv_gic_types.h>

__BEGIN_DECLS

// Captures the state; no vCPU may run. NULL: there is no GIC, or a vCPU runs. Release with
// os_release().
hv_gic_state_t hv_gic_state_create(void);

hv_return_t hv_gic_state_get_size(hv_gic_state_t state, size_t* gic_state_size);

// `gic_state_data` has room for hv_gic_state_get_size bytes.
hv_return_t hv_gic_state_get_data(hv_gic_state_t state, void* gic_state_data);

__END_DECLS
