// SPDX-License-Identifier: Apache-2.0
// AdvSIMD shift by immediate, vector and scalar, and modified immediate.
#include "softhv/interp/simd_functions.h"
#include "softhv/interp/simd_lanes.h"

namespace softhv::interp {
namespace {

using namespace simd; // NOLINT(google-build-using-namespace)

// The highest set bit of immh is the lane size; immh:immb is 2 * width - shift for right shifts
// and width + shift for left ones (Arm ARM C7.2, SSHR and SHL). For narrowing and lengthening
// instructions the size is that of the narrow lane, which these shifts are relative to as well.
struct ShiftField {
  unsigned size;
  unsigned value; // immh:immb
};
ShiftField shift_field(const Op& op) {
  const auto value = static_cast<unsigned>(bits(op.word, 22, 16));
  return {static_cast<unsigned>(std::bit_width(value >> 3)) - 1, value};
}
unsigned decode_right(Op& op) {
  const ShiftField field = shift_field(op);
  op.imm = (16U << field.size) - field.value;
  return field.size;
}
unsigned decode_left(Op& op) {
  const ShiftField field = shift_field(op);
  op.imm = field.value - (8U << field.size);
  return field.size;
}

// AdvSIMDExpandImm (Arm ARM, shared pseudocode) of abcdefgh = imm8 for 32- and 16-bit lanes.
u64 replicate32(u64 lane) {
  return lane << 32 | lane;
}
u64 expand32(const Op& op) {
  return replicate32(op.imm << (8 * bits(op.word, 14, 13)));
}
u64 expand16(const Op& op) {
  const u64 lane = op.imm << (8 * bits(op.word, 13, 13));
  return replicate32(lane << 16 | lane);
}
u64 expand_ones(const Op& op) {
  return replicate32(bit(op.word, 12) ? op.imm << 16 | 0xffff : op.imm << 8 | 0xff);
}
u64 expand8(const Op& op) {
  return op.imm * 0x0101'0101'0101'0101;
}
u64 expand64(const Op& op) {
  u64 r = 0;
  for (unsigned i = 0; i < 8; ++i)
    r |= (op.imm >> i & 1) * (0xffULL << (8 * i));
  return r;
}

struct Set {
  static u64 apply(u64 /*d*/, u64 imm) { return imm; }
};
struct Or {
  static u64 apply(u64 d, u64 imm) { return d | imm; }
};
struct Clear {
  static u64 apply(u64 d, u64 imm) { return d & ~imm; }
};

template <typename F, bool kFull>
const Op* immediate(Cpu& cpu, const Op* op) {
  Vec& d = cpu.s.v[op->rd];
  d.d[0] = F::apply(d.d[0], op->imm);
  d.d[1] = kFull ? F::apply(d.d[1], op->imm) : 0;
  return next(cpu, op);
}

template <typename F>
Handler immediate_form(Op& op, u64 value) {
  op.imm = value;
  return q_of(op) ? immediate<F, true> : immediate<F, false>;
}

} // namespace

#define RIGHT(id, shape, function, sign, sizes)                                                    \
  Handler translate_##id(Op& op) {                                                                 \
    return vector_form<shape, decltype(fn::function), sign, sizes>(decode_right(op), q_of(op));    \
  }
#define RIGHT_SCALAR(id, shape, function, sign, sizes)                                             \
  Handler translate_##id(Op& op) {                                                                 \
    return scalar_form<shape, decltype(fn::function), sign, sizes>(decode_right(op));              \
  }
#define LEFT(id, shape, function, sign, sizes)                                                     \
  Handler translate_##id(Op& op) {                                                                 \
    return vector_form<shape, decltype(fn::function), sign, sizes>(decode_left(op), q_of(op));     \
  }
#define LEFT_SCALAR(id, function, sign, sizes)                                                     \
  Handler translate_##id(Op& op) {                                                                 \
    return scalar_form<Shift, decltype(fn::function), sign, sizes>(decode_left(op));               \
  }
#define IMMEDIATE(id, function, value)                                                             \
  Handler translate_##id(Op& op) {                                                                 \
    return immediate_form<function>(op, value);                                                    \
  }

