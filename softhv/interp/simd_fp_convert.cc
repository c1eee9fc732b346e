// SPDX-License-Identifier: Apache-2.0
// AdvSIMD conversions between floating-point formats, integers and fixed point that stay in V
// registers (Arm ARM C4.1.96). For integers and fixed point op.imm is the number of fraction bits.
#include "softhv/interp/fp_operations.h"
#include "softhv/interp/fp_shapes.h"

namespace softhv::interp {
namespace {

// FCVTN and FCVTXN: to the lower half of Vd, or to the upper half with the lower kept.
template <typename To, typename From, bool kUpper, bool kToOdd>
const Op* narrow(Cpu& cpu, const Op* op) {
  using ToBits = typename To::Bits;
  constexpr unsigned kLanes = 64 / To::kWidth;
  const fp::FpContext ctx = fp_context(cpu);
  const Rounding rounding = kToOdd ? Rounding::kOdd : ctx.rounding();
  Vec result;
  result.d[0] = kUpper ? cpu.s.v[op->rd].d[0] : 0;
  for (unsigned i = 0; i < kLanes; ++i) {
    const auto value = cpu.s.v[op->rn].lane<typename From::Bits>(i);
    result.set_lane<ToBits>(i + (kUpper ? kLanes : 0),
                            fp::fast_convert<To, From>(value, rounding, ctx));
  }
  cpu.s.v[op->rd] = result;
  return next(cpu, op);
}

// FCVTL: from the lower or the upper half of Vn.
template <typename To, typename From, bool kUpper>
const Op* widen(Cpu& cpu, const Op* op) {
  constexpr unsigned kLanes = 128 / To::kWidth;
  const fp::FpContext ctx = fp_context(cpu);
  const Vec source = cpu.s.v[op->rn];
  cpu.s.v[op->rd] = detail::each_lane<Lanes<To, kLanes>>([&](unsigned i) {
    const auto value = source.lane<typename From::Bits>(i + (kUpper ? kLanes : 0));
    return fp::fast_convert<To, From>(value, ctx.rounding(), ctx);
  });
  return next(cpu, op);
}

const Op* fcvtxn_scalar(Cpu& cpu, const Op* op) {
  const fp::FpContext ctx = fp_context(cpu);
  const u64 value = cpu.s.v[op->rn].d[0];
  cpu.s.v[op->rd] = Vec{{fp::convert<fp::Single, fp::Double>(value, Rounding::kOdd, ctx), 0}};
  return next(cpu, op);
}

// immh:immb is twice the element's width less the number of fraction bits.
void decode_fraction_bits(Op& op, u64 element_width) {
  op.imm = 2 * element_width - bits(op.word, 22, 16);
}

template <typename Operation>
Handler pick_fixed_vector(Op& op) {
  const bool is_double = bit(op.word, 22);
  decode_fraction_bits(op, is_double ? 64 : 32);
  return pick_vector<UnaryImmediate, Operation>(op.word);
}

template <typename Operation>
Handler pick_fixed_scalar(Op& op) {
  const bool is_double = bit(op.word, 22);
  decode_fraction_bits(op, is_double ? 64 : 32);
  return pick_scalar<UnaryImmediate, Operation>(op.word);
}

} // namespace

Handler translate_kFcvtn(Op& op) {
  if (bit(op.word, 22))
    return bit(op.word, 30) ? narrow<fp::Single, fp::Double, true, false>
                            : narrow<fp::Single, fp::Double, false, false>;
  return bit(op.word, 30) ? narrow<fp::Half, fp::Single, true, false>
                          : narrow<fp::Half, fp::Single, false, false>;
}
Handler translate_kFcvtxn(Op& op) {
  return bit(op.word, 30) ? narrow<fp::Single, fp::Double, true, true>
                          : narrow<fp::Single, fp::Double, false, true>;
}
Handler translate_kFcvtxnScalar(Op& /*op*/) {
  return fcvtxn_scalar;
}
Handler translate_kFcvtl(Op& op) {
  if (bit(op.word, 22))
    return bit(op.word, 30) ? widen<fp::Double, fp::Single, true>
                            : widen<fp::Double, fp::Single, false>;
  return bit(op.word, 30) ? widen<fp::Single, fp::Half, true> : widen<fp::Single, fp::Half, false>;
}

// Without 'i' bits in the pattern op.imm is zero: no fraction bits.
#define FP_INTEGER(id, ...)                                                                        \
  FP_VECTOR(id##Vector, UnaryImmediate, __VA_ARGS__)                                               \
  FP_SCALAR(id##Simd, UnaryImmediate, __VA_ARGS__)
FP_INTEGER(Fcvtns, FpToFixed<Rounding::kTieEven, false>)
FP_INTEGER(Fcvtnu, FpToFixed<Rounding::kTieEven, true>)
FP_INTEGER(Fcvtps, FpToFixed<Rounding::kPlusInfinity, false>)
FP_INTEGER(Fcvtpu, FpToFixed<Rounding::kPlusInfinity, true>)
FP_INTEGER(Fcvtms, FpToFixed<Rounding::kMinusInfinity, false>)
FP_INTEGER(Fcvtmu, FpToFixed<Rounding::kMinusInfinity, true>)
FP_INTEGER(Fcvtzs, FpToFixed<Rounding::kZero, false>)
FP_INTEGER(Fcvtzu, FpToFixed<Rounding::kZero, true>)
FP_INTEGER(Fcvtas, FpToFixed<Rounding::kTieAway, false>)
FP_INTEGER(Fcvtau, FpToFixed<Rounding::kTieAway, true>)
FP_VECTOR(ScvtfVector, UnaryImmediate, FpFromFixed<false>)
FP_VECTOR(UcvtfVector, UnaryImmediate, FpFromFixed<true>)
FP_SCALAR(ScvtfSimd, UnaryImmediate, FpFromFixed<false>)
FP_SCALAR(UcvtfSimd, UnaryImmediate, FpFromFixed<true>)
#undef FP_INTEGER

#define FP_FIXED(id, ...)                                                                          \
  Handler translate_k##id##FixedVector(Op& op) {                                                   \
    return pick_fixed_vector<__VA_ARGS__>(op);                                                     \
  }                                                                                                \
  Handler translate_k##id##FixedVectorHalf(Op& op) {                                               \
    decode_fraction_bits(op, 16);                                                                  \
    return pick_vector_half<UnaryImmediate, __VA_ARGS__>(op.word);                                 \
  }                                                                                                \
  Handler translate_k##id##FixedSimd(Op& op) {                                                     \
    return pick_fixed_scalar<__VA_ARGS__>(op);                                                     \
  }                                                                                                \
  Handler translate_k##id##FixedSimdHalf(Op& op) {                                                 \
    decode_fraction_bits(op, 16);                                                                  \
    return pick_scalar_half<UnaryImmediate, __VA_ARGS__>(op.word);                                 \
  }
FP_FIXED(Scvtf, FpFromFixed<false>)
FP_FIXED(Ucvtf, FpFromFixed<true>)
FP_FIXED(Fcvtzs, FpToFixed<Rounding::kZero, false>)
FP_FIXED(Fcvtzu, FpToFixed<Rounding::kZero, true>)
#undef FP_FIXED

} // namespace softhv::interp
