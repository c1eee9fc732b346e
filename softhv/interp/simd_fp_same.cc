// SPDX-License-Identifier: Apache-2.0
// AdvSIMD floating point with three registers of the same type, vector and scalar, and by element
// (Arm ARM C4.1.96).
#include "softhv/interp/fp_operations.h"
#include "softhv/interp/fp_shapes.h"

namespace softhv::interp {
namespace {

// FMLA and FMLS add to their destination.
template <typename Operation>
Handler pick_accumulate(Op& op) {
  op.ra = op.rd;
  return pick_vector<Ternary, Operation>(op.word);
}
template <typename Operation>
Handler pick_accumulate_half(Op& op) {
  op.ra = op.rd;
  return pick_vector_half<Ternary, Operation>(op.word);
}

// The index of an element is H:L:M for half, H:L for single, H for double precision.
void decode_element(Op& op) {
  const u64 h = bits(op.word, 11, 11);
  const u64 l = bits(op.word, 21, 21);
  op.imm = bit(op.word, 22) ? h : h << 1 | l;
}
void decode_element_half(Op& op) {
  op.imm = bits(op.word, 11, 11) << 2 | bits(op.word, 21, 20);
  op.rm = static_cast<u8>(bits(op.word, 19, 16));
}

} // namespace

FP_VECTOR(FmaxnmVector, Binary, FpMaxNum)
FP_VECTOR(FaddVector, Binary, FpAdd)
FP_VECTOR(FmulxVector, Binary, FpMulx)
FP_VECTOR(FcmeqVector, Binary, FpEqual)
FP_VECTOR(FmaxVector, Binary, FpMax)
FP_VECTOR(FrecpsVector, Binary, FpRecipStep)
FP_VECTOR(FminnmVector, Binary, FpMinNum)
FP_VECTOR(FsubVector, Binary, FpSub)
FP_VECTOR(FminVector, Binary, FpMin)
FP_VECTOR(FrsqrtsVector, Binary, FpRsqrtStep)
FP_VECTOR(FmulVector, Binary, FpMul)
FP_VECTOR(FcmgeVector, Binary, FpGreaterEqual)
FP_VECTOR(FacgeVector, Binary, FpAbsGreaterEqual)
FP_VECTOR(FdivVector, Binary, FpDiv)
FP_VECTOR(FabdVector, Binary, FpAbsDifference)
FP_VECTOR(FcmgtVector, Binary, FpGreater)
FP_VECTOR(FacgtVector, Binary, FpAbsGreater)

FP_VECTOR(FmaxnmpVector, Pairwise, FpMaxNum)
FP_VECTOR(FaddpVector, Pairwise, FpAdd)
FP_VECTOR(FmaxpVector, Pairwise, FpMax)
FP_VECTOR(FminnmpVector, Pairwise, FpMinNum)
FP_VECTOR(FminpVector, Pairwise, FpMin)

Handler translate_kFmlaVector(Op& op) {
  return pick_accumulate<FpMulAdd<false, false>>(op);
}
Handler translate_kFmlaVectorHalf(Op& op) {
  return pick_accumulate_half<FpMulAdd<false, false>>(op);
}
Handler translate_kFmlsVector(Op& op) {
  return pick_accumulate<FpMulAdd<false, true>>(op);
}
Handler translate_kFmlsVectorHalf(Op& op) {
  return pick_accumulate_half<FpMulAdd<false, true>>(op);
}

FP_SCALAR(FmulxScalar, Binary, FpMulx)
FP_SCALAR(FcmeqScalar, Binary, FpEqual)
FP_SCALAR(FrecpsScalar, Binary, FpRecipStep)
FP_SCALAR(FrsqrtsScalar, Binary, FpRsqrtStep)
FP_SCALAR(FcmgeScalar, Binary, FpGreaterEqual)
FP_SCALAR(FacgeScalar, Binary, FpAbsGreaterEqual)
FP_SCALAR(FabdScalar, Binary, FpAbsDifference)
FP_SCALAR(FcmgtScalar, Binary, FpGreater)
FP_SCALAR(FacgtScalar, Binary, FpAbsGreater)

#define FP_ELEMENT(id, Shape, ...)                                                                 \
  Handler translate_k##id##ElementVector(Op& op) {                                                 \
    decode_element(op);                                                                            \
    return pick_vector<Shape, __VA_ARGS__>(op.word);                                               \
  }                                                                                                \
  Handler translate_k##id##ElementVectorHalf(Op& op) {                                             \
    decode_element_half(op);                                                                       \
    return pick_vector_half<Shape, __VA_ARGS__>(op.word);                                          \
  }                                                                                                \
  Handler translate_k##id##ElementScalar(Op& op) {                                                 \
    decode_element(op);                                                                            \
    return pick_scalar<Shape, __VA_ARGS__>(op.word);                                               \
  }                                                                                                \
  Handler translate_k##id##ElementScalarHalf(Op& op) {                                             \
    decode_element_half(op);                                                                       \
    return pick_scalar_half<Shape, __VA_ARGS__>(op.word);                                          \
  }
FP_ELEMENT(Fmla, AccumulateElement, FpMulAdd<false, false>)
FP_ELEMENT(Fmls, AccumulateElement, FpMulAdd<false, true>)
FP_ELEMENT(Fmul, BinaryElement, FpMul)
FP_ELEMENT(Fmulx, BinaryElement, FpMulx)
#undef FP_ELEMENT

} // namespace softhv::interp
