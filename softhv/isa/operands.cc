// SPDX-License-Identifier: Apache-2.0
#include "softhv/isa/operands.h"

#include <vector>

#include "softhv/core/cpu_state.h"
#include "softhv/isa/decoder.h"

namespace softhv::isa {
namespace {

// Four registers, a byte each: Rd or Rt, Rn, Rm or Rs, Ra or Rt2, from the lowest. They lie at the
// same place in all rows that have them.
constexpr u8 kPlaces[] = {0, 5, 16, 10};

constexpr u32 in_byte(unsigned n, u32 value) {
  return value << (8 * n);
}

// A run of immediate bits: where it lies in the word and in the immediate.
struct ImmediateField {
  u32 mask = 0;
  u8 lsb = 0;
  u8 shift = 0;

  [[nodiscard]] u64 extract(u32 word) const {
    return static_cast<u64>((word >> lsb) & mask) << shift;
  }
};

// Where a row's operands are.
struct Layout {
  u32 present = 0;    // registers that it has, by whole bytes
  u32 number_31 = 0;  // what number 31 of each of them means
  ImmediateField low; // no row has three
  ImmediateField high;
};

void add_register(Layout& layout, char letter) {
  const auto add = [&](unsigned n, u8 number_31) {
    layout.present |= in_byte(n, 0xff);
    layout.number_31 |= in_byte(n, number_31);
  };
  switch (letter) {
  case 'd':
  case 'l': add(0, kRegSink); break;
  case 't': add(0, kRegZero); break;
  case 'D':
  case 'e': add(0, 31); break;
  case 'n': add(1, kRegZero); break;
  case 'N':
  case 'f': add(1, 31); break;
  case 'm':
  case 's': add(2, kRegZero); break;
  case 'w': add(2, kRegSink); break;
  case 'g': add(2, 31); break;
  case 'a':
  case 'u': add(3, kRegZero); break;
  case 'k': add(3, kRegSink); break;
  case 'h': add(3, 31); break;
  default: break;
  }
}

Layout layout_of(const Row& row) {
  Layout result;
  u8 immediate_bits = 0;
  char previous = 0;
  for (u8 i = 0; i < 32; ++i) {
    const char c = row.pattern[31 - i];
    if (c != previous)
      add_register(result, c);
    if (c == 'i') {
      const bool is_low = immediate_bits == 0 || (previous == 'i' && result.high.mask == 0);
      ImmediateField& field = is_low ? result.low : result.high;
      if (field.mask == 0)
        field = {.mask = 0, .lsb = i, .shift = immediate_bits};
      field.mask = field.mask << 1 | 1;
      ++immediate_bits;
    }
    previous = c;
  }
  return result;
}

const std::vector<Layout>& layouts() {
  static const std::vector<Layout> table = [] {
    std::vector<Layout> t;
    for (const Row& row : rows())
      t.push_back(layout_of(row));
    return t;
  }();
  return table;
}

} // namespace

Operands decode_operands(const Row& row, u32 word) {
  const Layout& layout = layouts()[static_cast<size_t>(id_of(row))];
  u32 numbers = 0;
  for (unsigned n = 0; n < std::size(kPlaces); ++n)
    numbers |= in_byte(n, word >> kPlaces[n] & 31);
  // 0x80 - n has bit 7 where a byte n, of five bits, is 0: the number is 31.
  const u32 are_31 = (0x8080'8080 - (numbers ^ 0x1f1f'1f1f)) >> 7 & 0x0101'0101;
  const u32 replaced = are_31 * 0xff;
  const u32 r = ((numbers & ~replaced) | (layout.number_31 & replaced)) & layout.present;
  return {.rd = static_cast<u8>(r),
          .rn = static_cast<u8>(r >> 8),
          .rm = static_cast<u8>(r >> 16),
          .ra = static_cast<u8>(r >> 24),
          .imm = layout.low.extract(word) | layout.high.extract(word)};
}

} // namespace softhv::isa
