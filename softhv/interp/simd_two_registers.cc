// SPDX-License-Identifier: Apache-2.0
// AdvSIMD two-register miscellaneous, reductions across lanes and scalar pairwise.
#include "softhv/interp/simd_functions.h"
#include "softhv/interp/simd_lanes.h"

namespace softhv::interp {
namespace {

using namespace simd; // NOLINT(google-build-using-namespace)

// Reverses the lanes within every container of kBytes.
template <unsigned kBytes>
struct Reverse {
  template <typename, typename T, Form kForm>
  struct Shape {
    static const Op* run(Cpu& cpu, const Op* op) {
      const Lanes<T> n = lanes<T>(cpu.s.v[op->rn]);
      Lanes<T> r{};
      for (unsigned i = 0; i < kCount<T, kForm>; ++i)
        r[i] = n[i ^ (kBytes / sizeof(T) - 1)];
      return finish<T>(cpu, op, r, 0U);
    }
  };
};

// Rd[0] = f(...f(Rn[0], Rn[1])..., Rn[last])
template <typename F, typename T, Form kForm>
struct Across {
  static const Op* run(Cpu& cpu, const Op* op) {
    const Lanes<T> n = lanes<T>(cpu.s.v[op->rn]);
    T result = n[0];
    Qc<T> qc = 0;
    for (unsigned i = 1; i < kCount<T, kForm>; ++i)
      result = static_cast<T>(F{}(T{}, result, n[i], qc));
    Lanes<T> r{};
    r[0] = result;
    return finish<T>(cpu, op, r, qc);
  }
};

// The same on lanes extended to twice their width.
template <typename F, typename T, Form kForm>
struct AcrossLong {
  static const Op* run(Cpu& cpu, const Op* op) {
    using W = Double<T>;
    const Lanes<T> n = lanes<T>(cpu.s.v[op->rn]);
    W result = n[0];
    Qc<W> qc = 0;
    for (unsigned i = 1; i < kCount<T, kForm>; ++i)
      result = static_cast<W>(F{}(W{}, result, static_cast<W>(n[i]), qc));
    Lanes<W> r{};
    r[0] = result;
    return finish<W>(cpu, op, r, qc);
  }
};

const Op* add_pair_scalar(Cpu& cpu, const Op* op) {
  const Vec n = cpu.s.v[op->rn];
  cpu.s.v[op->rd] = {{n.d[0] + n.d[1], 0}};
  return next(cpu, op);
}

} // namespace

#define VECTOR(id, shape, function, sign, sizes)                                                   \
  Handler translate_##id(Op& op) {                                                                 \
    return vector_form<shape, decltype(fn::function), sign, sizes>(size_of(op), q_of(op));         \
  }
#define SCALAR(id, shape, function, sign, sizes)                                                   \
  Handler translate_##id(Op& op) {                                                                 \
    return scalar_form<shape, decltype(fn::function), sign, sizes>(size_of(op));                   \
  }
#define BYTES(id, function)                                                                        \
  Handler translate_##id(Op& op) {                                                                 \
    return vector_form<TwoSame, decltype(fn::function), Unsigned, kB>(0, q_of(op));                \
  }
#define REVERSE(id, bytes, sizes)                                                                  \
  Handler translate_##id(Op& op) {                                                                 \
    return vector_form<Reverse<bytes>::Shape, void, Unsigned, sizes>(size_of(op), q_of(op));       \
  }

