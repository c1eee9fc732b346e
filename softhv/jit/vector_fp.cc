// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/vector_fp.h"

namespace softhv::jit::vector_fp {

void compare(Assembler& as, Lanes l, const Xmm& d, const Xmm& a, const Operand& b, Compare how) {
  const u8 predicate = static_cast<u8>(how);
  if (as.host.avx) {
    HOST_FORMS(vcmp, d, a, b, predicate)
  } else {
    move(as, d, a);
    HOST_FORMS(cmp, d, b, predicate)
  }
}

#define THREE_OPERANDS(name, instruction, OperandB)                                                \
  void name(Assembler& as, const Xmm& d, const Xmm& a, const OperandB& b) {                        \
    if (as.host.avx) {                                                                             \
      as.v##instruction(d, a, b);                                                                  \
    } else {                                                                                       \
      move(as, d, a);                                                                              \
      as.instruction(d, b);                                                                        \
    }                                                                                              \
  }
THREE_OPERANDS(bit_and, andps, Operand)
THREE_OPERANDS(bit_or, orps, Operand)
THREE_OPERANDS(bit_xor, xorps, Operand)
THREE_OPERANDS(low_halves, unpcklpd, Xmm)
THREE_OPERANDS(high_halves, unpckhpd, Xmm)
#undef THREE_OPERANDS

void double_low(Assembler& as, const Xmm& d, const Xmm& a) {
  if (as.host.avx)
    as.vmovddup(d, a);
  else
    as.movddup(d, a);
}

void round(Assembler& as, Lanes l, const Xmm& d, const Xmm& a, Mode mode, bool quiet) {
  const u8 how = static_cast<u8>(static_cast<u8>(mode) | (quiet ? 8 : 0));
  if (!as.host.avx) {
    HOST_FORMS(round, d, a, how)
  } else if (!l.packed()) {
    if (l.is_double)
      as.vroundsd(d, a, a, how);
    else
      as.vroundss(d, a, a, how);
  } else if (l.is_double) {
    as.vroundpd(d, a, how);
  } else {
    as.vroundps(d, a, how);
  }
}

// The fraction that truncating takes off is exact, and so is twice that, whose whole part is one
// where the fraction is a half or more.
void round_away(Assembler& as, Lanes l, const Xmm& d, const Xmm& a) {
  round(as, l, d, a, Mode::kZero, true);
  sub(as, l, kT1, a, d);
  add(as, l, kT1, kT1, kT1);
  round(as, l, kT1, kT1, Mode::kZero, true);
  add(as, l, d, d, kT1);
}

void move_to_general(Assembler& as, const Reg64& d, const Xmm& a, bool is_wide) {
  if (as.host.avx)
    is_wide ? as.vmovq(d, a) : as.vmovd(d.cvt32(), a);
  else
    is_wide ? as.movq(d, a) : as.movd(d.cvt32(), a);
}

void move_from_general(Assembler& as, const Xmm& d, const Reg64& a, bool is_wide) {
  if (as.host.avx)
    is_wide ? as.vmovq(d, a) : as.vmovd(d, a.cvt32());
  else
    is_wide ? as.movq(d, a) : as.movd(d, a.cvt32());
}

Xmm operand(Assembler& as, Lanes l, const Xmm& x, const Xmm& copy, Upper upper) {
  if (l.count != Lanes::kLow)
    return x;
  if (upper == Upper::kZeros)
    bit_and(as, copy, x, as.constant(~u64{0}, 0));
  else
    double_low(as, copy, x);
  return copy;
}

void leave_if_any(Assembler& as, const Xmm& mask) {
  const Xbyak::Reg32 lanes = reg::kScratch0.cvt32();
  if (as.host.avx)
    as.vmovmskps(lanes, mask);
  else
    as.movmskps(lanes, mask);
  as.test(lanes, lanes);
  as.to_interpreter(Cc::kNe);
}

namespace {

void compare_quietly(Assembler& as, Lanes l, const Xmm& a, const Operand& b) {
  if (as.host.avx)
    l.is_double ? as.vucomisd(a, b) : as.vucomiss(a, b);
  else
    l.is_double ? as.ucomisd(a, b) : as.ucomiss(a, b);
}

// One comparison finds both: as UCOMISD's "equal", which is also what it says of NaNs.
void leave_if_nan_or_tiny(Assembler& as, Lanes l, const Xmm& result) {
  const Xbyak::Address magnitude = as.constant(~l.sign());
  const Xbyak::Address least = as.constant(l.fill(0x0080'0000, u64{1} << 52));
  bit_and(as, kT1, result, magnitude);
  if (!l.packed()) {
    compare_quietly(as, l, kT1, least);
    as.to_interpreter(Cc::kE);
    return;
  }
  if (as.host.avx) {
    constexpr u8 kEqualOrUnordered = 8;
    l.is_double ? as.vcmppd(kT1, kT1, least, kEqualOrUnordered)
                : as.vcmpps(kT1, kT1, least, kEqualOrUnordered);
  } else {
    compare(as, l, kT2, kT1, kT1, Compare::kUnordered);
    compare(as, l, kT1, kT1, least, Compare::kEq);
    bit_or(as, kT1, kT1, kT2);
  }
  leave_if_any(as, kT1);
}

} // namespace

void leave_if_unordered(Assembler& as, Lanes l, const Xmm& a, const Xmm& b) {
  if (!l.packed()) {
    compare_quietly(as, l, a, b);
    as.to_interpreter(Cc::kP);
    return;
  }
  compare(as, l, kT2, a, b, Compare::kUnordered);
  leave_if_any(as, kT2);
}

// Compared as signed integers of 32 bits, of which no lower half of a double is above the largest.
void leave_unless_below(Assembler& as, Lanes l, const Xmm& x, Bound bound, const Xmm& temp) {
  const u64 magnitude = ~l.sign();
  const u64 one = l.is_double ? magnitude : magnitude & 0xffff'ffff;
  bit_and(as, temp, x, l.packed() ? as.constant(magnitude) : as.constant(one, 0));
  const u64 largest = l.fill(bound.single - 1, u64{bound.double_top - 1} << 32 | 0x7fff'ffff);
  apply(as, kGreater[2], temp, temp, as.constant(largest));
  leave_if_any(as, temp);
}

void check(Assembler& as, Lanes l, const Xmm& result, Check what) {
  if (what == Check::kNan)
    leave_if_unordered(as, l, result, result);
  else
    leave_if_nan_or_tiny(as, l, result);
}

void leave_if_tiny_half(Assembler& as) {
  const Xbyak::Reg32 lanes = reg::kScratch0.cvt32();
  bit_and(as, kT1, kT0, as.constant(0x7fff'7fff'7fff'7fff));
  as.vpcmpeqw(kT1, kT1, as.constant(0x0400'0400'0400'0400));
  as.vpmovmskb(lanes, kT1);
  as.test(lanes, lanes);
  as.to_interpreter(Cc::kNe);
}

// The host gives the second of two equal ones, so that both ways differ for zeros of different
// signs only: where a maximum is plus zero, a minimum minus zero. The FMAXNM kind differs from FMAX
// in NaNs alone.
void extremum(Assembler& as, Lanes l, const Pair& p, Extremum which) {
  const HostBinary operation = which == Extremum::kMax ? max : min;
  operation(as, l, kT2, p.a, p.b);
  operation(as, l, kT1, p.b, p.a);
  if (which == Extremum::kMax)
    bit_and(as, kT0, kT1, kT2);
  else
    bit_or(as, kT0, kT1, kT2);
}

// Scalars are cut out by ANDPS and not by a move of lanes, which costs more where those are integer
// instructions and the result goes on being computed with.
void finish(Assembler& as, Lanes l, const Xmm& d, const Xmm& x) {
  if (l.count == Lanes::kAll)
    move(as, d, x);
  else
    bit_and(as, d, x, as.constant(l.packed() || l.is_double ? ~u64{0} : 0xffff'ffff, 0));
}

Xmm target(const Assembler& as, Lanes l, const Xmm& d, const Xmm& read) {
  const bool direct = l.count == Lanes::kAll && (as.host.avx || d.getIdx() != read.getIdx());
  return direct ? d : kT0;
}

} // namespace softhv::jit::vector_fp

namespace softhv::jit {

std::span<const VectorRow> vector_fp_rows() {
  static const std::vector<VectorRow> rows = [] {
    std::vector<VectorRow> all;
    for (const auto family :
         {vector_fp::arith_rows(), vector_fp::compare_rows(), vector_fp::convert_rows(),
          vector_fp::estimate_rows(), vector_fp::flags_rows(), vector_fp::format_rows(),
          vector_fp::half_rows(), vector_fp::move_rows()})
      all.insert(all.end(), family.begin(), family.end());
    return all;
  }();
  return rows;
}

} // namespace softhv::jit
