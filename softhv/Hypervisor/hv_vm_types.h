// SPDX-License-Identifier: Apache-2.0
// VM types of Hypervisor.framework.
#pragma once

#include <Hypervisor/hv_base.h>

// An intermediate physical address: what the guest calls physical.
typedef uint64_t hv_ipa_t;

OS_OBJECT_DECL(hv_vm_config);
