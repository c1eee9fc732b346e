// SPDX-License-Identifier: Apache-2.0
// Test rig: runs what an emitter of jit/vector.h writes, on random cases of its row, against the
// interpreter. Everything an emitter promises is checked: the results, FPSR and flags, the
// registers it must leave alone, and that nothing has changed when it leaves to the interpreter.
#pragma once

#include <memory>
#include <random>
#include <string>

#include "softhv/core/vm.h"
#include "softhv/difftest/generator.h"
#include "softhv/jit/vector.h"

namespace softhv::jit {

// What came of a row's cases.
struct RowReport {
  unsigned encodings = 0;
  unsigned declined = 0;    // encodings for which there is no code
  unsigned runs = 0;        // of code
  unsigned interpreted = 0; // runs that left by to_interpreter()
  unsigned failures = 0;    // runs that ended otherwise than in the interpreter
  u64 bytes = 0;            // of code, in all
};

class VectorRig {
public:
  // Emits for `host`, whose features the host of the test must have.
  explicit VectorRig(const HostFeatures& host);
  ~VectorRig();
  VectorRig(const VectorRig&) = delete;
  VectorRig& operator=(const VectorRig&) = delete;

  // Runs random encodings of the row, each with several assignments of host registers and operand
  // values; the same ones every time. Adds a GoogleTest failure for the first few that fail.
  RowReport check(const VectorRow& row, unsigned encodings);

private:
  struct Case;

  u64 below(u64 bound) { return random_() % bound; }
  bool chance(unsigned percent) { return below(100) < percent; }
  Vec special_lanes();
  void fill_with_numbers(bool of_halves);
  u32 with_equal_registers(const isa::Row& row, u32 word);
  void place_operands(Case& c);
  void place_table(Case& c, int d, std::span<const int> unused);
  bool assemble(Case& c);
  void fill(Case& c, const difftest_registers& r);
  void run_translated(Case& c);
  bool run_interpreted(Case& c);
  std::string difference(const Case& c) const;
  void run(Case& c, const difftest_registers& r, RowReport& report);

  const HostFeatures host_;
  u8* const memory_;
  std::mt19937_64 random_;
  std::unique_ptr<difftest::Generator> generator_;
  Vm vm_{40};
  Cpu cpu_{vm_, 0};
};

} // namespace softhv::jit
