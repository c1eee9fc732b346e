// SPDX-License-Identifier: Apache-2.0
#include "softhv/system/id_profile.h"

#include "arch/sysreg.h"

namespace softhv::id {
namespace {

using kindling::arch::sysreg;

constexpr u32 id(u32 crm, u32 op2) {
  return sysreg(3, 0, 0, crm, op2);
}

constexpr u64 field(u64 value, unsigned lsb) {
  return value << lsb;
}

constexpr u64 kPfr0 = field(1, 0)     // EL0: AArch64
                      | field(1, 4)   // EL1: AArch64
                      | field(1, 16)  // FP with FP16
                      | field(1, 20)  // AdvSIMD with FP16
                      | field(1, 56)  // CSV2
                      | field(1, 60); // CSV3
constexpr u64 kPfr0Gic = field(1, 24);

constexpr u64 kDfr0 = field(6, 0) // ARMv8.0 debug
                      | field(kBreakpoints - 1, 12) | field(kWatchpoints - 1, 20) |
                      field(kContextBreakpoints - 1, 28);

constexpr u64 kIsar0 = field(2, 4)     // AES, PMULL
                       | field(1, 8)   // SHA1
                       | field(1, 12)  // SHA256
                       | field(1, 16)  // CRC32
                       | field(2, 20)  // Atomic (LSE)
                       | field(1, 28)  // RDM
                       | field(1, 44)  // DP
                       | field(1, 52); // TS (FlagM)

constexpr u64 kIsar1 = field(1, 0)     // DPB
                       | field(1, 12)  // JSCVT
                       | field(1, 20); // LRCPC

constexpr u64 kMmfr0 = field(2, 4)     // 16-bit ASIDs
                       | field(1, 20); // 16 KiB granule; 4 and 64 KiB are there by being 0

constexpr u64 kMmfr1 = field(1, 20); // PAN

constexpr u64 kMmfr2 = field(1, 4); // UAO

u64 pa_range(unsigned ipa_bits) {
  switch (physical_address_bits(ipa_bits)) {
  case 32: return 0;
  case 36: return 1;
  case 40: return 2;
  case 42: return 3;
  case 44: return 4;
  default: return 5;
  }
}

constexpr u64 cache(u64 sets, u64 ways) {
  return (sets - 1) << 13 | (ways - 1) << 3 | 2; // 64-byte lines
}

} // namespace

std::optional<u64> ccsidr(u64 csselr) {
  switch (csselr & 0xf) {
  case 0:                        // L1 data
  case 1: return cache(128, 4);  // L1 instruction: 32 KiB each
  case 2: return cache(2048, 8); // L2, 1 MiB
  default: return std::nullopt;
  }
}

unsigned physical_address_bits(unsigned ipa_bits) {
  for (const unsigned size : {32U, 36U, 40U, 42U, 44U})
    if (ipa_bits <= size)
      return size;
  return 48;
}

u64 feature_register(u32 encoding, const Variation& variation) {
  switch (encoding) {
  case id(4, 0): return kPfr0 | (variation.gic ? kPfr0Gic : 0);
  case id(5, 0): return kDfr0;
  case id(6, 0): return kIsar0;
  case id(6, 1): return kIsar1;
  case id(7, 0): return kMmfr0 | pa_range(variation.ipa_bits);
  case id(7, 1): return kMmfr1;
  case id(7, 2): return kMmfr2;
  default: return 0;
  }
}

} // namespace softhv::id
