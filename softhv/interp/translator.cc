// SPDX-License-Identifier: Apache-2.0
#include "softhv/interp/translator.h"

#include <string_view>
#include <vector>

#include "arch/bits.h"
#include "softhv/interp/handlers.h"
#include "softhv/isa/decoder.h"

namespace softhv::interp {
namespace {

using isa::InstId;
using isa::Row;

using Translate = Handler (*)(Op&);

constexpr Translate kTranslate[] = {
#define INST(id, title, pattern, feature, valid, traits) translate_##id,
#include "softhv/isa/base.inc"
#include "softhv/isa/crypto.inc"
#include "softhv/isa/fp.inc"
#include "softhv/isa/loadstore.inc"
#include "softhv/isa/simd.inc"
#include "softhv/isa/simd_fp.inc"
#include "softhv/isa/system.inc"
#undef INST
    nullptr};

const Op* undefined(Cpu& cpu, const Op* op) {
  return raise_undefined(cpu, op);
}

// Arm ARM, ISS encoding for an exception from a trapped SIMD or FP access: CV = 1, COND = 0b1110.
const Op* fp_access_trap(Cpu& cpu, const Op* op) {
  return raise(cpu, op, {.ec = ExceptionClass::kFpAccess, .iss = (1U << 24) | (0xeU << 20)});
}

const Op* run_off_the_end(Cpu& cpu, const Op* op) {
  cpu.s.pc = pc_of(cpu, op);
  return nullptr;
}

u8 source(u8 number) {
  return number == 31 ? kRegZero : number;
}
u8 destination(u8 number) {
  return number == 31 ? kRegSink : number;
}

// Where the operands of a row's pattern go: for each register letter its lowest bit.
struct Operands {
  struct Field {
    char letter = 0;
    u8 lsb = 0;
  };
  Field fields[8];
  u8 count = 0;
  u32 imm_mask = 0;
};

Operands operands_of(const Row& row) {
  Operands result;
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

const std::vector<Operands>& operand_table() {
  static const std::vector<Operands> table = [] {
    std::vector<Operands> t;
    for (const Row& row : isa::rows())
      t.push_back(operands_of(row));
    return t;
  }();
  return table;
}

void set_register(Op& op, char letter, u8 number) {
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

bool translate(u32 word, Mode mode, Op& op) {
  op.word = word;
  const Row* row = isa::decode(word);
  if (row == nullptr) {
    op.fn = undefined;
    return true;
  }
  if ((row->traits & isa::kTraitFp) != 0 && mode.fp_trapped) {
    op.fn = fp_access_trap;
    return true;
  }
  const auto id = static_cast<size_t>(isa::id_of(*row));
  const Operands& operands = operand_table()[id];
  for (unsigned i = 0; i < operands.count; ++i)
    set_register(op, operands.fields[i].letter, (word >> operands.fields[i].lsb) & 31);
  if (operands.imm_mask != 0)
    op.imm = extract(word, operands.imm_mask);
  op.fn = kTranslate[id](op);
  const bool leaves =
      (row->traits & isa::kTraitBranch) != 0 && (row->traits & isa::kTraitCond) == 0;
  return leaves || (row->traits & isa::kTraitEnds) != 0;
}

Op terminator(u16 index) {
  Op op;
  op.fn = run_off_the_end;
  op.index = index;
  return op;
}

} // namespace softhv::interp
