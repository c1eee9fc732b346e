// SPDX-License-Identifier: Apache-2.0
// Conversions between floating point and integers or fixed point, in general or V registers.
//
// The host converts signed integers only, and gives the lowest one, raising Invalid, for what does
// not fit. That answer is left to the interpreter, to saturate. Where the host's range is not the
// instruction's, the operand is compared with a bound first, so that nothing is raised wrongly.
#include "softhv/fp/context.h"
#include "softhv/jit/vector_fp.h"

namespace softhv::jit::vector_fp {
namespace {

using fp::Rounding;

// 2^exponent in every lane.
Xbyak::Address power_of_two(Assembler& as, Lanes l, int exponent) {
  return as.constant(
      l.fill(static_cast<u32>(127 + exponent) << 23, static_cast<u64>(1023 + exponent) << 52));
}

// The upper 32 bits of 2^exponent.
u32 top_of_power(bool is_double, int exponent) {
  return is_double ? static_cast<u32>(1023 + exponent) << 20
                   : static_cast<u32>(127 + exponent) << 23;
}

// --- To integers ---------------------------------------------------------------------------------

struct ToInteger {
  Rounding rounding;
  bool is_unsigned;
  bool is_double;
  bool is_wide; // to 64 bits
  int fraction_bits = 0;

