// SPDX-License-Identifier: Apache-2.0
// AdvSIMD three registers of the same type, vector and scalar, with FEAT_RDM and FEAT_DotProd.
#include "softhv/interp/simd_functions.h"
#include "softhv/interp/simd_lanes.h"

namespace softhv::interp {
namespace {

using namespace simd; // NOLINT(google-build-using-namespace)

// Signed T: SDOT, unsigned: UDOT. Every 32-bit lane adds four products of bytes.
template <typename T, Form kForm, bool kByElement>
const Op* dot_product(Cpu& cpu, const Op* op) {
  using W = Double<Double<T>>;
  const Lanes<T> n = lanes<T>(cpu.s.v[op->rn]);
  const Lanes<T> m = lanes<T>(cpu.s.v[op->rm]);
  const Lanes<W> d = lanes<W>(cpu.s.v[op->rd]);
  Lanes<W> r{};
  for (unsigned i = 0; i < kCount<W, kForm>; ++i) {
    const unsigned e = 4 * (kByElement ? static_cast<unsigned>(op->imm) : i);
    u32 sum = static_cast<u32>(d[i]);
    for (unsigned k = 0; k < 4; ++k)
      sum += static_cast<u32>(W{n[4 * i + k]} * W{m[e + k]});
    r[i] = static_cast<W>(sum);
  }
  return finish<W>(cpu, op, r, 0U);
}

template <typename T, bool kByElement>
Handler dot_product_form(const Op& op) {
  return q_of(op) ? dot_product<T, Form::k128, kByElement> : dot_product<T, Form::k64, kByElement>;
}

// MOV (vector) is the alias of ORR with one source.
template <Form kForm>
const Op* move(Cpu& cpu, const Op* op) {
  Vec r = cpu.s.v[op->rn];
  if constexpr (kForm == Form::k64)
    r.d[1] = 0;
  cpu.s.v[op->rd] = r;
  return next(cpu, op);
}

} // namespace

// The row, the function of a lane, the lanes' sign and the sizes there are.
#define VECTOR(id, shape, function, sign, sizes)                                                   \
  Handler translate_##id(Op& op) {                                                                 \
    return vector_form<shape, decltype(fn::function), sign, sizes>(size_of(op), q_of(op));         \
  }
#define SCALAR(id, function, sign, sizes)                                                          \
  Handler translate_##id(Op& op) {                                                                 \
    return scalar_form<ThreeSame, decltype(fn::function), sign, sizes>(size_of(op));               \
  }
#define LOGICAL(id, function)                                                                      \
  Handler translate_##id(Op& op) {                                                                 \
    return vector_form<ThreeSame, decltype(fn::function), Unsigned, kD>(3, q_of(op));              \
  }

VECTOR(kShaddVector, ThreeSame, halving_add, Signed, kBhs)
VECTOR(kUhaddVector, ThreeSame, halving_add, Unsigned, kBhs)
VECTOR(kSqaddVector, ThreeSame, saturating_add, Signed, kBhsd)
VECTOR(kUqaddVector, ThreeSame, saturating_add, Unsigned, kBhsd)
VECTOR(kSrhaddVector, ThreeSame, rounding_halving_add, Signed, kBhs)
VECTOR(kUrhaddVector, ThreeSame, rounding_halving_add, Unsigned, kBhs)
VECTOR(kShsubVector, ThreeSame, halving_sub, Signed, kBhs)
VECTOR(kUhsubVector, ThreeSame, halving_sub, Unsigned, kBhs)
VECTOR(kSqsubVector, ThreeSame, saturating_sub, Signed, kBhsd)
VECTOR(kUqsubVector, ThreeSame, saturating_sub, Unsigned, kBhsd)
VECTOR(kCmgtRegisterVector, ThreeSame, greater, Signed, kBhsd)
VECTOR(kCmhiVector, ThreeSame, greater, Unsigned, kBhsd)
VECTOR(kCmgeRegisterVector, ThreeSame, greater_equal, Signed, kBhsd)
VECTOR(kCmhsVector, ThreeSame, greater_equal, Unsigned, kBhsd)
VECTOR(kSshlVector, ThreeSame, shift, Signed, kBhsd)
VECTOR(kUshlVector, ThreeSame, shift, Unsigned, kBhsd)
VECTOR(kSqshlRegisterVector, ThreeSame, saturating_shift, Signed, kBhsd)
VECTOR(kUqshlRegisterVector, ThreeSame, saturating_shift, Unsigned, kBhsd)
VECTOR(kSrshlVector, ThreeSame, rounding_shift, Signed, kBhsd)
VECTOR(kUrshlVector, ThreeSame, rounding_shift, Unsigned, kBhsd)
VECTOR(kSqrshlVector, ThreeSame, saturating_rounding_shift, Signed, kBhsd)
VECTOR(kUqrshlVector, ThreeSame, saturating_rounding_shift, Unsigned, kBhsd)
VECTOR(kSmaxVector, ThreeSame, max, Signed, kBhs)
VECTOR(kUmaxVector, ThreeSame, max, Unsigned, kBhs)
VECTOR(kSminVector, ThreeSame, min, Signed, kBhs)
VECTOR(kUminVector, ThreeSame, min, Unsigned, kBhs)
VECTOR(kSabdVector, ThreeSame, abs_diff, Signed, kBhs)
VECTOR(kUabdVector, ThreeSame, abs_diff, Unsigned, kBhs)
VECTOR(kSabaVector, ThreeSame, abs_diff_add, Signed, kBhs)
VECTOR(kUabaVector, ThreeSame, abs_diff_add, Unsigned, kBhs)
VECTOR(kAddVector, ThreeSame, add, Unsigned, kBhsd)
VECTOR(kSubVector, ThreeSame, sub, Unsigned, kBhsd)
VECTOR(kCmtstVector, ThreeSame, test, Unsigned, kBhsd)
VECTOR(kCmeqRegisterVector, ThreeSame, equal, Unsigned, kBhsd)
VECTOR(kMlaVector, ThreeSame, mla, Unsigned, kBhs)
VECTOR(kMlsVector, ThreeSame, mls, Unsigned, kBhs)
VECTOR(kMulVector, ThreeSame, mul, Unsigned, kBhs)
VECTOR(kPmulVector, ThreeSame, polynomial_mul, Unsigned, kB)
VECTOR(kSmaxpVector, Pairwise, max, Signed, kBhs)
VECTOR(kUmaxpVector, Pairwise, max, Unsigned, kBhs)
VECTOR(kSminpVector, Pairwise, min, Signed, kBhs)
VECTOR(kUminpVector, Pairwise, min, Unsigned, kBhs)
VECTOR(kSqdmulhVector, ThreeSame, doubling_mul_high, Signed, kHs)
VECTOR(kSqrdmulhVector, ThreeSame, rounding_doubling_mul_high, Signed, kHs)
VECTOR(kAddpVector, Pairwise, add, Unsigned, kBhsd)
VECTOR(kSqrdmlahVector, ThreeSame, rounding_doubling_mul_add, Signed, kHs)
VECTOR(kSqrdmlshVector, ThreeSame, rounding_doubling_mul_sub, Signed, kHs)