REVERSE(kRev64Vector, 8, kBhs)
REVERSE(kRev32Vector, 4, kBh)
REVERSE(kRev16Vector, 2, kB)
VECTOR(kSaddlpVector, LongPairs, add_pair, Signed, kBhs)
VECTOR(kUaddlpVector, LongPairs, add_pair, Unsigned, kBhs)
VECTOR(kSadalpVector, LongPairs, accumulate_pair, Signed, kBhs)
VECTOR(kUadalpVector, LongPairs, accumulate_pair, Unsigned, kBhs)
VECTOR(kSuqaddVector, TwoSame, saturating_add_unsigned, Signed, kBhsd)
VECTOR(kUsqaddVector, TwoSame, saturating_add_signed, Unsigned, kBhsd)
VECTOR(kClsVector, TwoSame, leading_sign_bits, Signed, kBhs)
VECTOR(kClzVector, TwoSame, leading_zeros, Unsigned, kBhs)
BYTES(kCntVector, population)
BYTES(kNotVector, bit_not)
BYTES(kRbitVector, reverse_bits)
VECTOR(kSqabsVector, TwoSame, saturating_abs, Signed, kBhsd)
VECTOR(kSqnegVector, TwoSame, saturating_neg, Signed, kBhsd)
VECTOR(kCmgtZeroVector, TwoSame, greater_zero, Signed, kBhsd)
VECTOR(kCmgeZeroVector, TwoSame, greater_equal_zero, Signed, kBhsd)
VECTOR(kCmeqZeroVector, TwoSame, equal_zero, Signed, kBhsd)
VECTOR(kCmleZeroVector, TwoSame, less_equal_zero, Signed, kBhsd)
VECTOR(kCmltZeroVector, TwoSame, less_zero, Signed, kBhsd)
VECTOR(kAbsVector, TwoSame, absolute, Signed, kBhsd)
VECTOR(kNegVector, TwoSame, negate, Signed, kBhsd)
VECTOR(kXtnVector, ShiftNarrow, narrow, Unsigned, kBhs)
VECTOR(kSqxtunVector, ShiftNarrow, saturating_narrow_unsigned, Signed, kBhs)
VECTOR(kSqxtnVector, ShiftNarrow, saturating_narrow, Signed, kBhs)
VECTOR(kUqxtnVector, ShiftNarrow, saturating_narrow, Unsigned, kBhs)

Handler translate_kShllVector(Op& op) {
  op.imm = 8ULL << size_of(op);
  return vector_form<ShiftLong, decltype(fn::left_long), Unsigned, kBhs>(size_of(op), q_of(op));
}

SCALAR(kSuqaddScalar, TwoSame, saturating_add_unsigned, Signed, kBhsd)
SCALAR(kUsqaddScalar, TwoSame, saturating_add_signed, Unsigned, kBhsd)
SCALAR(kSqabsScalar, TwoSame, saturating_abs, Signed, kBhsd)
SCALAR(kSqnegScalar, TwoSame, saturating_neg, Signed, kBhsd)
SCALAR(kCmgtZeroScalar, TwoSame, greater_zero, Signed, kD)
SCALAR(kCmgeZeroScalar, TwoSame, greater_equal_zero, Signed, kD)
SCALAR(kCmeqZeroScalar, TwoSame, equal_zero, Signed, kD)
SCALAR(kCmleZeroScalar, TwoSame, less_equal_zero, Signed, kD)
SCALAR(kCmltZeroScalar, TwoSame, less_zero, Signed, kD)
SCALAR(kAbsScalar, TwoSame, absolute, Signed, kD)
SCALAR(kNegScalar, TwoSame, negate, Signed, kD)
SCALAR(kSqxtunScalar, ShiftNarrow, saturating_narrow_unsigned, Signed, kBhs)
SCALAR(kSqxtnScalar, ShiftNarrow, saturating_narrow, Signed, kBhs)
SCALAR(kUqxtnScalar, ShiftNarrow, saturating_narrow, Unsigned, kBhs)

Handler translate_kAddpScalar(Op& /*op*/) {
  return add_pair_scalar;
}

VECTOR(kSaddlv, AcrossLong, add, Signed, kBhs)
VECTOR(kUaddlv, AcrossLong, add, Unsigned, kBhs)
VECTOR(kSmaxv, Across, max, Signed, kBhs)
VECTOR(kUmaxv, Across, max, Unsigned, kBhs)
VECTOR(kSminv, Across, min, Signed, kBhs)
VECTOR(kUminv, Across, min, Unsigned, kBhs)
VECTOR(kAddv, Across, add, Unsigned, kBhs)

#undef VECTOR
#undef SCALAR
#undef BYTES
#undef REVERSE

} // namespace softhv::interp