  [[nodiscard]] bool needs_bound() const { return is_unsigned || fraction_bits != 0; }
  // The exponent of the bound for a conversion to lanes of `size` bits with sign: nothing below it
  // rounds to what does not fit.
  [[nodiscard]] int bound(int size) const { return size - 1 - fraction_bits; }
};

// To the interpreter when n is the bound or above, or, without a sign, negative. Changes temp.
void leave_if_out_of_bound(Assembler& as, const ToInteger& to, const Xmm& n, const Reg64& temp) {
  // Words without sign are made of 64-bit ones with, but must not reach 2^32 by rounding up.
  const bool whole_word = to.is_unsigned && !to.is_wide && to.rounding == Rounding::kZero;
  u32 bound = top_of_power(to.is_double, to.bound(to.is_wide ? 64 : whole_word ? 33 : 32));
  move_to_general(as, temp, n, to.is_double);
  if (to.is_double)
    as.shr(temp, 32);
  if (!to.is_unsigned) {
    as.add(temp.cvt32(), temp.cvt32());
    bound *= 2;
  }
  as.cmp(temp.cvt32(), bound);
  as.to_interpreter(Cc::kAe);
}

#define HOST_TO_INTEGER(name, d)                                                                   \
  if (as.host.avx)                                                                                 \
    is_double ? as.vcvt##name##sd2si(d, n) : as.vcvt##name##ss2si(d, n);                           \
  else                                                                                             \
    is_double ? as.cvt##name##sd2si(d, n) : as.cvt##name##ss2si(d, n);

void host_to_integer(Assembler& as, bool is_double, bool is_wide, bool truncates, const Reg64& d,
                     const Xmm& n) {
  if (truncates && is_wide) {
    HOST_TO_INTEGER(t, d)
  } else if (truncates) {
    HOST_TO_INTEGER(t, d.cvt32())
  } else if (is_wide) {
    HOST_TO_INTEGER(, d)
  } else {
    HOST_TO_INTEGER(, d.cvt32())
  }
}
#undef HOST_TO_INTEGER

// kT0 = the integral value where the host's conversion does not round so itself. Whether rounding
// has raised Inexact where it should; else raise_inexact() is to follow once the result fits.
enum class Inexact : u8 { kRaised, kToRaise };

Inexact round_first(Assembler& as, Lanes l, const Xmm& n, Rounding rounding, bool may_not_fit) {
  if (rounding == Rounding::kTieAway) {
    round_away(as, l, kT0, n);
    return Inexact::kToRaise;
  }
  round(as, l, kT0, n, rounding == Rounding::kPlusInfinity ? Mode::kUp : Mode::kDown, may_not_fit);
  return may_not_fit ? Inexact::kToRaise : Inexact::kRaised;
}

void raise_inexact(Assembler& as, Lanes l, const Xmm& n) {
  round(as, l, kT1, n, Mode::kZero, false);
}

bool host_rounds(Rounding rounding) {
  return rounding == Rounding::kZero || rounding == Rounding::kTieEven;
}

// d = lane 0 of n as an integer, with zeros above 32 bits. Uses kT0, kT1 and d; n is neither.
void to_integer(Assembler& as, const ToInteger& to, const Reg64& d, const Xmm& n) {
  const Lanes l{.is_double = to.is_double, .count = Lanes::kOne};
  Xmm value = n;
  if (to.needs_bound())
    leave_if_out_of_bound(as, to, n, d);
  if (to.fraction_bits != 0) {
    mul(as, l, kT0, n, power_of_two(as, l, to.fraction_bits));
    value = kT0;
  }
  Inexact inexact = Inexact::kRaised;
  if (!host_rounds(to.rounding)) {
    // All other numbers that do not fit have no fraction.
    const bool may_not_fit = to.is_double && !to.is_wide && !to.is_unsigned;
    inexact = round_first(as, l, n, to.rounding, may_not_fit);
    value = kT0;
  }
  host_to_integer(as, to.is_double, to.is_wide || to.is_unsigned, to.rounding != Rounding::kTieEven,
                  d, value);
  if (!to.needs_bound()) {
    if (to.is_wide)
      as.cmp(d, 1);
    else
      as.cmp(d.cvt32(), 1);
    as.to_interpreter(Cc::kO); // only for the lowest integer
  }
  if (inexact == Inexact::kToRaise)
    raise_inexact(as, l, n);
}

// Singles to 32-bit integers, in V registers.
void singles_to_integers(Assembler& as, const ToInteger& to, Lanes l, const VectorOperands& o) {
  const Xmm n = operand(as, l, o.n, kT2);
  const u32 bound = top_of_power(false, to.bound(32));
  if (to.is_unsigned) {
    const Xbyak::Address bounds = as.constant(l.fill(bound, 0));
    apply(as, kMaxUnsigned[2], kT0, n, bounds);
    apply(as, kEqual[2], kT0, kT0, n);
    leave_if_any(as, kT0);
  } else if (to.fraction_bits != 0) {
    leave_unless_below(as, l, n, {.single = bound, .double_top = 0}, kT0);
  }
  Xmm value = n;
  if (to.fraction_bits != 0) {
    mul(as, l, kT0, n, power_of_two(as, l, to.fraction_bits));
    value = kT0;
  }
  Inexact inexact = Inexact::kRaised;
  if (!host_rounds(to.rounding)) {
    inexact = round_first(as, l, n, to.rounding, false);
    value = kT0;
  }
  if (to.rounding == Rounding::kTieEven)
    as.host.avx ? as.vcvtps2dq(kT0, value) : as.cvtps2dq(kT0, value);
  else
    as.host.avx ? as.vcvttps2dq(kT0, value) : as.cvttps2dq(kT0, value);
  if (!to.needs_bound()) {
    apply(as, kEqual[2], kT1, kT0, as.constant(l.sign()));
    leave_if_any(as, kT1);
  }
  if (inexact == Inexact::kToRaise)
    raise_inexact(as, l, n);
  finish(as, l, o.d, kT0);
}

// immh:immb is twice the element's width less the number of fraction bits.
int vector_fraction_bits(u32 word) {
  return (bit(word, 22) ? 128 : 64) - static_cast<int>(bits(word, 22, 16));
}

enum class Point : u8 { kInteger, kFixed };

template <Rounding kRounding, bool kUnsigned, Point kPoint = Point::kInteger>
bool to_general(Assembler& as, const VectorOperands& o) {
  const ToInteger to{
      .rounding = kRounding,
      .is_unsigned = kUnsigned,
      .is_double = bit(o.word, 22),
      .is_wide = bit(o.word, 31),
      .fraction_bits = kPoint == Point::kFixed ? 64 - static_cast<int>(o.imm) : 0,
  };
  to_integer(as, to, reg::kScratch0, o.n);
  as.mov(o.x, reg::kScratch0);
  return true;
}

template <Kind kKind, Rounding kRounding, bool kUnsigned, Point kPoint = Point::kInteger>
bool to_vector(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<kKind>(o.word);
  const ToInteger to{
      .rounding = kRounding,
      .is_unsigned = kUnsigned,
      .is_double = l.is_double,
      .is_wide = l.is_double,
      .fraction_bits = kPoint == Point::kFixed ? vector_fraction_bits(o.word) : 0,
  };
  if (l.packed() && !l.is_double) {
    singles_to_integers(as, to, l, o);
    return true;
  }
  to_integer(as, to, reg::kScratch0, o.n);
  if (!l.packed()) {
    move_from_general(as, o.d, reg::kScratch0, l.is_double);
    return true;
  }
  shuffle32(as, kT2, o.n, kHighTwice);
  to_integer(as, to, reg::kScratch1, kT2);
  move_from_general(as, kT0, reg::kScratch0, true);
  move_from_general(as, kT1, reg::kScratch1, true);
  low_halves(as, kT0, kT0, kT1);
  move(as, o.d, kT0);
  return true;
}

// --- From integers -------------------------------------------------------------------------------

// d = the integer, with zeros above; d is no operand. Uses kScratch0.
void from_integer(Assembler& as, bool is_double, bool is_wide, bool is_unsigned, const Xmm& d,
                  Reg64 n) {
  if (is_unsigned && is_wide) {
    as.test(n, n);
    as.to_interpreter(Cc::kS);
  } else if (is_unsigned) {
    as.mov(reg::kScratch0.cvt32(), n.cvt32());
    n = reg::kScratch0;
  }
  zero(as, d);
  const Xbyak::Reg source = is_wide || is_unsigned ? Xbyak::Reg(n) : Xbyak::Reg(n.cvt32());
  if (as.host.avx)
    is_double ? as.vcvtsi2sd(d, d, source) : as.vcvtsi2ss(d, d, source);
  else
    is_double ? as.cvtsi2sd(d, source) : as.cvtsi2ss(d, source);
}

// The division by a power of two that makes fixed point of integers is exact.
void scale(Assembler& as, Lanes l, const Xmm& x, int fraction_bits) {
  if (fraction_bits != 0)
    mul(as, l, x, x, power_of_two(as, l, -fraction_bits));
}

template <bool kUnsigned, Point kPoint = Point::kInteger>
bool from_general(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<Kind::kScalar>(o.word);
  from_integer(as, l.is_double, bit(o.word, 31), kUnsigned, o.d, o.x);
  scale(as, l, o.d, kPoint == Point::kFixed ? 64 - static_cast<int>(o.imm) : 0);
  return true;
}

// Two doubles of 64-bit integers, one after the other.
template <bool kUnsigned>
void doubles_from_integers(Assembler& as, const Xmm& n) {
  move_to_general(as, reg::kScratch1, n, true);
  as.host.avx ? as.vpextrq(reg::kScratch2, n, 1) : as.pextrq(reg::kScratch2, n, 1);
  from_integer(as, true, true, kUnsigned, kT0, reg::kScratch1);
  from_integer(as, true, true, kUnsigned, kT1, reg::kScratch2);
  low_halves(as, kT0, kT0, kT1);
}

template <Kind kKind, bool kUnsigned, Point kPoint = Point::kInteger>
bool from_vector(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<kKind>(o.word);
  if (!l.packed()) {
    move_to_general(as, reg::kScratch0, o.n, l.is_double);
    from_integer(as, l.is_double, l.is_double, kUnsigned, kT0, reg::kScratch0);
  } else if (l.is_double) {
    doubles_from_integers<kUnsigned>(as, o.n);
  } else {
    const Xmm n = operand(as, l, o.n, kT0);
    if (kUnsigned)
      leave_if_any(as, n);
    as.host.avx ? as.vcvtdq2ps(kT0, n) : as.cvtdq2ps(kT0, n);
  }
  scale(as, l, kT0, kPoint == Point::kFixed ? vector_fraction_bits(o.word) : 0);
  finish(as, l, o.d, kT0);
  return true;
}

using enum isa::InstId;
constexpr auto kScalar = Kind::kScalar;
constexpr auto kVector = Kind::kVector;
constexpr auto kFixed = Point::kFixed;

#define TO_INTEGER(name, ...)                                                                      \
  {kFcvt##name##Scalar, to_general<__VA_ARGS__>, kUsesFpcr},                                       \
      {kFcvt##name##Simd, to_vector<kScalar, __VA_ARGS__>, kUsesFpcr}, {                           \
    kFcvt##name##Vector, to_vector<kVector, __VA_ARGS__>, kUsesFpcr                                \
  }
#define TO_FIXED(name, ...)                                                                        \
  {kFcvt##name##FixedScalar, to_general<__VA_ARGS__, kFixed>, kUsesFpcr},                          \
      {kFcvt##name##FixedSimd, to_vector<kScalar, __VA_ARGS__, kFixed>, kUsesFpcr}, {              \
    kFcvt##name##FixedVector, to_vector<kVector, __VA_ARGS__, kFixed>, kUsesFpcr                   \
  }
#define FROM_INTEGER(name, is_unsigned)                                                            \
  {k##name##Scalar, from_general<is_unsigned>, kUsesFpcr},                                         \
      {k##name##Simd, from_vector<kScalar, is_unsigned>, kUsesFpcr},                               \
      {k##name##Vector, from_vector<kVector, is_unsigned>, kUsesFpcr},                             \
      {k##name##FixedScalar, from_general<is_unsigned, kFixed>, kUsesFpcr},                        \
      {k##name##FixedSimd, from_vector<kScalar, is_unsigned, kFixed>, kUsesFpcr}, {                \
    k##name##FixedVector, from_vector<kVector, is_unsigned, kFixed>, kUsesFpcr                     \
  }
constexpr VectorRow kRows[] = {
    TO_INTEGER(ns, Rounding::kTieEven, false),
    TO_INTEGER(nu, Rounding::kTieEven, true),
    TO_INTEGER(ps, Rounding::kPlusInfinity, false),
    TO_INTEGER(pu, Rounding::kPlusInfinity, true),
    TO_INTEGER(ms, Rounding::kMinusInfinity, false),
    TO_INTEGER(mu, Rounding::kMinusInfinity, true),
    TO_INTEGER(as, Rounding::kTieAway, false),
    TO_INTEGER(au, Rounding::kTieAway, true),
    TO_INTEGER(zs, Rounding::kZero, false),
    TO_INTEGER(zu, Rounding::kZero, true),
    TO_FIXED(zs, Rounding::kZero, false),
    TO_FIXED(zu, Rounding::kZero, true),
    FROM_INTEGER(Scvtf, false),
    FROM_INTEGER(Ucvtf, true),
};
#undef TO_INTEGER
#undef TO_FIXED
#undef FROM_INTEGER

} // namespace

std::span<const VectorRow> convert_rows() {
  return kRows;
}

} // namespace softhv::jit::vector_fp