RIGHT(kSshrVector, Shift, right, Signed, kBhsd)
RIGHT(kUshrVector, Shift, right, Unsigned, kBhsd)
RIGHT(kSsraVector, Shift, right_add, Signed, kBhsd)
RIGHT(kUsraVector, Shift, right_add, Unsigned, kBhsd)
RIGHT(kSrshrVector, Shift, rounding_right, Signed, kBhsd)
RIGHT(kUrshrVector, Shift, rounding_right, Unsigned, kBhsd)
RIGHT(kSrsraVector, Shift, rounding_right_add, Signed, kBhsd)
RIGHT(kUrsraVector, Shift, rounding_right_add, Unsigned, kBhsd)
RIGHT(kSriVector, Shift, right_insert, Unsigned, kBhsd)
LEFT(kShlVector, Shift, left, Unsigned, kBhsd)
LEFT(kSliVector, Shift, left_insert, Unsigned, kBhsd)
LEFT(kSqshluVector, Shift, saturating_left_unsigned, Signed, kBhsd)
LEFT(kSqshlImmediateVector, Shift, saturating_left, Signed, kBhsd)
LEFT(kUqshlImmediateVector, Shift, saturating_left, Unsigned, kBhsd)
RIGHT(kShrnVector, ShiftNarrow, narrow, Unsigned, kBhs)
RIGHT(kRshrnVector, ShiftNarrow, rounding_narrow, Unsigned, kBhs)
RIGHT(kSqshrnVector, ShiftNarrow, saturating_narrow, Signed, kBhs)
RIGHT(kUqshrnVector, ShiftNarrow, saturating_narrow, Unsigned, kBhs)
RIGHT(kSqrshrnVector, ShiftNarrow, saturating_rounding_narrow, Signed, kBhs)
RIGHT(kUqrshrnVector, ShiftNarrow, saturating_rounding_narrow, Unsigned, kBhs)
RIGHT(kSqshrunVector, ShiftNarrow, saturating_narrow_unsigned, Signed, kBhs)
RIGHT(kSqrshrunVector, ShiftNarrow, saturating_rounding_narrow_unsigned, Signed, kBhs)
LEFT(kSshllVector, ShiftLong, left_long, Signed, kBhs)
LEFT(kUshllVector, ShiftLong, left_long, Unsigned, kBhs)

RIGHT_SCALAR(kSshrScalar, Shift, right, Signed, kD)
RIGHT_SCALAR(kUshrScalar, Shift, right, Unsigned, kD)
RIGHT_SCALAR(kSsraScalar, Shift, right_add, Signed, kD)
RIGHT_SCALAR(kUsraScalar, Shift, right_add, Unsigned, kD)
RIGHT_SCALAR(kSrshrScalar, Shift, rounding_right, Signed, kD)
RIGHT_SCALAR(kUrshrScalar, Shift, rounding_right, Unsigned, kD)
RIGHT_SCALAR(kSrsraScalar, Shift, rounding_right_add, Signed, kD)
RIGHT_SCALAR(kUrsraScalar, Shift, rounding_right_add, Unsigned, kD)
RIGHT_SCALAR(kSriScalar, Shift, right_insert, Unsigned, kD)
LEFT_SCALAR(kShlScalar, left, Unsigned, kD)
LEFT_SCALAR(kSliScalar, left_insert, Unsigned, kD)
LEFT_SCALAR(kSqshluScalar, saturating_left_unsigned, Signed, kBhsd)
LEFT_SCALAR(kSqshlImmediateScalar, saturating_left, Signed, kBhsd)
LEFT_SCALAR(kUqshlImmediateScalar, saturating_left, Unsigned, kBhsd)
RIGHT_SCALAR(kSqshrnScalar, ShiftNarrow, saturating_narrow, Signed, kBhs)
RIGHT_SCALAR(kUqshrnScalar, ShiftNarrow, saturating_narrow, Unsigned, kBhs)
RIGHT_SCALAR(kSqrshrnScalar, ShiftNarrow, saturating_rounding_narrow, Signed, kBhs)
RIGHT_SCALAR(kUqrshrnScalar, ShiftNarrow, saturating_rounding_narrow, Unsigned, kBhs)
RIGHT_SCALAR(kSqshrunScalar, ShiftNarrow, saturating_narrow_unsigned, Signed, kBhs)
RIGHT_SCALAR(kSqrshrunScalar, ShiftNarrow, saturating_rounding_narrow_unsigned, Signed, kBhs)

IMMEDIATE(kMovi32, Set, expand32(op))
IMMEDIATE(kMovi16, Set, expand16(op))
IMMEDIATE(kMoviOnes, Set, expand_ones(op))
IMMEDIATE(kMovi8, Set, expand8(op))
IMMEDIATE(kMovi64, Set, expand64(op))
IMMEDIATE(kMvni32, Set, ~expand32(op))
IMMEDIATE(kMvni16, Set, ~expand16(op))
IMMEDIATE(kMvniOnes, Set, ~expand_ones(op))
IMMEDIATE(kOrrImmediate32, Or, expand32(op))
IMMEDIATE(kOrrImmediate16, Or, expand16(op))
IMMEDIATE(kBicImmediate32, Clear, expand32(op))
IMMEDIATE(kBicImmediate16, Clear, expand16(op))

#undef RIGHT
#undef RIGHT_SCALAR
#undef LEFT
#undef LEFT_SCALAR
#undef IMMEDIATE

} // namespace softhv::interp
