// SPDX-License-Identifier: Apache-2.0
// Conditional compare and conditional select (Arm ARM C4.1.93). op.aux is the set of NZCV values in
// which the condition holds.
#include "softhv/interp/alu.h"
#include "softhv/interp/handlers.h"

namespace softhv::interp {
namespace {

// aux2: the NZCV to take when the condition fails.
template <typename T, bool kNegative>
const Op* conditional_compare(Cpu& cpu, const Op* op, T b) {
  const T a = static_cast<T>(cpu.s.x[op->rn]);
  const u32 compared = kNegative ? flags_of_add<T>(a, b) : flags_of_sub<T>(a, b);
  cpu.s.pstate.nzcv = condition_in_set(cpu.s.pstate.nzcv, op->aux) ? compared : op->aux2;
  return next(cpu, op);
}

template <typename T, bool kNegative>
const Op* ccmp_reg(Cpu& cpu, const Op* op) {
  return conditional_compare<T, kNegative>(cpu, op, static_cast<T>(cpu.s.x[op->rm]));
}

template <typename T, bool kNegative>
const Op* ccmp_imm(Cpu& cpu, const Op* op) {
  return conditional_compare<T, kNegative>(cpu, op, static_cast<T>(op->imm));
}

// Whether the second operand is taken plus one and inverted; both make a negation.
template <typename T, bool kInvert, bool kIncrement>
const Op* select(Cpu& cpu, const Op* op) {
  const T a = static_cast<T>(cpu.s.x[op->rn]);
  T b = static_cast<T>(cpu.s.x[op->rm]);
  if constexpr (kInvert)
    b = ~b;
  if constexpr (kIncrement)
    ++b;
  cpu.s.x[op->rd] = condition_in_set(cpu.s.pstate.nzcv, op->aux) ? a : b;
  return next(cpu, op);
}

void decode_condition(Op& op) {
  op.aux = kConditionSets[bits(op.word, 15, 12)];
}

void decode_compare(Op& op) {
  decode_condition(op);
  op.aux2 = static_cast<u32>(bits(op.word, 3, 0) << 28);
}

template <bool kInvert, bool kIncrement>
Handler pick_select(Op& op) {
  decode_condition(op);
  return by_size(op, select<u32, kInvert, kIncrement>, select<u64, kInvert, kIncrement>);
}

} // namespace

Handler translate_kCcmnReg(Op& op) {
  decode_compare(op);
  return by_size(op, ccmp_reg<u32, true>, ccmp_reg<u64, true>);
}
Handler translate_kCcmpReg(Op& op) {
  decode_compare(op);
  return by_size(op, ccmp_reg<u32, false>, ccmp_reg<u64, false>);
}
Handler translate_kCcmnImm(Op& op) {
  decode_compare(op);
  return by_size(op, ccmp_imm<u32, true>, ccmp_imm<u64, true>);
}
Handler translate_kCcmpImm(Op& op) {
  decode_compare(op);
  return by_size(op, ccmp_imm<u32, false>, ccmp_imm<u64, false>);
}

Handler translate_kCsel(Op& op) {
  return pick_select<false, false>(op);
}
Handler translate_kCsinc(Op& op) {
  return pick_select<false, true>(op);
}
Handler translate_kCsinv(Op& op) {
  return pick_select<true, false>(op);
}
Handler translate_kCsneg(Op& op) {
  return pick_select<true, true>(op);
}

} // namespace softhv::interp
