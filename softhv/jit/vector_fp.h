// SPDX-License-Identifier: Apache-2.0
// What the floating-point emitters share: which lanes an instruction means, host instructions with
// three operands whatever the host, checks of results, and the writing of destinations.
//
// Most emitters work alike: the host computes into a scratch register, a check of the result goes
// to the interpreter where the two architectures may differ, and then the destination is written.
// They differ in
//   - NaN: which operand's payload survives, and the sign of the default NaN;
//   - underflow: Arm decides before rounding whether a result is tiny, x86 after, which matters to
//     those results only that are the smallest normal number (Arm ARM A1.5.5; Intel SDM vol. 1,
//     4.9.1.5). Sums, roots and quotients are never rounded up to it from so near;
//   - conversion to integers that do not fit.
// Exceptions are the instruction's own as long as no other lanes take part: so scalars use scalar
// instructions, and 64-bit vectors do without the upper halves of their operands.
#pragma once

#include <span>

#include "softhv/jit/vector_ops.h"

namespace softhv::jit::vector_fp {

using Xbyak::Reg64;

inline constexpr u8 kHighTwice = 0xee; // an order of shuffle32()

enum class Kind : u8 { kScalar, kVector };

// The lanes of an instruction: one single or double, two singles in 64 bits, or all of 128 bits.
struct Lanes {
  enum Count : u8 { kOne, kLow, kAll };
  bool is_double;
  Count count;

