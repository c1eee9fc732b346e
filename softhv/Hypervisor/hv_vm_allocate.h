// SPDX-License-Identifier: Apache-2.0
// Memory to give to a guest.
#pragma once

#include <Hypervisor/hv_base.h>

OS_ENUM(hv_allocate_flags, uint64_t, HV_ALLOCATE_DEFAULT = 0);

__BEGIN_DECLS

// Allocates `size` bytes (a multiple of the page size) of zeroed, page-aligned memory.
// HV_BAD_ARGUMENT: size is 0 or not a multiple, or flags are unknown. HV_NO_RESOURCES: no memory.
hv_return_t hv_vm_allocate(void** uvap, size_t size, hv_allocate_flags_t flags);

// Frees what hv_vm_allocate returned, with the same size.
hv_return_t hv_vm_deallocate(void* uva, size_t size);

__END_DECLS
