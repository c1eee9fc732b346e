// SPDX-License-Identifier: Apache-2.0
// What the AdvSIMD handlers share: registers seen as lanes, the shapes of instructions (which lanes
// of which registers meet) and the choice of an instance by lane size. The function of one lane,
// simd_functions.h, is the other half of an instruction.
//
// Operands are copied out and results built in a local, because the destination may be a source
// too; the loops then vectorise.
#pragma once

#include <array>
#include <bit>
#include <type_traits>

#include "arch/bits.h"
#include "softhv/core/cpu.h"
#include "softhv/interp/handlers.h"
#include "softhv/interp/op.h"

namespace softhv::interp::simd {

// FPSR.QC, cumulative saturation (Arm ARM C5.2.9).
inline constexpr u32 kFpsrQc = 1U << 27;

// The lane type of twice, and of half, the width and the same sign.
template <typename T>
struct DoubleOf;
template <typename T>
struct HalfOf;
#define SOFTHV_DOUBLE(narrow, wide)                                                                \
  template <>                                                                                      \
  struct DoubleOf<narrow> {                                                                        \
    using Type = wide;                                                                             \
  };                                                                                               \
  template <>                                                                                      \
  struct HalfOf<wide> {                                                                            \
    using Type = narrow;                                                                           \
  };
SOFTHV_DOUBLE(i8, i16)
SOFTHV_DOUBLE(i16, i32)
SOFTHV_DOUBLE(i32, i64)
SOFTHV_DOUBLE(u8, u16)
SOFTHV_DOUBLE(u16, u32)
SOFTHV_DOUBLE(u32, u64)
#undef SOFTHV_DOUBLE
template <typename T>
using Double = typename DoubleOf<T>::Type;
template <typename T>
using Half = typename HalfOf<T>::Type;

// How much of a register an instruction works on. For instructions that change the lane width
// k128 is the "2" form: the narrow operand is the upper half.
enum class Form : u8 { kScalar, k64, k128 };

template <typename T>
using Lanes = std::array<T, 16 / sizeof(T)>;

template <typename T>
inline Lanes<T> lanes(const Vec& v) {
  return std::bit_cast<Lanes<T>>(v);
}

// The lanes of the operand in an instruction whose lanes do not interact: k64 runs over the whole
// register with the upper half cleared, since compilers vectorise that best. No function of
// simd_functions.h saturates on zeros.
template <typename T, Form kForm>
inline Lanes<T> operand(const Vec& v) {
  return lanes<T>(kForm == Form::k64 ? Vec{{v.d[0], 0}} : v);
}
template <typename T, Form kForm>
inline constexpr unsigned kWork = kForm == Form::kScalar ? 1 : 16 / sizeof(T);

template <typename T, Form kForm>
inline constexpr unsigned kCount = kForm == Form::kScalar ? 1
                                   : kForm == Form::k64   ? 8 / sizeof(T)
                                                          : 16 / sizeof(T);
// The number of narrow lanes, and the first one, in an instruction that changes the lane width.
template <typename T, Form kForm>
inline constexpr unsigned kNarrowCount = kForm == Form::kScalar ? 1 : 8 / sizeof(T);
template <typename T, Form kForm>
inline constexpr unsigned kNarrowFirst = kForm == Form::k128 ? 8 / sizeof(T) : 0;

// Collects "some lane saturated"; as wide as the lanes, for the vectoriser.
template <typename T>
using Qc = std::make_unsigned_t<T>;

template <typename T, Form kForm = Form::k128, typename Q>
inline const Op* finish(Cpu& cpu, const Op* op, const Lanes<T>& result, Q qc) {
  cpu.s.v[op->rd] = std::bit_cast<Vec>(operand<T, kForm>(std::bit_cast<Vec>(result)));
  if (qc != 0)
    cpu.s.fpsr |= kFpsrQc;
  return next(cpu, op);
}

// Rd[i] = f(Rd[i], Rn[i], Rm[i])
template <typename F, typename T, Form kForm>
struct ThreeSame {
  static const Op* run(Cpu& cpu, const Op* op) {
    const Lanes<T> d = operand<T, kForm>(cpu.s.v[op->rd]);
    const Lanes<T> n = operand<T, kForm>(cpu.s.v[op->rn]);
    const Lanes<T> m = operand<T, kForm>(cpu.s.v[op->rm]);
    Lanes<T> r{};
    Qc<T> qc = 0;
    for (unsigned i = 0; i < kWork<T, kForm>; ++i)
      r[i] = static_cast<T>(F{}(d[i], n[i], m[i], qc));
    return finish<T, kForm>(cpu, op, r, qc);
  }
};

// Rd[i] = f(Rd[i], Rn[i], Rm[index]); op->imm is the index
template <typename F, typename T, Form kForm>
struct ByElement {
  static const Op* run(Cpu& cpu, const Op* op) {
    const Lanes<T> d = operand<T, kForm>(cpu.s.v[op->rd]);
    const Lanes<T> n = operand<T, kForm>(cpu.s.v[op->rn]);
    const T m = cpu.s.v[op->rm].lane<T>(static_cast<unsigned>(op->imm));
    Lanes<T> r{};
    Qc<T> qc = 0;
    for (unsigned i = 0; i < kWork<T, kForm>; ++i)
      r[i] = static_cast<T>(F{}(d[i], n[i], m, qc));
    return finish<T, kForm>(cpu, op, r, qc);
  }
};

// Rd[i] = f(pair i of Rm:Rn)
template <typename F, typename T, Form kForm>
struct Pairwise {
  static const Op* run(Cpu& cpu, const Op* op) {
    constexpr unsigned kHalf = kCount<T, kForm> / 2;
    const Lanes<T> n = lanes<T>(cpu.s.v[op->rn]);
    const Lanes<T> m = lanes<T>(cpu.s.v[op->rm]);
    Lanes<T> r{};
    Qc<T> qc = 0;
    for (unsigned i = 0; i < kHalf; ++i) {
      r[i] = static_cast<T>(F{}(T{}, n[2 * i], n[2 * i + 1], qc));
      r[kHalf + i] = static_cast<T>(F{}(T{}, m[2 * i], m[2 * i + 1], qc));
    }
    return finish<T>(cpu, op, r, qc);
  }
};

// Wide Rd[i] = f(Rd[i], Rn[i], Rm[i]) with Rn and Rm extended from T
template <typename F, typename T, Form kForm>
struct Long {
  static const Op* run(Cpu& cpu, const Op* op) {
    using W = Double<T>;
    constexpr unsigned kFirst = kNarrowFirst<T, kForm>;
    const Lanes<W> d = lanes<W>(cpu.s.v[op->rd]);
    const Lanes<T> n = lanes<T>(cpu.s.v[op->rn]);
    const Lanes<T> m = lanes<T>(cpu.s.v[op->rm]);
    Lanes<W> r{};
    Qc<W> qc = 0;
    for (unsigned i = 0; i < kNarrowCount<T, kForm>; ++i)
      r[i] = static_cast<W>(
          F{}(d[i], static_cast<W>(n[kFirst + i]), static_cast<W>(m[kFirst + i]), qc));
    return finish<W>(cpu, op, r, qc);
  }
};

// The same by element
template <typename F, typename T, Form kForm>
struct LongByElement {
  static const Op* run(Cpu& cpu, const Op* op) {
    using W = Double<T>;
    constexpr unsigned kFirst = kNarrowFirst<T, kForm>;
    const Lanes<W> d = lanes<W>(cpu.s.v[op->rd]);
    const Lanes<T> n = lanes<T>(cpu.s.v[op->rn]);
    const auto m = static_cast<W>(cpu.s.v[op->rm].lane<T>(static_cast<unsigned>(op->imm)));
    Lanes<W> r{};
    Qc<W> qc = 0;
    for (unsigned i = 0; i < kNarrowCount<T, kForm>; ++i)
      r[i] = static_cast<W>(F{}(d[i], static_cast<W>(n[kFirst + i]), m, qc));
    return finish<W>(cpu, op, r, qc);
  }
};

// Wide Rd[i] = f(Rd[i], wide Rn[i], Rm[i]) with Rm extended from T
template <typename F, typename T, Form kForm>
struct Wide {
  static const Op* run(Cpu& cpu, const Op* op) {
    using W = Double<T>;
    constexpr unsigned kFirst = kNarrowFirst<T, kForm>;
    const Lanes<W> n = lanes<W>(cpu.s.v[op->rn]);
    const Lanes<T> m = lanes<T>(cpu.s.v[op->rm]);
    Lanes<W> r{};
    Qc<W> qc = 0;
    for (unsigned i = 0; i < kNarrowCount<T, kForm>; ++i)
      r[i] = static_cast<W>(F{}(W{}, n[i], static_cast<W>(m[kFirst + i]), qc));
    return finish<W>(cpu, op, r, qc);
  }
};

// The result of a narrowing instruction before it is filled: its "2" form keeps the lower half.
template <typename T, Form kForm>
inline Lanes<T> narrow_destination(const Cpu& cpu, const Op* op) {
  Vec v;
  if constexpr (kForm == Form::k128)
    v.d[0] = cpu.s.v[op->rd].d[0];
  return lanes<T>(v);
}

// Narrow Rd[i] = f(wide Rn[i], wide Rm[i])
template <typename F, typename T, Form kForm>
struct NarrowThree {
  static const Op* run(Cpu& cpu, const Op* op) {
    using W = Double<T>;
    const Lanes<W> n = lanes<W>(cpu.s.v[op->rn]);
    const Lanes<W> m = lanes<W>(cpu.s.v[op->rm]);
    Lanes<T> r = narrow_destination<T, kForm>(cpu, op);
    for (unsigned i = 0; i < kNarrowCount<T, kForm>; ++i)
      r[kNarrowFirst<T, kForm> + i] = static_cast<T>(F{}(n[i], m[i]));
    return finish<T>(cpu, op, r, 0U);
  }
};

// Rd[i] = f(Rd[i], Rn[i])
template <typename F, typename T, Form kForm>
struct TwoSame {
  static const Op* run(Cpu& cpu, const Op* op) {
    const Lanes<T> d = operand<T, kForm>(cpu.s.v[op->rd]);
    const Lanes<T> n = operand<T, kForm>(cpu.s.v[op->rn]);
    Lanes<T> r{};
    Qc<T> qc = 0;
    for (unsigned i = 0; i < kWork<T, kForm>; ++i)
      r[i] = static_cast<T>(F{}(d[i], n[i], qc));
    return finish<T, kForm>(cpu, op, r, qc);
  }
};

// Wide Rd[i] = f(Rd[i], Rn[2i], Rn[2i + 1]) with Rn extended from T
template <typename F, typename T, Form kForm>
struct LongPairs {
  static const Op* run(Cpu& cpu, const Op* op) {
    using W = Double<T>;
    const Lanes<W> d = lanes<W>(cpu.s.v[op->rd]);
    const Lanes<T> n = lanes<T>(cpu.s.v[op->rn]);
    Lanes<W> r{};
    for (unsigned i = 0; i < kCount<W, kForm>; ++i)
      r[i] = static_cast<W>(F{}(d[i], static_cast<W>(n[2 * i]), static_cast<W>(n[2 * i + 1])));
    return finish<W>(cpu, op, r, 0U);
  }
};

// Rd[i] = f(Rd[i], Rn[i], shift); op->imm is the shift
template <typename F, typename T, Form kForm>
struct Shift {
  static const Op* run(Cpu& cpu, const Op* op) {
    const auto shift = static_cast<unsigned>(op->imm);
    const Lanes<T> d = operand<T, kForm>(cpu.s.v[op->rd]);
    const Lanes<T> n = operand<T, kForm>(cpu.s.v[op->rn]);
    Lanes<T> r{};
    Qc<T> qc = 0;
    for (unsigned i = 0; i < kWork<T, kForm>; ++i)
      r[i] = static_cast<T>(F{}(d[i], n[i], shift, qc));
    return finish<T, kForm>(cpu, op, r, qc);
  }
};

// Narrow Rd[i] = f(wide Rn[i], shift)
template <typename F, typename T, Form kForm>
struct ShiftNarrow {
  static const Op* run(Cpu& cpu, const Op* op) {
    using W = Double<T>;
    const auto shift = static_cast<unsigned>(op->imm);
    const Lanes<W> n = lanes<W>(cpu.s.v[op->rn]);
    Lanes<T> r = narrow_destination<T, kForm>(cpu, op);
    Qc<W> qc = 0;
    for (unsigned i = 0; i < kNarrowCount<T, kForm>; ++i)
      r[kNarrowFirst<T, kForm> + i] = static_cast<T>(F{}(n[i], shift, qc));
    return finish<T>(cpu, op, r, qc);
  }
};

// Wide Rd[i] = Rn[i] << shift
template <typename F, typename T, Form kForm>
struct ShiftLong {
  static const Op* run(Cpu& cpu, const Op* op) {
    using W = Double<T>;
    const auto shift = static_cast<unsigned>(op->imm);
    const Lanes<T> n = lanes<T>(cpu.s.v[op->rn]);
    Lanes<W> r{};
    for (unsigned i = 0; i < kNarrowCount<T, kForm>; ++i)
      r[i] = static_cast<W>(F{}(static_cast<W>(n[kNarrowFirst<T, kForm> + i]), shift));
    return finish<W>(cpu, op, r, 0U);
  }
};

// Encodings that the table's predicates refuse; the selections below are total without them.
inline const Op* unallocated(Cpu& cpu, const Op* op) {
  return raise_undefined(cpu, op);
}

// Lane types by size: 0 is a byte, 3 a doubleword.
template <unsigned kSize>
struct LaneOf {
  using Signed = std::conditional_t<
      kSize == 0, i8,
      std::conditional_t<kSize == 1, i16, std::conditional_t<kSize == 2, i32, i64>>>;
  using Unsigned = std::make_unsigned_t<Signed>;
};
struct Signed {
  template <unsigned kSize>
  using Lane = typename LaneOf<kSize>::Signed;
};
struct Unsigned {
  template <unsigned kSize>
  using Lane = typename LaneOf<kSize>::Unsigned;
};

// Which sizes an instruction has: bit n for size n.
inline constexpr unsigned kB = 1;
inline constexpr unsigned kH = 2;
inline constexpr unsigned kS = 4;
inline constexpr unsigned kD = 8;
inline constexpr unsigned kBh = kB | kH;
inline constexpr unsigned kHs = kH | kS;
inline constexpr unsigned kBhs = kB | kH | kS;
inline constexpr unsigned kBhsd = kBhs | kD;

template <template <typename, typename, Form> class Shape, typename F, typename Sign,
          unsigned kSizes, unsigned kSize = 0>
Handler vector_form(unsigned size, bool q) {
  if constexpr (kSize == 4) {
    return unallocated;
  } else {
    if constexpr ((kSizes >> kSize & 1) != 0) {
      using T = typename Sign::template Lane<kSize>;
      if (size == kSize)
        return q ? Shape<F, T, Form::k128>::run : Shape<F, T, Form::k64>::run;
    }
    return vector_form<Shape, F, Sign, kSizes, kSize + 1>(size, q);
  }
}

template <template <typename, typename, Form> class Shape, typename F, typename Sign,
          unsigned kSizes, unsigned kSize = 0>
Handler scalar_form(unsigned size) {
  if constexpr (kSize == 4) {
    return unallocated;
  } else {
    if constexpr ((kSizes >> kSize & 1) != 0) {
      if (size == kSize)
        return Shape<F, typename Sign::template Lane<kSize>, Form::kScalar>::run;
    }
    return scalar_form<Shape, F, Sign, kSizes, kSize + 1>(size);
  }
}

inline bool q_of(const Op& op) {
  return bit(op.word, 30);
}
inline unsigned size_of(const Op& op) {
  return static_cast<unsigned>(bits(op.word, 23, 22));
}

} // namespace softhv::interp::simd
