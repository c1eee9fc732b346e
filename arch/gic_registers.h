// SPDX-License-Identifier: Apache-2.0
// The registers of a GICv3 that make up its state (Arm IHI0069 12.8, 12.10, 12.11), for one
// Security state and affinity routing. Set-enable registers and their kind stand for the clearing
// ones too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/types.h"

namespace kindling::arch {

// Offsets from the distributor's base, and from RD_base (SGI_base is at 0x10000). In the order in
// which they can be written to a GIC that has been reset: what enables comes last.
std::vector<u32> gicd_state_registers();
std::vector<u32> gicr_state_registers();

// The register of that name; none of those above has it: nullopt.
std::optional<u32> gicd_register(std::string_view name);
std::optional<u32> gicr_register(std::string_view name);

// "GICD_ISENABLER1", "GICR_IPRIORITYR0". Precondition: one of those above.
std::string gicd_register_name(u32 offset);
std::string gicr_register_name(u32 offset);

} // namespace kindling::arch
