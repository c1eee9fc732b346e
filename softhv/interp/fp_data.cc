// SPDX-License-Identifier: Apache-2.0
// Scalar floating-point data processing with one, two and three sources (Arm ARM C4.1.96).
#include "softhv/interp/fp_operations.h"
#include "softhv/interp/fp_shapes.h"

namespace softhv::interp {
namespace {

template <typename To, typename From>
const Op* fcvt(Cpu& cpu, const Op* op) {
  const fp::FpContext ctx = fp_context(cpu);
  const auto value = cpu.s.v[op->rn].lane<typename From::Bits>(0);
  cpu.s.v[op->rd] = Vec{{fp::fast_convert<To, From>(value, ctx.rounding(), ctx), 0}};
  return next(cpu, op);
}

} // namespace

FP_SCALAR(FmovReg, Unary, FpMove)
FP_SCALAR(FabsScalar, Unary, FpAbs)
FP_SCALAR(FnegScalar, Unary, FpNeg)
FP_SCALAR(FsqrtScalar, Unary, FpSqrt)
FP_SCALAR(FrintnScalar, Unary, FpRound<Rounding::kTieEven>)
FP_SCALAR(FrintpScalar, Unary, FpRound<Rounding::kPlusInfinity>)
FP_SCALAR(FrintmScalar, Unary, FpRound<Rounding::kMinusInfinity>)
FP_SCALAR(FrintzScalar, Unary, FpRound<Rounding::kZero>)
FP_SCALAR(FrintaScalar, Unary, FpRound<Rounding::kTieAway>)
FP_SCALAR(FrintxScalar, Unary, FpRoundExact)
FP_SCALAR(FrintiScalar, Unary, FpRoundCurrent)

Handler translate_kFcvt(Op& op) {
  constexpr u32 kHalf = 3;
  const u64 from = bits(op.word, 23, 22);
  const u64 to = bits(op.word, 16, 15);
  if (from == kHalf)
    return to == 0 ? fcvt<fp::Single, fp::Half> : fcvt<fp::Double, fp::Half>;
  if (from == 0)
    return to == kHalf ? fcvt<fp::Half, fp::Single> : fcvt<fp::Double, fp::Single>;
  return to == kHalf ? fcvt<fp::Half, fp::Double> : fcvt<fp::Single, fp::Double>;
}

FP_SCALAR(FmulScalar, Binary, FpMul)
FP_SCALAR(FdivScalar, Binary, FpDiv)
FP_SCALAR(FaddScalar, Binary, FpAdd)
FP_SCALAR(FsubScalar, Binary, FpSub)
FP_SCALAR(FmaxScalar, Binary, FpMax)
FP_SCALAR(FminScalar, Binary, FpMin)
FP_SCALAR(FmaxnmScalar, Binary, FpMaxNum)
FP_SCALAR(FminnmScalar, Binary, FpMinNum)
FP_SCALAR(FnmulScalar, Binary, FpNegatedMul)

FP_SCALAR(Fmadd, Ternary, FpMulAdd<false, false>)
FP_SCALAR(Fmsub, Ternary, FpMulAdd<false, true>)
FP_SCALAR(Fnmadd, Ternary, FpMulAdd<true, true>)
FP_SCALAR(Fnmsub, Ternary, FpMulAdd<true, false>)

} // namespace softhv::interp
