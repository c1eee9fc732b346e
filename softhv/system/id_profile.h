// SPDX-License-Identifier: Apache-2.0
// The CPU profile `baseline`: every identification register that the guest and
// hv_vcpu_config_get_feature_reg see (Arm ARM D17.2, "ID_*"). It states what SoftHV implements and
// no more: ARMv8.0-A with LSE, CRC32, AES, PMULL, SHA1, SHA256, RDM, DotProd, FP16, RCPC, FlagM,
// JSCVT, DPB, PAN and UAO; EL0 and EL1 in AArch64 only. Pure functions, any thread.
#pragma once

#include <optional>

#include "arch/types.h"

namespace softhv::id {

inline constexpr unsigned kBreakpoints = 6;
inline constexpr unsigned kContextBreakpoints = 2; // the last of them
inline constexpr unsigned kWatchpoints = 4;

// An implementer of 0 is reserved for software: no erratum of any vendor's core applies.
inline constexpr u64 kMidr = 0x000f'4b10;

// L1 caches PIPT, IDC and DIC set, all lines 64 bytes.
inline constexpr u64 kCtr =
    1ULL << 31 | 1 << 29 | 1 << 28 | 4 << 24 | 4 << 20 | 4 << 16 | 3 << 14 | 4;
inline constexpr u64 kDczid = 4; // log2 of the words DC ZVA clears: 64 bytes
inline constexpr u64 kZvaBytes = 64;
inline constexpr u64 kClidr = 2ULL << 24 | 4 << 3 | 3; // L1 I and D, L2 unified; LoC 2

// CCSIDR_EL1 for a value of CSSELR_EL1; nullopt: no such cache.
std::optional<u64> ccsidr(u64 csselr);

// The physical address size that ID_AA64MMFR0_EL1.PARange offers for a Vm of `ipa_bits`: the
// smallest architected one that holds it.
unsigned physical_address_bits(unsigned ipa_bits);

// What depends on the Vm.
struct Variation {
  unsigned ipa_bits = 40;
  bool gic = false; // the GIC's system registers are present
};

// An ID register of op0 = 3, op1 = 0, CRn = 0, CRm = 1..7 by its packed encoding. Those that are
// reserved, belong to AArch32 or to absent features read as zero.
u64 feature_register(u32 encoding, const Variation& variation);

} // namespace softhv::id
