// SPDX-License-Identifier: Apache-2.0
// The seam's implementation on Hypervisor.framework, Apple's or SoftHV.
#pragma once

#include <memory>

#include "vmm/vstate/vm.h"

namespace kindling::vmm::vstate {

// `address_bits`: how wide guest physical addresses have to be at least.
Result<std::unique_ptr<Vm>> create_hvf_vm(const VmConfig& config, u32 address_bits);

} // namespace kindling::vmm::vstate
