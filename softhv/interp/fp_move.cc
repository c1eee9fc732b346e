// SPDX-License-Identifier: Apache-2.0
// FMOV between registers and of immediates, floating-point compare and select (Arm ARM C4.1.96).
// For the conditional ones op.aux is the set of NZCV values in which the condition holds.
#include "softhv/fp/fast.h"
#include "softhv/interp/alu.h"
#include "softhv/interp/fp_shapes.h"

namespace softhv::interp {
namespace {

const Op* fmov_immediate(Cpu& cpu, const Op* op) {
  cpu.s.v[op->rd] = Vec{{op->imm, 0}};
  return next(cpu, op);
}

// kLane 1 is the upper half of a 64-bit lane pair.
template <typename T, unsigned kLane>
const Op* fmov_to_general(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = cpu.s.v[op->rn].lane<T>(kLane);
  return next(cpu, op);
}

template <typename T>
const Op* fmov_from_general(Cpu& cpu, const Op* op) {
  cpu.s.v[op->rd] = Vec{{static_cast<T>(cpu.s.x[op->rn]), 0}};
  return next(cpu, op);
}

const Op* fmov_from_general_top(Cpu& cpu, const Op* op) {
  cpu.s.v[op->rd].d[1] = cpu.s.x[op->rn];
  return next(cpu, op);
}

enum class Against : u8 { kRegister, kZero };

template <typename F, bool kSignalQuiet, Against kAgainst>
u32 compared(Cpu& cpu, const Op* op) {
  using Bits = typename F::Bits;
  const fp::FpContext ctx = fp_context(cpu);
  const Bits a = cpu.s.v[op->rn].lane<Bits>(0);
  const Bits b = kAgainst == Against::kZero ? Bits{0} : cpu.s.v[op->rm].lane<Bits>(0);
  return fp::fast_compare<F>(a, b, kSignalQuiet, ctx);
}

template <typename F, bool kSignalQuiet, Against kAgainst>
const Op* fcmp(Cpu& cpu, const Op* op) {
  cpu.s.pstate.nzcv = compared<F, kSignalQuiet, kAgainst>(cpu, op);
  return next(cpu, op);
}

// op.imm: the NZCV to take when the condition fails.
template <typename F, bool kSignalQuiet>
const Op* fccmp(Cpu& cpu, const Op* op) {
  cpu.s.pstate.nzcv = condition_in_set(cpu.s.pstate.nzcv, op->aux)
                          ? compared<F, kSignalQuiet, Against::kRegister>(cpu, op)
                          : static_cast<u32>(op->imm);
  return next(cpu, op);
}

template <typename F>
const Op* fcsel(Cpu& cpu, const Op* op) {
  const u8 source = condition_in_set(cpu.s.pstate.nzcv, op->aux) ? op->rn : op->rm;
  cpu.s.v[op->rd] = Vec{{cpu.s.v[source].lane<typename F::Bits>(0), 0}};
  return next(cpu, op);
}

void decode_condition(Op& op) {
  op.aux = kConditionSets[bits(op.word, 15, 12)];
}

template <typename F, bool kSignalQuiet>
Handler pick_compare(const Op& op) {
  return bit(op.word, 3) ? fcmp<F, kSignalQuiet, Against::kZero>
                         : fcmp<F, kSignalQuiet, Against::kRegister>;
}

template <typename F, bool kSignalQuiet>
Handler pick_conditional_compare(Op& op) {
  decode_condition(op);
  op.imm <<= 28;
  return fccmp<F, kSignalQuiet>;
}

} // namespace

Handler translate_kFmovImm(Op& op) {
  op.imm = bit(op.word, 22) ? expand_fp_immediate<fp::Double>(op.imm)
                            : expand_fp_immediate<fp::Single>(op.imm);
  return fmov_immediate;
}
Handler translate_kFmovImmHalf(Op& op) {
  op.imm = expand_fp_immediate<fp::Half>(op.imm);
  return fmov_immediate;
}

Handler translate_kFmovToGeneral(Op& op) {
  return bit(op.word, 31) ? fmov_to_general<u64, 0> : fmov_to_general<u32, 0>;
}
Handler translate_kFmovToGeneralHalf(Op& /*op*/) {
  return fmov_to_general<u16, 0>;
}
Handler translate_kFmovToGeneralTop(Op& /*op*/) {
  return fmov_to_general<u64, 1>;
}
Handler translate_kFmovFromGeneral(Op& op) {
  return bit(op.word, 31) ? fmov_from_general<u64> : fmov_from_general<u32>;
}
Handler translate_kFmovFromGeneralHalf(Op& /*op*/) {
  return fmov_from_general<u16>;
}
Handler translate_kFmovFromGeneralTop(Op& /*op*/) {
  return fmov_from_general_top;
}

Handler translate_kFcmp(Op& op) {
  return bit(op.word, 22) ? pick_compare<fp::Double, false>(op)
                          : pick_compare<fp::Single, false>(op);
}
Handler translate_kFcmpHalf(Op& op) {
  return pick_compare<fp::Half, false>(op);
}
Handler translate_kFcmpe(Op& op) {
  return bit(op.word, 22) ? pick_compare<fp::Double, true>(op) : pick_compare<fp::Single, true>(op);
}
Handler translate_kFcmpeHalf(Op& op) {
  return pick_compare<fp::Half, true>(op);
}

Handler translate_kFccmp(Op& op) {
  return bit(op.word, 22) ? pick_conditional_compare<fp::Double, false>(op)
                          : pick_conditional_compare<fp::Single, false>(op);
}
Handler translate_kFccmpHalf(Op& op) {
  return pick_conditional_compare<fp::Half, false>(op);
}
Handler translate_kFccmpe(Op& op) {
  return bit(op.word, 22) ? pick_conditional_compare<fp::Double, true>(op)
                          : pick_conditional_compare<fp::Single, true>(op);
}
Handler translate_kFccmpeHalf(Op& op) {
  return pick_conditional_compare<fp::Half, true>(op);
}

Handler translate_kFcsel(Op& op) {
  decode_condition(op);
  return bit(op.word, 22) ? fcsel<fp::Double> : fcsel<fp::Single>;
}
Handler translate_kFcselHalf(Op& op) {
  decode_condition(op);
  return fcsel<fp::Half>;
}

} // namespace softhv::interp
