// SPDX-License-Identifier: Apache-2.0
#include "arch/cpu_features.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "arch/bits.h"
#include "arch/sysreg.h"

namespace kindling::arch {

namespace {

constexpr u32 kRegisters[] = {
    sysreg(3, 0, 0, 4, 0), // ID_AA64PFR0_EL1
    sysreg(3, 0, 0, 4, 1), // ID_AA64PFR1_EL1
    sysreg(3, 0, 0, 5, 0), // ID_AA64DFR0_EL1
    sysreg(3, 0, 0, 5, 1), // ID_AA64DFR1_EL1
    sysreg(3, 0, 0, 6, 0), // ID_AA64ISAR0_EL1
    sysreg(3, 0, 0, 6, 1), // ID_AA64ISAR1_EL1
    sysreg(3, 0, 0, 7, 0), // ID_AA64MMFR0_EL1
    sysreg(3, 0, 0, 7, 1), // ID_AA64MMFR1_EL1
    sysreg(3, 0, 0, 7, 2), // ID_AA64MMFR2_EL1
};

struct Field {
  std::string_view reg;
  unsigned low;
};
// Where 0b1111 means less than 0.
constexpr Field kSigned[] = {
    {"ID_AA64PFR0_EL1", 16},  // FP
    {"ID_AA64PFR0_EL1", 20},  // AdvSIMD
    {"ID_AA64DFR0_EL1", 8},   // PMUVer
    {"ID_AA64MMFR0_EL1", 24}, // TGran64
    {"ID_AA64MMFR0_EL1", 28}, // TGran4
};

int field_value(const std::string& reg, u64 value, unsigned low) {
  const auto field = static_cast<int>(bits(value, low + 3, low));
  const bool is_signed =
      std::ranges::any_of(kSigned, [&](const Field& f) { return f.reg == reg && f.low == low; });
  return is_signed && field > 7 ? field - 16 : field;
}

} // namespace

std::vector<u32> feature_registers() {
  return {std::begin(kRegisters), std::end(kRegisters)};
}

std::vector<std::string> missing_features(const std::map<std::string, u64>& wanted,
                                          const std::map<std::string, u64>& here) {
  std::vector<std::string> missing;
  for (const auto& [reg, value] : wanted) {
    const auto found = here.find(reg);
    const u64 present = found == here.end() ? 0 : found->second;
    for (unsigned low = 0; low < 64; low += 4) {
      const int want = field_value(reg, value, low);
      const int have = field_value(reg, present, low);
      if (want > have) {
        missing.push_back(fmt::format("{}[{}:{}] ({}, here {})", reg, low + 3, low, want, have));
      }
    }
  }
  return missing;
}

} // namespace kindling::arch
