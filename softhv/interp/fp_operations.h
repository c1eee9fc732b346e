// SPDX-License-Identifier: Apache-2.0
// The floating-point operations of single elements, by the shape of their operands. An operation is
// a type with `apply<F>`; interp/fp_shapes.h runs it over scalars and vectors. Comparisons give a
// mask of ones or zeros.
#pragma once

#include <type_traits>

#include "softhv/fp/compare.h"
#include "softhv/fp/estimate.h"
#include "softhv/fp/fast.h"

namespace softhv::interp {

using fp::FpContext;
using fp::Rounding;

template <typename F>
constexpr typename F::Bits element_mask(bool holds) {
  return static_cast<typename F::Bits>(holds ? ~typename F::Bits{0} : 0);
}

// One operand.

#define FP_UNARY(Name, expression)                                                                 \
  struct Name {                                                                                    \
    template <typename F>                                                                          \
    static typename F::Bits apply(typename F::Bits a, [[maybe_unused]] FpContext ctx) {            \
      return expression;                                                                           \
    }                                                                                              \
  };
FP_UNARY(FpMove, a)
FP_UNARY(FpAbs, F::abs(a))
FP_UNARY(FpNeg, F::neg(a))
FP_UNARY(FpSqrt, fp::fast_sqrt<F>(a, ctx))
FP_UNARY(FpRecipEstimate, fp::recip_estimate<F>(a, ctx))
FP_UNARY(FpRsqrtEstimate, fp::rsqrt_estimate<F>(a, ctx))
FP_UNARY(FpRecipExponent, fp::recip_exponent<F>(a, ctx))
FP_UNARY(FpRoundExact, fp::round_to_integral<F>(a, ctx.rounding(), true, ctx))
FP_UNARY(FpRoundCurrent, fp::round_to_integral<F>(a, ctx.rounding(), false, ctx))
FP_UNARY(FpEqualZero, element_mask<F>(fp::fast_compare_eq<F>(a, 0, ctx)))
FP_UNARY(FpGreaterZero, element_mask<F>(fp::fast_compare_gt<F>(a, 0, ctx)))
FP_UNARY(FpGreaterEqualZero, element_mask<F>(fp::fast_compare_ge<F>(a, 0, ctx)))
FP_UNARY(FpLessZero, element_mask<F>(fp::fast_compare_gt<F>(0, a, ctx)))
FP_UNARY(FpLessEqualZero, element_mask<F>(fp::fast_compare_ge<F>(0, a, ctx)))
#undef FP_UNARY

template <Rounding kRounding>
struct FpRound {
  template <typename F>
  static typename F::Bits apply(typename F::Bits a, FpContext ctx) {
    return fp::round_to_integral<F>(a, kRounding, false, ctx);
  }
};

// One operand and a number of fraction bits; the integer is as wide as the element.

template <Rounding kRounding, bool kUnsigned>
struct FpToFixed {
  template <typename F>
  static typename F::Bits apply(typename F::Bits a, u64 fraction_bits, FpContext ctx) {
    return static_cast<typename F::Bits>(fp::fast_to_fixed<F>(
        a, {F::kWidth, kUnsigned, static_cast<u8>(fraction_bits)}, kRounding, ctx));
  }
};

template <bool kUnsigned>
struct FpFromFixed {
  template <typename F>
  static typename F::Bits apply(typename F::Bits a, u64 fraction_bits, FpContext ctx) {
    return fp::fast_from_fixed<F>(a, {F::kWidth, kUnsigned, static_cast<u8>(fraction_bits)}, ctx);
  }
};

// Two operands.

#define FP_BINARY(Name, expression)                                                                \
  struct Name {                                                                                    \
    template <typename F>                                                                          \
    static typename F::Bits apply(typename F::Bits a, typename F::Bits b, FpContext ctx) {         \
      return expression;                                                                           \
    }                                                                                              \
  };
FP_BINARY(FpAdd, fp::fast_add<F>(a, b, ctx))
FP_BINARY(FpSub, fp::fast_sub<F>(a, b, ctx))
FP_BINARY(FpMul, fp::fast_mul<F>(a, b, ctx))
FP_BINARY(FpNegatedMul, F::neg(fp::fast_mul<F>(a, b, ctx)))
FP_BINARY(FpMulx, fp::mulx<F>(a, b, ctx))
FP_BINARY(FpDiv, fp::fast_div<F>(a, b, ctx))
FP_BINARY(FpMax, fp::fast_max<F>(a, b, ctx))
FP_BINARY(FpMin, fp::fast_min<F>(a, b, ctx))
FP_BINARY(FpMaxNum, fp::fast_max_num<F>(a, b, ctx))
FP_BINARY(FpMinNum, fp::fast_min_num<F>(a, b, ctx))
FP_BINARY(FpAbsDifference, F::abs(fp::fast_sub<F>(a, b, ctx)))
FP_BINARY(FpRecipStep, fp::recip_step<F>(a, b, ctx))
FP_BINARY(FpRsqrtStep, fp::rsqrt_step<F>(a, b, ctx))
FP_BINARY(FpEqual, element_mask<F>(fp::fast_compare_eq<F>(a, b, ctx)))
FP_BINARY(FpGreater, element_mask<F>(fp::fast_compare_gt<F>(a, b, ctx)))
FP_BINARY(FpGreaterEqual, element_mask<F>(fp::fast_compare_ge<F>(a, b, ctx)))
FP_BINARY(FpAbsGreater, element_mask<F>(fp::fast_compare_gt<F>(F::abs(a), F::abs(b), ctx)))
FP_BINARY(FpAbsGreaterEqual, element_mask<F>(fp::fast_compare_ge<F>(F::abs(a), F::abs(b), ctx)))
#undef FP_BINARY

// An addend and two factors.

template <bool kNegateAddend, bool kNegateProduct>
struct FpMulAdd {
  template <typename F>
  static typename F::Bits apply(typename F::Bits addend, typename F::Bits a, typename F::Bits b,
                                FpContext ctx) {
    return fp::fast_mul_add<F>(kNegateAddend ? F::neg(addend) : addend,
                               kNegateProduct ? F::neg(a) : a, b, ctx);
  }
};

} // namespace softhv::interp
