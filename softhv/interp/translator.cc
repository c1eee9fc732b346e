// SPDX-License-Identifier: Apache-2.0
#include "softhv/interp/translator.h"

#include "softhv/interp/handlers.h"
#include "softhv/isa/decoder.h"
#include "softhv/isa/operands.h"

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
  const isa::Operands operands = isa::decode_operands(*row, word);
  op.rd = operands.rd;
  op.rn = operands.rn;
  op.rm = operands.rm;
  op.ra = operands.ra;
  op.imm = operands.imm;
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
