// SPDX-License-Identifier: Apache-2.0
// Conversions between scalar floating point and general registers (Arm ARM C4.1.96). op.imm is the
// number of fraction bits, zero for integers.
#include "softhv/fp/fast.h"
#include "softhv/interp/fp_shapes.h"

namespace softhv::interp {
namespace {

using fp::Rounding;

template <typename F, u8 kWidth, Rounding kRounding, bool kUnsigned>
const Op* to_general(Cpu& cpu, const Op* op) {
  const fp::FpContext ctx = fp_context(cpu);
  const auto value = cpu.s.v[op->rn].lane<typename F::Bits>(0);
  cpu.s.x[op->rd] =
      fp::fast_to_fixed<F>(value, {kWidth, kUnsigned, static_cast<u8>(op->imm)}, kRounding, ctx);
  return next(cpu, op);
}

template <typename F, u8 kWidth, bool kUnsigned>
const Op* from_general(Cpu& cpu, const Op* op) {
  const fp::FpContext ctx = fp_context(cpu);
  const u64 value = cpu.s.x[op->rn];
  cpu.s.v[op->rd] =
      Vec{{fp::fast_from_fixed<F>(value, {kWidth, kUnsigned, static_cast<u8>(op->imm)}, ctx), 0}};
  return next(cpu, op);
}

template <typename F, Rounding kRounding, bool kUnsigned>
Handler pick_to_general(const Op& op) {
  return bit(op.word, 31) ? to_general<F, 64, kRounding, kUnsigned>
                          : to_general<F, 32, kRounding, kUnsigned>;
}

template <typename F, bool kUnsigned>
Handler pick_from_general(const Op& op) {
  return bit(op.word, 31) ? from_general<F, 64, kUnsigned> : from_general<F, 32, kUnsigned>;
}

void decode_fixed(Op& op) {
  op.imm = 64 - op.imm;
}

const Op* fjcvtzs(Cpu& cpu, const Op* op) {
  const fp::FpContext ctx = fp_context(cpu);
  bool exact = false;
  cpu.s.x[op->rd] = fp::to_int32_js(cpu.s.v[op->rn].d[0], exact, ctx);
  cpu.s.pstate.nzcv = exact ? kFlagZ : 0;
  return next(cpu, op);
}

} // namespace

#define FCVT_TO_GENERAL(id, rounding, is_unsigned, decode)                                         \
  Handler translate_k##id(Op& op) {                                                                \
    decode;                                                                                        \
    return bit(op.word, 22) ? pick_to_general<fp::Double, rounding, is_unsigned>(op)               \
                            : pick_to_general<fp::Single, rounding, is_unsigned>(op);              \
  }                                                                                                \
  Handler translate_k##id##Half(Op& op) {                                                          \
    decode;                                                                                        \
    return pick_to_general<fp::Half, rounding, is_unsigned>(op);                                   \
  }
FCVT_TO_GENERAL(FcvtnsScalar, Rounding::kTieEven, false, )
FCVT_TO_GENERAL(FcvtnuScalar, Rounding::kTieEven, true, )
FCVT_TO_GENERAL(FcvtpsScalar, Rounding::kPlusInfinity, false, )
FCVT_TO_GENERAL(FcvtpuScalar, Rounding::kPlusInfinity, true, )
FCVT_TO_GENERAL(FcvtmsScalar, Rounding::kMinusInfinity, false, )
FCVT_TO_GENERAL(FcvtmuScalar, Rounding::kMinusInfinity, true, )
FCVT_TO_GENERAL(FcvtzsScalar, Rounding::kZero, false, )
FCVT_TO_GENERAL(FcvtzuScalar, Rounding::kZero, true, )
FCVT_TO_GENERAL(FcvtasScalar, Rounding::kTieAway, false, )
FCVT_TO_GENERAL(FcvtauScalar, Rounding::kTieAway, true, )
FCVT_TO_GENERAL(FcvtzsFixedScalar, Rounding::kZero, false, decode_fixed(op))
FCVT_TO_GENERAL(FcvtzuFixedScalar, Rounding::kZero, true, decode_fixed(op))
#undef FCVT_TO_GENERAL

#define CVTF_FROM_GENERAL(id, is_unsigned, decode)                                                 \
  Handler translate_k##id(Op& op) {                                                                \
    decode;                                                                                        \
    return bit(op.word, 22) ? pick_from_general<fp::Double, is_unsigned>(op)                       \
                            : pick_from_general<fp::Single, is_unsigned>(op);                      \
  }                                                                                                \
  Handler translate_k##id##Half(Op& op) {                                                          \
    decode;                                                                                        \
    return pick_from_general<fp::Half, is_unsigned>(op);                                           \
  }
CVTF_FROM_GENERAL(ScvtfScalar, false, )
CVTF_FROM_GENERAL(UcvtfScalar, true, )
CVTF_FROM_GENERAL(ScvtfFixedScalar, false, decode_fixed(op))
CVTF_FROM_GENERAL(UcvtfFixedScalar, true, decode_fixed(op))
#undef CVTF_FROM_GENERAL

Handler translate_kFjcvtzs(Op& /*op*/) {
  return fjcvtzs;
}

} // namespace softhv::interp
