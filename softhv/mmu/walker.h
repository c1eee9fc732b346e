// SPDX-License-Identifier: Apache-2.0
// The stage-1 translation table walk of the EL1&0 regime (Arm ARM D8.2 to D8.5), VMSAv8-64 with the
// 4K, 16K and 64K granules and 48-bit addresses. No hardware update of descriptors, no hierarchical
// permission disables: the ID registers do not offer them.
#pragma once

#include "arch/types.h"

namespace softhv {

// The registers that shape a walk.
struct WalkConfig {
  u64 ttbr[2] = {};
  u64 tcr = 0;
  u64 mair = 0;
  bool enabled = false; // SCTLR_EL1.M
  bool wxn = false;     // SCTLR_EL1.WXN
  u8 pa_bits = 48;      // implemented physical address size

  // The ASID of the current context (TCR_EL1.A1 and .AS).
  [[nodiscard]] u16 asid() const;
  // Whether the top byte of `va` is ignored (TCR_EL1.TBI0, TBI1).
  [[nodiscard]] bool top_byte_ignored(u64 va) const;
  // `va` with an ignored top byte replaced by copies of bit 55.
  [[nodiscard]] u64 canonical(u64 va) const;
};

// What a page allows.
inline constexpr u8 kPermEl0Read = 1 << 0;
inline constexpr u8 kPermEl0Write = 1 << 1;
inline constexpr u8 kPermEl0Exec = 1 << 2;
inline constexpr u8 kPermEl1Read = 1 << 3;
inline constexpr u8 kPermEl1Write = 1 << 4;
inline constexpr u8 kPermEl1Exec = 1 << 5;
inline constexpr u8 kPermUser = 1 << 6; // accessible from EL0 by AP[1]: PSTATE.PAN applies

// Fault status codes: DFSC and IFSC of ESR_ELx, FST of PAR_EL1. Those of the first group have the
// level of the walk in bits 1:0.
inline constexpr u8 kStatusAddressSize = 0x00;
inline constexpr u8 kStatusTranslation = 0x04;
inline constexpr u8 kStatusAccessFlag = 0x08;
inline constexpr u8 kStatusPermission = 0x0c;
inline constexpr u8 kStatusExternal = 0x10;
inline constexpr u8 kStatusAlignment = 0x21;
inline constexpr u8 kStatusDebug = 0x22;
inline constexpr u8 kStatusUnsupportedAtomic = 0x35;

// A successful walk.
struct Leaf {
  u64 ipa = 0;         // of the 4 KiB page that holds the address
  u8 shift = 12;       // log2 of the size of the page or block
  u8 level = 0;        // where the walk ended
  u8 permissions = 0;  // kPerm...
  u8 attributes = 0;   // the byte of MAIR_EL1; 0 (Device-nGnRnE) when the MMU is off
  u8 shareability = 0; // SH[1:0]
  bool global = true;  // not tagged with the ASID

  [[nodiscard]] bool device() const { return (attributes & 0xf0) == 0; }
};

struct WalkResult {
  enum class Outcome : u8 {
    kDone,
    kFault,       // `status` tells which, to be reported to EL1
    kStage2Fault, // the descriptor at `descriptor_ipa` cannot be read
  };
  Outcome outcome = Outcome::kFault;
  u8 status = 0;
  u64 descriptor_ipa = 0;
  Leaf leaf;
};

// Where a walk reads descriptors from.
class DescriptorReader {
public:
  virtual bool read_descriptor(u64 ipa, u64& value) = 0;

protected:
  ~DescriptorReader() = default;
};

WalkResult walk(const WalkConfig& config, u64 va, DescriptorReader& memory);

} // namespace softhv
