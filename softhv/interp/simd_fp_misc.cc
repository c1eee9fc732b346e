// SPDX-License-Identifier: Apache-2.0
// AdvSIMD floating point with two registers, across lanes, and of immediates (Arm ARM C4.1.96).
#include "softhv/interp/fp_operations.h"
#include "softhv/interp/fp_shapes.h"

namespace softhv::interp {
namespace {

template <typename Operation>
Handler pick_pair(u32 word) {
  return bit(word, 22) ? Reduce<Lanes<fp::Double, 2>, Operation>::run
                       : Reduce<Lanes<fp::Single, 2>, Operation>::run;
}

template <u32 (*kEstimate)(u32), unsigned kLanes>
const Op* unsigned_estimate(Cpu& cpu, const Op* op) {
  const Vec& a = cpu.s.v[op->rn];
  cpu.s.v[op->rd] = detail::each_lane<Lanes<fp::Single, kLanes>>(
      [&](unsigned i) { return kEstimate(a.lane<u32>(i)); });
  return next(cpu, op);
}

constexpr u64 replicate(u64 value, unsigned width) {
  for (; width < 64; width *= 2)
    value |= value << width;
  return value;
}

const Op* fmov_fill(Cpu& cpu, const Op* op) {
  cpu.s.v[op->rd] = Vec{{op->imm, bit(op->word, 30) ? op->imm : 0}};
  return next(cpu, op);
}

} // namespace

FP_VECTOR(FrintnVector, Unary, FpRound<Rounding::kTieEven>)
FP_VECTOR(FrintmVector, Unary, FpRound<Rounding::kMinusInfinity>)
FP_VECTOR(FrintpVector, Unary, FpRound<Rounding::kPlusInfinity>)
FP_VECTOR(FrintzVector, Unary, FpRound<Rounding::kZero>)
FP_VECTOR(FrintaVector, Unary, FpRound<Rounding::kTieAway>)
FP_VECTOR(FrintxVector, Unary, FpRoundExact)
FP_VECTOR(FrintiVector, Unary, FpRoundCurrent)
FP_VECTOR(FabsVector, Unary, FpAbs)
FP_VECTOR(FnegVector, Unary, FpNeg)
FP_VECTOR(FsqrtVector, Unary, FpSqrt)

FP_VECTOR(FrecpeVector, Unary, FpRecipEstimate)
FP_VECTOR(FrsqrteVector, Unary, FpRsqrtEstimate)
FP_SCALAR(FrecpeScalar, Unary, FpRecipEstimate)
FP_SCALAR(FrsqrteScalar, Unary, FpRsqrtEstimate)
FP_SCALAR(FrecpxScalar, Unary, FpRecipExponent)

#define FP_COMPARE_ZERO(id, Operation)                                                             \
  FP_VECTOR(id##Vector, Unary, Operation)                                                          \
  FP_SCALAR(id##Scalar, Unary, Operation)
FP_COMPARE_ZERO(FcmgtZero, FpGreaterZero)
FP_COMPARE_ZERO(FcmeqZero, FpEqualZero)
FP_COMPARE_ZERO(FcmltZero, FpLessZero)
FP_COMPARE_ZERO(FcmgeZero, FpGreaterEqualZero)
FP_COMPARE_ZERO(FcmleZero, FpLessEqualZero)
#undef FP_COMPARE_ZERO

Handler translate_kUrecpe(Op& op) {
  return bit(op.word, 30) ? unsigned_estimate<fp::unsigned_recip_estimate, 4>
                          : unsigned_estimate<fp::unsigned_recip_estimate, 2>;
}
Handler translate_kUrsqrte(Op& op) {
  return bit(op.word, 30) ? unsigned_estimate<fp::unsigned_rsqrt_estimate, 4>
                          : unsigned_estimate<fp::unsigned_rsqrt_estimate, 2>;
}

#define FP_ACROSS(id, Operation)                                                                   \
  Handler translate_k##id(Op& /*op*/) {                                                            \
    return Reduce<Lanes<fp::Single, 4>, Operation>::run;                                           \
  }                                                                                                \
  Handler translate_k##id##Half(Op& op) {                                                          \
    return pick_vector_half<Reduce, Operation>(op.word);                                           \
  }
FP_ACROSS(Fmaxnmv, FpMaxNum)
FP_ACROSS(Fmaxv, FpMax)
FP_ACROSS(Fminnmv, FpMinNum)
FP_ACROSS(Fminv, FpMin)
#undef FP_ACROSS

#define FP_PAIR(id, Operation)                                                                     \
  Handler translate_k##id(Op& op) {                                                                \
    return pick_pair<Operation>(op.word);                                                          \
  }                                                                                                \
  Handler translate_k##id##Half(Op& /*op*/) {                                                      \
    return Reduce<Lanes<fp::Half, 2>, Operation>::run;                                             \
  }
FP_PAIR(FmaxnmpScalar, FpMaxNum)
FP_PAIR(FaddpScalar, FpAdd)
FP_PAIR(FmaxpScalar, FpMax)
FP_PAIR(FminnmpScalar, FpMinNum)
FP_PAIR(FminpScalar, FpMin)
#undef FP_PAIR

Handler translate_kFmovVectorSingle(Op& op) {
  op.imm = replicate(expand_fp_immediate<fp::Single>(op.imm), 32);
  return fmov_fill;
}
Handler translate_kFmovVectorDouble(Op& op) {
  op.imm = expand_fp_immediate<fp::Double>(op.imm);
  return fmov_fill;
}
Handler translate_kFmovVectorHalf(Op& op) {
  op.imm = replicate(expand_fp_immediate<fp::Half>(op.imm), 16);
  return fmov_fill;
}

} // namespace softhv::interp
