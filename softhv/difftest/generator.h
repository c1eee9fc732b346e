// SPDX-License-Identifier: Apache-2.0
// Makes test cases for a row of the instruction table: random encodings of the row with operands
// that reach its interesting results (special integers and floating-point values, valid addresses,
// matching compare values, armed exclusive monitors).
#pragma once

#include <random>

#include "softhv/difftest/protocol.h"
#include "softhv/isa/table.h"

namespace softhv::difftest {

// Rows that a program at EL0 can run to completion, and so can be compared with user-mode QEMU.
bool is_testable(const isa::Row& row);

class Generator {
public:
  explicit Generator(u64 seed) : random_(seed) {}

  // A case for `row`; every register holds a random value that suits the row.
  difftest_case make(const isa::Row& row);

  // One word that isa::decode refuses: a row's encoding with some fixed bits changed, or any word.
  // System instructions and exception generation (Arm ARM C4.1.92, bits 31:24 0xd4 and 0xd5) are
  // left out, as what they do at EL0 is not the encoding's matter alone.
  difftest_case make_unallocated();

private:
  u64 below(u64 bound) { return random_() % bound; }
  bool chance(unsigned percent) { return below(100) < percent; }
  u32 encode(const isa::Row& row);
  u64 integer_value();
  u64 vector_value();
  void fill_registers(difftest_registers& registers);
  void place_operands(const isa::Row& row, difftest_case& c);
  void arm_exclusive_monitor(difftest_case& c);

  std::mt19937_64 random_;
};

} // namespace softhv::difftest
