// SPDX-License-Identifier: Apache-2.0
// AdvSIMD three registers of different types (long, wide, narrow), and vector by element.
#include "softhv/crypto/polynomial.h"
#include "softhv/interp/simd_functions.h"
#include "softhv/interp/simd_lanes.h"

namespace softhv::interp {
namespace {

using namespace simd; // NOLINT(google-build-using-namespace)

// The element: 16-bit lanes have index H:L:M and Rm below 16, 32-bit lanes H:L and any Rm.
void decode_element(Op& op) {
  const u64 h = bits(op.word, 11, 11);
  const u64 l = bits(op.word, 21, 21);
  const u64 m = bits(op.word, 20, 20);
  if (size_of(op) == 1) {
    op.imm = h << 2 | l << 1 | m;
    op.rm &= 15;
  } else {
    op.imm = h << 1 | l;
  }
}

template <crypto::PolynomialMultiply kMultiply, unsigned kPart>
const Op* polynomial_doubleword(Cpu& cpu, const Op* op) {
  cpu.s.v[op->rd] = kMultiply(cpu.s.v[op->rn].d[kPart], cpu.s.v[op->rm].d[kPart]);
  return next(cpu, op);
}

} // namespace

#define VECTOR(id, shape, function, sign, sizes)                                                   \
  Handler translate_##id(Op& op) {                                                                 \
    return vector_form<shape, decltype(fn::function), sign, sizes>(size_of(op), q_of(op));         \
  }
#define SCALAR(id, shape, function)                                                                \
  Handler translate_##id(Op& op) {                                                                 \
    return scalar_form<shape, decltype(fn::function), Signed, kHs>(size_of(op));                   \
  }
#define ELEMENT(id, shape, function, sign)                                                         \
  Handler translate_##id(Op& op) {                                                                 \
    decode_element(op);                                                                            \
    return vector_form<shape, decltype(fn::function), sign, kHs>(size_of(op), q_of(op));           \
  }
#define ELEMENT_SCALAR(id, shape, function)                                                        \
  Handler translate_##id(Op& op) {                                                                 \
    decode_element(op);                                                                            \
    return scalar_form<shape, decltype(fn::function), Signed, kHs>(size_of(op));                   \
  }

VECTOR(kSaddlVector, Long, add, Signed, kBhs)
VECTOR(kUaddlVector, Long, add, Unsigned, kBhs)
VECTOR(kSaddwVector, Wide, add, Signed, kBhs)
VECTOR(kUaddwVector, Wide, add, Unsigned, kBhs)
VECTOR(kSsublVector, Long, sub, Signed, kBhs)
VECTOR(kUsublVector, Long, sub, Unsigned, kBhs)
VECTOR(kSsubwVector, Wide, sub, Signed, kBhs)
VECTOR(kUsubwVector, Wide, sub, Unsigned, kBhs)
VECTOR(kAddhnVector, NarrowThree, add_high, Unsigned, kBhs)
VECTOR(kRaddhnVector, NarrowThree, rounding_add_high, Unsigned, kBhs)
VECTOR(kSabalVector, Long, abs_diff_add, Signed, kBhs)
VECTOR(kUabalVector, Long, abs_diff_add, Unsigned, kBhs)
VECTOR(kSubhnVector, NarrowThree, sub_high, Unsigned, kBhs)
VECTOR(kRsubhnVector, NarrowThree, rounding_sub_high, Unsigned, kBhs)
VECTOR(kSabdlVector, Long, abs_diff, Signed, kBhs)
VECTOR(kUabdlVector, Long, abs_diff, Unsigned, kBhs)
VECTOR(kSmlalVector, Long, mla, Signed, kBhs)
VECTOR(kUmlalVector, Long, mla, Unsigned, kBhs)
VECTOR(kSqdmlalVector, Long, doubling_mul_add, Signed, kHs)
VECTOR(kSmlslVector, Long, mls, Signed, kBhs)
VECTOR(kUmlslVector, Long, mls, Unsigned, kBhs)
VECTOR(kSqdmlslVector, Long, doubling_mul_sub, Signed, kHs)
VECTOR(kSmullVector, Long, mul, Signed, kBhs)
VECTOR(kUmullVector, Long, mul, Unsigned, kBhs)
VECTOR(kSqdmullVector, Long, doubling_mul, Signed, kHs)
VECTOR(kPmullVector, Long, polynomial_mul, Unsigned, kB)
SCALAR(kSqdmlalScalar, Long, doubling_mul_add)
SCALAR(kSqdmlslScalar, Long, doubling_mul_sub)
SCALAR(kSqdmullScalar, Long, doubling_mul)

ELEMENT(kMlaElement, ByElement, mla, Unsigned)
ELEMENT(kMlsElement, ByElement, mls, Unsigned)
ELEMENT(kMulElement, ByElement, mul, Unsigned)
ELEMENT(kSmlalElement, LongByElement, mla, Signed)
ELEMENT(kUmlalElement, LongByElement, mla, Unsigned)
ELEMENT(kSmlslElement, LongByElement, mls, Signed)
ELEMENT(kUmlslElement, LongByElement, mls, Unsigned)
ELEMENT(kSmullElement, LongByElement, mul, Signed)
ELEMENT(kUmullElement, LongByElement, mul, Unsigned)
ELEMENT(kSqdmlalElement, LongByElement, doubling_mul_add, Signed)
ELEMENT(kSqdmlslElement, LongByElement, doubling_mul_sub, Signed)
ELEMENT(kSqdmullElement, LongByElement, doubling_mul, Signed)
ELEMENT(kSqdmulhElement, ByElement, doubling_mul_high, Signed)
ELEMENT(kSqrdmulhElement, ByElement, rounding_doubling_mul_high, Signed)
ELEMENT(kSqrdmlahElement, ByElement, rounding_doubling_mul_add, Signed)
ELEMENT(kSqrdmlshElement, ByElement, rounding_doubling_mul_sub, Signed)
ELEMENT_SCALAR(kSqdmlalElementScalar, LongByElement, doubling_mul_add)
ELEMENT_SCALAR(kSqdmlslElementScalar, LongByElement, doubling_mul_sub)
ELEMENT_SCALAR(kSqdmullElementScalar, LongByElement, doubling_mul)
ELEMENT_SCALAR(kSqdmulhElementScalar, ByElement, doubling_mul_high)
ELEMENT_SCALAR(kSqrdmulhElementScalar, ByElement, rounding_doubling_mul_high)
ELEMENT_SCALAR(kSqrdmlahElementScalar, ByElement, rounding_doubling_mul_add)
ELEMENT_SCALAR(kSqrdmlshElementScalar, ByElement, rounding_doubling_mul_sub)

#undef VECTOR
#undef SCALAR
#undef ELEMENT
#undef ELEMENT_SCALAR

Handler translate_kPmullDoubleword(Op& op) {
#if defined(__x86_64__)
  if (crypto::host_multiplies_polynomials())
    return q_of(op) ? polynomial_doubleword<crypto::polynomial_multiply_host, 1>
                    : polynomial_doubleword<crypto::polynomial_multiply_host, 0>;
#endif
  return q_of(op) ? polynomial_doubleword<crypto::polynomial_multiply, 1>
                  : polynomial_doubleword<crypto::polynomial_multiply, 0>;
}

} // namespace softhv::interp
