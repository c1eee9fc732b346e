// SPDX-License-Identifier: Apache-2.0
// Comparing what two CPUs say of themselves in their ID_AA64*_EL1 registers (Arm ARM D17.2).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "arch/types.h"

namespace kindling::arch {

// The ID registers that tell of features, as packed encodings (arch/sysreg.h).
std::vector<u32> feature_registers();

// The fields in which `here` offers less than `wanted`, by name and with both values:
// "ID_AA64ISAR0_EL1[15:12] (2, here 1)". Registers by name; one that `here` lacks counts as zero.
// By the principles of the ID scheme (D17.1.3): fields of 4 bits where larger is more, some of them
// signed.
std::vector<std::string> missing_features(const std::map<std::string, u64>& wanted,
                                          const std::map<std::string, u64>& here);

} // namespace kindling::arch
