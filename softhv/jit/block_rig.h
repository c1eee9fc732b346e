// SPDX-License-Identifier: Apache-2.0
// Test rig: random programs of a few blocks, run by the JIT and by the interpreter from the same
// state, compared in all registers, system registers and memory; counting instructions, also at
// stops on the way. For tests and fuzzers.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "softhv/difftest/generator.h"
#include "softhv/testing/rig.h"

namespace softhv::jit {

// Registers with a task: pointers into the data pages, small indices, and one that bounds loops.
inline constexpr u32 kFirstPointer = 24;
inline constexpr u32 kPointers = 5; // X24 to X28
inline constexpr u32 kCounter = 29;
inline constexpr u32 kFirstIndex = 20;
inline constexpr u32 kIndices = 4;

// Ends every loop.
inline constexpr u32 kSubCounter = 0xd100'07bd; // sub x29, x29, #1
inline constexpr u32 kTbzCounter = 0xb6f8'001d; // tbz x29, #63, ...

// A program and what it starts from.
struct BlockCase {
  unsigned el = 0;
  u64 pc = 0;
  std::vector<u32> words;
  std::vector<bool> entered; // whether branches may lead to the instruction
  CpuState state;            // registers, FPCR, FPSR and NZCV of it
  bool cold = false;         // with the TLB empty
  u64 piece = 1;             // instructions between stops, where there are any
};

// Draws its decisions from a fuzzer's input, then from a generator that the input seeds.
class BlockGenerator {
public:
  explicit BlockGenerator(std::span<const u8> input);

  BlockCase make();

private:
  u64 random();
  u64 below(u64 bound) { return random() % bound; }
  bool chance(unsigned percent) { return below(100) < percent; }
  void add(BlockCase& c, u32 word, bool may_enter = true);
  void add_row(BlockCase& c);
  void add_control(BlockCase& c, unsigned length);
  // What the passes and the register mapping look for (block_shapes.cc).
  void add_nothing(BlockCase& c);
  void add_near_accesses(BlockCase& c);
  void add_bounded_access(BlockCase& c, u32 base);
  void add_loop(BlockCase& c);
  void add_arithmetic(BlockCase& c);
  void add_constant(BlockCase& c);
  void add_remainder(BlockCase& c);
  void add_status(BlockCase& c);
  u32 near_access(u32 base, unsigned steps);
  u32 any_access();
  void resolve(BlockCase& c);
  u32 with_registers(const isa::Row& row, u32 word);
  void fill(BlockCase& c);

  struct Jump {
    size_t index;
    unsigned width; // of the immediate
    unsigned low;   // its lowest bit
    bool backward;
    std::optional<size_t> target = std::nullopt; // else any
  };

  std::span<const u8> input_;
  std::mt19937_64 random_;
  difftest::Generator registers_;
  std::vector<Jump> jumps_;
};

class BlockRig {
public:
  // The JITs take the word for a NOP (EngineOptions::mistranslated).
  explicit BlockRig(u32 mistranslated = 0);
  ~BlockRig();

  // "" when both engines end alike with every level of host features, translating and again with
  // what was translated, and when counting, without stops and with them; else what differs.
  std::string run(const BlockCase& c);

  // Of the last case: how the interpreter ended.
  [[nodiscard]] const testing::Outcome& outcome() const;

private:
  struct Side;

  std::string compare(const BlockCase& c, Side& side, const char* how);
  std::string run_counting(const BlockCase& c);

  std::unique_ptr<Side> interpreter_;
  std::vector<std::unique_ptr<Side>> jits_;
  std::unique_ptr<Side> counting_;
};

} // namespace softhv::jit
