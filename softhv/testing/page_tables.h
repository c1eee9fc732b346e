// SPDX-License-Identifier: Apache-2.0
// Builds VMSAv8-64 stage-1 translation tables in the RAM of a Machine (Arm ARM D8.3).
#pragma once

#include "softhv/testing/machine.h"

namespace softhv::testing {

// Descriptor bits.
inline constexpr u64 kDescValid = 1 << 0;
inline constexpr u64 kDescTable = 1 << 1; // also: a page, at level 3
inline constexpr u64 kDescUser = 1 << 6;  // AP[1]
inline constexpr u64 kDescReadOnly = 1 << 7;
inline constexpr u64 kDescInner = 3 << 8;
inline constexpr u64 kDescAf = 1 << 10;
inline constexpr u64 kDescNonGlobal = 1 << 11;
inline constexpr u64 kDescPxn = 1ULL << 53;
inline constexpr u64 kDescUxn = 1ULL << 54;
constexpr u64 desc_attr(unsigned index) {
  return static_cast<u64>(index) << 2;
}

class PageTables {
public:
  // Tables are taken from [first, ...) of the machine's RAM. `grain` is 12, 14 or 16; addresses
  // have `va_bits` bits.
  PageTables(Machine& machine, u64 first, unsigned grain, unsigned va_bits = 48);

  // Writes the leaf for `va` at `level`: address, `attributes` and kDescValid; at level 3 the page
  // bit.
  void map(u64 va, u64 pa, u64 attributes, unsigned level = 3);

  // Guest physical address of the descriptor that translates `va` at `level`; the tables above it
  // are made if need be.
  u64 slot(u64 va, unsigned level);

  [[nodiscard]] u64 root() const { return root_; }
  [[nodiscard]] unsigned first_level() const { return first_level_; }
  [[nodiscard]] unsigned shift(unsigned level) const { return (3 - level) * (grain_ - 3) + grain_; }

  // TCR_EL1's fields for these tables in both halves; 48-bit output addresses.
  [[nodiscard]] u64 tcr() const;

private:
  u64 new_table();

  Machine& machine_;
  u64 next_;
  unsigned grain_;
  unsigned va_bits_;
  unsigned first_level_;
  u64 root_;
};

} // namespace softhv::testing
