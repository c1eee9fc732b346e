// SPDX-License-Identifier: Apache-2.0
#include "softhv/isa/operands.h"

#include <string_view>
#include <vector>

#include "arch/bits.h"
#include "softhv/core/cpu_state.h"
#include "softhv/isa/decoder.h"

namespace softhv::isa {
namespace {

using kindling::arch::bit;

u8 source(u8 number) {
  return number == 31 ? kRegZero : number;
}
u8 destination(u8 number) {
  return number == 31 ? kRegSink : number;
}

// For each register letter of a row's pattern its lowest bit.
struct Layout {
  struct Field {
    char letter = 0;
    u8 lsb = 0;
  };
  Field fields[8];
  u8 count = 0;
  u32 imm_mask = 0;
};

Layout layout_of(const Row& row) {
  Layout result;
  char previous = 0;
  for (unsigned i = 0; i < 32; ++i) {
    const char c = row.pattern[31 - i];
    if (c == 'i')
      result.imm_mask |= 1U << i;
    constexpr std::string_view kRegisters = "dDtlnNmswaukefgh";
    if (c != previous && kRegisters.find(c) != std::string_view::npos && result.count < 8)
      result.fields[result.count++] = {c, static_cast<u8>(i)};
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

void set_register(Operands& op, char letter, u8 number) {
  switch (letter) {
  case 'd':
  case 'l': op.rd = destination(number); break;
  case 't': op.rd = source(number); break;
  case 'D':
  case 'e': op.rd = number; break;
  case 'n': op.rn = source(number); break;
  case 'N':
  case 'f': op.rn = number; break;
  case 'm':
  case 's': op.rm = source(number); break;
  case 'w': op.rm = destination(number); break;
  case 'g': op.rm = number; break;
  case 'a':
  case 'u': op.ra = source(number); break;
  case 'k': op.ra = destination(number); break;
  case 'h': op.ra = number; break;
  default: break;
  }
}

u64 extract(u32 word, u32 mask) {
  u64 value = 0;
  for (unsigned i = 32; i-- > 0;)
    if (bit(mask, i))
      value = (value << 1) | ((word >> i) & 1);
  return value;
}

} // namespace

Operands decode_operands(const Row& row, u32 word) {
  const Layout& layout = layouts()[static_cast<size_t>(id_of(row))];
  Operands operands;
  for (unsigned i = 0; i < layout.count; ++i)
    set_register(operands, layout.fields[i].letter, (word >> layout.fields[i].lsb) & 31);
  if (layout.imm_mask != 0)
    operands.imm = extract(word, layout.imm_mask);
  return operands;
}

} // namespace softhv::isa
