// SPDX-License-Identifier: Apache-2.0
#include "softhv/isa/operands.h"

#include <vector>

#include "softhv/core/cpu_state.h"
#include "softhv/isa/decoder.h"

namespace softhv::isa {
namespace {

// A register operand: the field's place, and what number 31 means.
struct RegisterField {
  u8 lsb = 0;
  u8 mask = 0; // 0: the row has no such operand
  u8 number_31 = 0;

  [[nodiscard]] u8 extract(u32 word) const {
    const auto number = static_cast<u8>((word >> lsb) & mask);
    return number == 31 ? number_31 : number;
  }
};

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
  RegisterField rd, rn, rm, ra;
  ImmediateField low, high; // no row has three
};

void add_register(Layout& layout, char letter, u8 lsb) {
  const auto field = [lsb](u8 number_31) { return RegisterField{lsb, 31, number_31}; };
  switch (letter) {
  case 'd':
  case 'l': layout.rd = field(kRegSink); break;
  case 't': layout.rd = field(kRegZero); break;
  case 'D':
  case 'e': layout.rd = field(31); break;
  case 'n': layout.rn = field(kRegZero); break;
  case 'N':
  case 'f': layout.rn = field(31); break;
  case 'm':
  case 's': layout.rm = field(kRegZero); break;
  case 'w': layout.rm = field(kRegSink); break;
  case 'g': layout.rm = field(31); break;
  case 'a':
  case 'u': layout.ra = field(kRegZero); break;
  case 'k': layout.ra = field(kRegSink); break;
  case 'h': layout.ra = field(31); break;
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
      add_register(result, c, i);
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
  Operands operands{.rd = layout.rd.extract(word),
                    .rn = layout.rn.extract(word),
                    .rm = layout.rm.extract(word),
                    .ra = layout.ra.extract(word)};
  operands.imm = layout.low.extract(word) | layout.high.extract(word);
  return operands;
}

} // namespace softhv::isa