  [[nodiscard]] bool packed() const { return count != kOne; }
  // A value for every lane: of singles twice.
  [[nodiscard]] u64 fill(u32 single, u64 whole) const {
    return is_double ? whole : u64{single} << 32 | single;
  }
  [[nodiscard]] u64 sign() const { return fill(0x8000'0000, u64{1} << 63); }
};

// Of an instruction whose format is in bit 22, and whose vectors have Q in bit 30.
template <Kind kKind>
constexpr Lanes lanes_of(u32 word) {
  const bool all = kKind == Kind::kVector && bit(word, 30);
  return {bit(word, 22), kKind == Kind::kScalar ? Lanes::kOne : all ? Lanes::kAll : Lanes::kLow};
}

// --- Host instructions ---------------------------------------------------------------------------
// d = a op b. Without AVX d must not be b, unless it is a as well.

using HostBinary = void (*)(Assembler&, Lanes, const Xmm& d, const Xmm& a, const Operand& b);

#define HOST_FORMS(name, d, ...)                                                                   \
  if (l.packed()) {                                                                                \
    if (l.is_double)                                                                               \
      as.name##pd(d, __VA_ARGS__);                                                                 \
    else                                                                                           \
      as.name##ps(d, __VA_ARGS__);                                                                 \
  } else {                                                                                         \
    if (l.is_double)                                                                               \
      as.name##sd(d, __VA_ARGS__);                                                                 \
    else                                                                                           \
      as.name##ss(d, __VA_ARGS__);                                                                 \
  }
#define HOST_BINARY(name)                                                                          \
  inline void name(Assembler& as, Lanes l, const Xmm& d, const Xmm& a, const Operand& b) {         \
    if (as.host.avx) {                                                                             \
      HOST_FORMS(v##name, d, a, b)                                                                 \
    } else {                                                                                       \
      move(as, d, a);                                                                              \
      HOST_FORMS(name, d, b)                                                                       \
    }                                                                                              \
  }
HOST_BINARY(add)
HOST_BINARY(sub)
HOST_BINARY(mul)
HOST_BINARY(div)
HOST_BINARY(max)
HOST_BINARY(min)
#undef HOST_BINARY

// Predicates of CMPPS and its kin; kLt and kLe raise Invalid for any NaN, the others do not.
enum class Compare : u8 { kEq, kLt, kLe, kUnordered };
void compare(Assembler& as, Lanes l, const Xmm& d, const Xmm& a, const Operand& b, Compare how);

// Of bits, in the floating-point domain.
void bit_and(Assembler& as, const Xmm& d, const Xmm& a, const Operand& b);
void bit_or(Assembler& as, const Xmm& d, const Xmm& a, const Operand& b);
void bit_xor(Assembler& as, const Xmm& d, const Xmm& a, const Operand& b);

// The 64-bit halves: d = {a.low, b.low} and {a.high, b.high}.
void low_halves(Assembler& as, const Xmm& d, const Xmm& a, const Xmm& b);
void high_halves(Assembler& as, const Xmm& d, const Xmm& a, const Xmm& b);
// d = {a.low, a.low}
void double_low(Assembler& as, const Xmm& d, const Xmm& a);

// As ROUNDPS: the mode, and whether Inexact is kept from being raised.
enum class Mode : u8 { kNearest, kDown, kUp, kZero };
void round(Assembler& as, Lanes l, const Xmm& d, const Xmm& a, Mode mode, bool quiet);

// To the nearest, ties away from zero, of finite numbers; raises Invalid for infinities. Uses kT1.
// `d` is not kT1 nor `a`. Minus zero becomes plus zero.
void round_away(Assembler& as, Lanes l, const Xmm& d, const Xmm& a);

void move_to_general(Assembler& as, const Reg64& d, const Xmm& a, bool is_wide);
void move_from_general(Assembler& as, const Xmm& d, const Reg64& a, bool is_wide);

// --- Parts of emitters ---------------------------------------------------------------------------

// What takes the place of the upper half in the computation of a 64-bit vector, to raise nothing.
enum class Upper : u8 { kZeros, kLowAgain };
// The register with an operand's lanes: itself, or `copy` with another upper half.
Xmm operand(Assembler& as, Lanes l, const Xmm& x, const Xmm& copy, Upper upper = Upper::kZeros);

// To the interpreter when any lane of a mask is set. Uses kScratch0.
void leave_if_any(Assembler& as, const Xmm& mask);

enum class Check : u8 { kNan, kNanOrTiny };
// To the interpreter when a result may not be Arm's. Uses kT1, kT2 and kScratch0.
void check(Assembler& as, Lanes l, const Xmm& result, Check what);

// To the interpreter when a or b has a NaN. Uses kT2 and kScratch0.
void leave_if_unordered(Assembler& as, Lanes l, const Xmm& a, const Xmm& b);

// To the interpreter when a half in kT0 is the smallest normal number. Uses kT1 and kScratch0; only
// where the host has AVX.
void leave_if_tiny_half(Assembler& as);
inline constexpr u8 kToNearest = 0; // a rounding of VCVTPS2PH

struct Pair {
  Xmm a, b;
};
enum class Extremum : u8 { kMax, kMin };
// kT0 = the greater or lesser of numbers. Changes kT1 and kT2; b may be kT1.
void extremum(Assembler& as, Lanes l, const Pair& p, Extremum which);

// A bound on magnitudes, by the bits of a single and the upper 32 bits of a double.
struct Bound {
  u32 single;
  u32 double_top;
};
// To the interpreter unless every |x| is below the bound, raising nothing. Uses temp and kScratch0.
void leave_unless_below(Assembler& as, Lanes l, const Xmm& x, Bound bound, const Xmm& temp);

// d = the lanes of x, and zeros above.
void finish(Assembler& as, Lanes l, const Xmm& d, const Xmm& x);

// Where a result that needs no check goes: to d itself when finish() would not have to change it,
// unless it is also `read`, an operand of the last host instruction other than its first.
Xmm target(const Assembler& as, Lanes l, const Xmm& d, const Xmm& read);

// --- The rows, by family -------------------------------------------------------------------------

std::span<const VectorRow> arith_rows();
std::span<const VectorRow> compare_rows();
std::span<const VectorRow> convert_rows();
std::span<const VectorRow> estimate_rows();
std::span<const VectorRow> flags_rows();
std::span<const VectorRow> format_rows();
std::span<const VectorRow> half_rows();
std::span<const VectorRow> move_rows();

} // namespace softhv::jit::vector_fp
