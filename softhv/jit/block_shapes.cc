// SPDX-License-Identifier: Apache-2.0
// Pieces of random programs that single random instructions seldom make: accesses near to each
// other, loops whose pointers move by small steps, indices with a bound, loops over registers of
// every kind, remainders, status, branches to instructions that do nothing.
#include "softhv/jit/block_rig.h"

namespace softhv::jit {
namespace {

using testing::kNop;

constexpr u32 kYield = 0xd503'203f;
constexpr u32 kDmb = 0xd503'3bbf;
constexpr u32 kSp = 31;

u32 scaled(i64 bytes, unsigned scale, unsigned width, unsigned low) {
  return (static_cast<u32>(bytes >> scale) & ((1U << width) - 1)) << low;
}

} // namespace

void BlockGenerator::add_nothing(BlockCase& c) {
  constexpr u32 kWords[] = {kNop, kNop, kYield, kDmb};
  add(c, kWords[below(4)]);
}

// A load or store at a few bytes from `base`, which it may move by a step.
u32 BlockGenerator::near_access(u32 base, unsigned steps) {
  const auto t = static_cast<u32>(below(24));
  const auto t2 = (t + 1 + static_cast<u32>(below(8))) % 24;
  const u32 load = chance(50) ? 1 : 0;
  const auto size = static_cast<u32>(below(4));
  const i64 distance = 8 * (static_cast<i64>(below(24)) - 8);
  const u32 n = base << 5;
  if (chance(steps)) { // post-indexed or pre-indexed, of a register or a pair
    const i64 step = chance(50) ? 8 : 8 * (static_cast<i64>(below(48)) - 16);
    const u32 before = chance(30) ? 1 : 0;
    if (chance(50))
      return 0xf800'0400 | before << 11 | load << 22 | scaled(step & ~0xfLL, 0, 9, 12) | n | t;
    return 0xa880'0000 | before << 24 | load << 22 | scaled(step, 3, 7, 15) | t2 << 10 | n | t;
  }
  switch (below(6)) {
  case 0: return 0x3800'0000 | size << 30 | load << 22 | scaled(distance, 0, 9, 12) | n | t;
  case 1: // signed to 64 bits
    return 0x3880'0000 | static_cast<u32>(below(3)) << 30 | scaled(distance, 0, 9, 12) | n | t;
  case 2: return 0xf900'0000 | load << 22 | scaled(distance & 0xff, 3, 12, 10) | n | t;
  case 3: return 0xa900'0000 | load << 22 | scaled(distance, 3, 7, 15) | t2 << 10 | n | t;
  case 4: return 0xad00'0000 | load << 22 | scaled(distance, 4, 7, 15) | t2 << 10 | n | t;
  default: return 0x3c80'0000 | load << 22 | scaled(distance, 0, 9, 12) | n | t; // of V
  }
}

// A load or store at a pointer, or at a sum of two registers.
u32 BlockGenerator::any_access() {
  const auto base = kFirstPointer + static_cast<u32>(below(kPointers));
  if (chance(60))
    return near_access(base, 40);
  const auto index = kFirstIndex + static_cast<u32>(below(kIndices));
  return 0xf820'6800 | (chance(50) ? 1U << 22 : 0) | index << 16 | base << 5 |
         static_cast<u32>(below(20));
}

// An index that was masked or loaded as a byte, mostly: something may be written to it afterwards,
// or a branch lead around that. Then an access by it.
void BlockGenerator::add_bounded_access(BlockCase& c, u32 base) {
  const auto index = static_cast<u32>(below(20));
  const u32 operands = (kFirstIndex + static_cast<u32>(below(kIndices))) << 5 | index;
  const auto bits = static_cast<u32>(chance(70) ? below(9) : chance(50) ? below(31) : 62);
  if (chance(15)) {
    jumps_.push_back({c.words.size(), 19, 5, false, c.words.size() + 2});
    add(c, 0x5400'0000 | static_cast<u32>(below(14))); // B.cond
  }
  switch (below(4)) {
  case 0: add(c, 0x9240'0000 | bits << 10 | operands); break;                    // AND
  case 1: add(c, 0x1200'0000 | (bits & 0x1e) << 10 | operands); break;           // of 32 bits
  case 2: add(c, 0xd340'0000 | (bits / 2) << 16 | bits << 10 | operands); break; // UBFX
  default: add(c, 0x3940'0000 | base << 5 | index); break;                       // LDRB
  }
  if (chance(15))
    add(c, (chance(50) ? 0x9100'0400 : 0x9140'0400) | index << 5 | index); // ADD 1, 4096
  constexpr u32 kOptions[] = {0b010, 0b011, 0b011, 0b110};                 // UXTW, LSL, SXTW
  add(c, 0x3820'0800 | static_cast<u32>(below(4)) << 30 | (chance(20) ? 1U << 26 : 0) |
             (chance(50) ? 1U << 22 : 0) | index << 16 | kOptions[below(4)] << 13 |
             (chance(50) ? 1U << 12 : 0) | base << 5 | static_cast<u32>(below(20)));
}

// Some at one base, which a branch may lead into the middle of.
void BlockGenerator::add_near_accesses(BlockCase& c) {
  const u32 base = chance(25) ? kSp : kFirstPointer + static_cast<u32>(below(kPointers));
  std::optional<size_t> branch;
  if (chance(50)) {
    branch = c.words.size();
    add(c, 0x5400'0000 | static_cast<u32>(below(14))); // B.cond
  }
  const u64 count = 2 + below(4);
  const u64 joined = 1 + below(count - 1);
  for (u64 i = 0; i < count; ++i) {
    if (branch && i == joined) {
      jumps_.push_back({*branch, 19, 5, false, c.words.size()});
      if (chance(60))
        add_nothing(c);
    }
    add(c, near_access(base, 5));
    if (chance(15))
      add(c, chance(50) ? any_access() : 0x9100'2000 | base << 5 | base); // add base, base, #8
  }
}

// By MOVZ or MOVN and MOVK, which a branch may lead to.
void BlockGenerator::add_constant(BlockCase& c) {
  const auto d = static_cast<u32>(below(20));
  const u32 wide = chance(70) ? 1U << 31 : 0;
  const auto immediate = [&] {
    return wide | static_cast<u32>(below(wide != 0 ? 4 : 2)) << 21 |
           static_cast<u32>(below(0x1'0000)) << 5 | d;
  };
  if (chance(40)) {
    jumps_.push_back({c.words.size(), 19, 5, false, c.words.size() + 2});
    add(c, 0x5400'0000 | static_cast<u32>(below(14))); // B.cond
  }
  add(c, (chance(50) ? 0x5280'0000 : 0x1280'0000) | immediate());
  if (chance(20))
    add_nothing(c);
  for (u64 count = 1 + below(2); count > 0; --count)
    add(c, 0x7280'0000 | immediate());
}

// By UDIV or SDIV and MSUB, of the same numbers mostly; a branch may lead to the MSUB.
void BlockGenerator::add_remainder(BlockCase& c) {
  const auto reg = [&] { return static_cast<u32>(below(20)); };
  const u32 wide = chance(50) ? 1U << 31 : 0;
  const u32 number = reg();
  const u32 divisor = reg();
  const u32 quotient = reg();
  if (chance(30)) {
    jumps_.push_back({c.words.size(), 19, 5, false, c.words.size() + 2});
    add(c, 0x5400'0000 | static_cast<u32>(below(14))); // B.cond
  }
  add(c, (chance(50) ? 0x1ac0'0800 : 0x1ac0'0c00) | wide | divisor << 16 | number << 5 | quotient);
  const u32 left = chance(90) ? number : reg();
  add(c, 0x1b00'8000 | (chance(90) ? wide : wide ^ 1U << 31) | left << 10 | reg() |
             (chance(50) ? divisor << 16 | quotient << 5 : quotient << 16 | divisor << 5));
}

// Registers that say what has happened, or what is allowed.
void BlockGenerator::add_status(BlockCase& c) {
  constexpr u32 kWords[] = {0xd53b'4420,  // MRS FPSR
                            0xd51b'4420,  // MSR FPSR
                            0xd53b'4200,  // MRS NZCV
                            0xd51b'4200,  // MSR NZCV
                            0xd53b'00e0}; // MRS DCZID_EL0
  add(c, kWords[below(5)] | static_cast<u32>(below(20)));
}

// On registers of which most are in memory, and on vectors.
void BlockGenerator::add_arithmetic(BlockCase& c) {
  const auto reg = [&] { return static_cast<u32>(chance(80) ? 6 + below(13) : below(24)); };
  const u32 d = reg();
  const u32 operands = reg() << 16 | reg() << 5 | d;
  const auto vectors = static_cast<u32>(below(32) << 16 | below(32) << 5 | below(32));
  constexpr u32 kForms[] = {0x8b00'0000, 0xab00'0000, 0xcb00'0000, 0x6b00'0000, 0x8a00'0000,
                            0xca00'0000, 0xaa00'0000, 0x9b00'7c00, 0x9ac0'2000, 0x1ac0'2400,
                            0x9a80'0000, 0x9a80'b400, 0xba00'0000};
  constexpr u32 kVectorForms[] = {0x4ea0'8400, 0x4e20'd400, 0x6e20'dc00, 0x4e60'd400, 0x6e60'dc00,
                                  0x4e20'cc00, 0x6e20'1c00, 0x4ea0'9c00, 0x1e60'2800, 0x1e20'0800};
  switch (below(4)) {
  case 0: add(c, 0x9100'0400 | static_cast<u32>(below(64)) << 10 | d << 5 | d); break;
  case 1: add(c, kVectorForms[below(std::size(kVectorForms))] | vectors); break;
  default: add(c, kForms[below(std::size(kForms))] | operands); break;
  }
}

// Of up to as many rounds as the counter has left.
void BlockGenerator::add_loop(BlockCase& c) {
  const size_t start = c.words.size();
  const u32 base = chance(10) ? kSp : kFirstPointer + static_cast<u32>(below(kPointers));
  const unsigned accesses = static_cast<unsigned>(below(70));
  for (u64 count = 1 + below(8); count > 0; --count) {
    if (chance(5))
      add_nothing(c);
    else if (chance(5))
      add_constant(c);
    else if (chance(3))
      add_remainder(c);
    else if (!chance(accesses))
      add_arithmetic(c);
    else if (chance(25))
      add_bounded_access(c, base);
    else
      add(c, chance(60) ? near_access(base, 15) : any_access());
  }
  if (chance(60)) { // add or sub base, base, #step
    const auto step = static_cast<u32>(chance(50) ? 8 * (1 + below(4)) : below(257));
    add(c, (chance(85) ? 0x9100'0000 : 0xd100'0000) | step << 10 | base << 5 | base);
  }
  add(c, kSubCounter);
  jumps_.push_back({c.words.size(), 14, 5, true, start});
  add(c, kTbzCounter, false);
}

} // namespace softhv::jit
