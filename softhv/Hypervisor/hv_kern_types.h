// SPDX-License-Identifier: Apache-2.0
// Return codes and memory permissions of Hypervisor.framework on Apple silicon.
#pragma once

#include <stdint.h>

// A mach_error_t: err_local | err_sub(0xba5) | code.
typedef int32_t hv_return_t;

#define HV_SUCCESS ((hv_return_t)0)
#define HV_ERROR ((hv_return_t)0xfae94001)               // unsuccessful
#define HV_BUSY ((hv_return_t)0xfae94002)                // the owning resource is busy
#define HV_BAD_ARGUMENT ((hv_return_t)0xfae94003)        // an argument is invalid
#define HV_ILLEGAL_GUEST_STATE ((hv_return_t)0xfae94004) // the guest cannot run like that
#define HV_NO_RESOURCES ((hv_return_t)0xfae94005)        // the host has not enough memory or vCPUs
#define HV_NO_DEVICE ((hv_return_t)0xfae94006)           // no VM, GIC or vCPU is there
#define HV_DENIED ((hv_return_t)0xfae94007)              // not allowed (entitlement, read-only)
#define HV_EXISTS ((hv_return_t)0xfae94008)              // is there already
#define HV_UNSUPPORTED ((hv_return_t)0xfae9400f)         // this host or engine cannot

typedef uint64_t hv_memory_flags_t;

#define HV_MEMORY_READ ((hv_memory_flags_t)1 << 0)
#define HV_MEMORY_WRITE ((hv_memory_flags_t)1 << 1)
#define HV_MEMORY_EXEC ((hv_memory_flags_t)1 << 2)