LOGICAL(kAndVector, bit_and)
LOGICAL(kBicVector, bit_clear)
LOGICAL(kOrnVector, bit_or_not)
LOGICAL(kEorVector, bit_xor)
LOGICAL(kBslVector, bit_select)
LOGICAL(kBitVector, bit_insert_true)
LOGICAL(kBifVector, bit_insert_false)

Handler translate_kOrrVector(Op& op) {
  if (op.rn == op.rm)
    return q_of(op) ? move<Form::k128> : move<Form::k64>;
  return vector_form<ThreeSame, decltype(fn::bit_or), Unsigned, kD>(3, q_of(op));
}

SCALAR(kSqaddScalar, saturating_add, Signed, kBhsd)
SCALAR(kUqaddScalar, saturating_add, Unsigned, kBhsd)
SCALAR(kSqsubScalar, saturating_sub, Signed, kBhsd)
SCALAR(kUqsubScalar, saturating_sub, Unsigned, kBhsd)
SCALAR(kCmgtRegisterScalar, greater, Signed, kD)
SCALAR(kCmhiScalar, greater, Unsigned, kD)
SCALAR(kCmgeRegisterScalar, greater_equal, Signed, kD)
SCALAR(kCmhsScalar, greater_equal, Unsigned, kD)
SCALAR(kSshlScalar, shift, Signed, kD)
SCALAR(kUshlScalar, shift, Unsigned, kD)
SCALAR(kSqshlRegisterScalar, saturating_shift, Signed, kBhsd)
SCALAR(kUqshlRegisterScalar, saturating_shift, Unsigned, kBhsd)
SCALAR(kSrshlScalar, rounding_shift, Signed, kD)
SCALAR(kUrshlScalar, rounding_shift, Unsigned, kD)
SCALAR(kSqrshlScalar, saturating_rounding_shift, Signed, kBhsd)
SCALAR(kUqrshlScalar, saturating_rounding_shift, Unsigned, kBhsd)
SCALAR(kAddScalar, add, Unsigned, kD)
SCALAR(kSubScalar, sub, Unsigned, kD)
SCALAR(kCmtstScalar, test, Unsigned, kD)
SCALAR(kCmeqRegisterScalar, equal, Unsigned, kD)
SCALAR(kSqdmulhScalar, doubling_mul_high, Signed, kHs)
SCALAR(kSqrdmulhScalar, rounding_doubling_mul_high, Signed, kHs)
SCALAR(kSqrdmlahScalar, rounding_doubling_mul_add, Signed, kHs)
SCALAR(kSqrdmlshScalar, rounding_doubling_mul_sub, Signed, kHs)

#undef VECTOR
#undef SCALAR
#undef LOGICAL

Handler translate_kSdotVector(Op& op) {
  return dot_product_form<i8, false>(op);
}
Handler translate_kUdotVector(Op& op) {
  return dot_product_form<u8, false>(op);
}

// The index is H:L.
Handler translate_kSdotElement(Op& op) {
  op.imm = bits(op.word, 11, 11) << 1 | bits(op.word, 21, 21);
  return dot_product_form<i8, true>(op);
}
Handler translate_kUdotElement(Op& op) {
  op.imm = bits(op.word, 11, 11) << 1 | bits(op.word, 21, 21);
  return dot_product_form<u8, true>(op);
}

} // namespace softhv::interp
