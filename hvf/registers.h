// SPDX-License-Identifier: Apache-2.0
// The registers that make up a vCPU's state, beside the general and the SIMD&FP ones.
#pragma once

#include <vector>

#include <Hypervisor/Hypervisor.h>

#include "arch/types.h"

namespace kindling::hvf {

struct RegisterSet {
  std::vector<hv_sys_reg_t> system;
  std::vector<hv_gic_icc_reg_t> icc;
};

// Those that the framework lets a host read and write; the vCPU is that of the calling thread.
RegisterSet find_registers(hv_vcpu_t vcpu);

} // namespace kindling::hvf
