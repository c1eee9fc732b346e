// SPDX-License-Identifier: Apache-2.0
// Encodings and names of system registers (Arm ARM D17, C5.1.2).
#pragma once

#include <string>

#include "arch/types.h"

namespace kindling::arch {

// The packed form op0<<14 | op1<<11 | CRn<<7 | CRm<<3 | op2 that hv_sys_reg_t uses too.
constexpr u32 sysreg(u32 op0, u32 op1, u32 crn, u32 crm, u32 op2) {
  return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2;
}

// "SCTLR_EL1"; a register without a name here is written as the assembler takes it, "S3_0_C1_C0_0".
std::string sysreg_name(u32 encoding);

} // namespace kindling::arch
