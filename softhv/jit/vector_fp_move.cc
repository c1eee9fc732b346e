// SPDX-License-Identifier: Apache-2.0
// FMOV, FABS and FNEG, which move or change bits whatever they mean: no exceptions, no FPCR, and so
// half precision as well.
#include "softhv/interp/fp_shapes.h"
#include "softhv/jit/vector_fp.h"

namespace softhv::jit::vector_fp {
namespace {

bool move_register(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<Kind::kScalar>(o.word);
  if (l.is_double)
    move_low(as, o.d, o.n);
  else
    finish(as, l, o.d, o.n);
  return true;
}

void take_half(Assembler& as, const Reg64& d, const Xmm& n) {
  as.host.avx ? as.vpextrw(d.cvt32(), n, 0) : as.pextrw(d.cvt32(), n, 0);
}

bool move_half_register(Assembler& as, const VectorOperands& o) {
  take_half(as, reg::kScratch0, o.n);
  move_from_general(as, o.d, reg::kScratch0, false);
  return true;
}

// --- Between V and general registers -------------------------------------------------------------

bool to_general(Assembler& as, const VectorOperands& o) {
  move_to_general(as, o.x, o.n, bit(o.word, 31));
  return true;
}

bool half_to_general(Assembler& as, const VectorOperands& o) {
  take_half(as, o.x, o.n);
  return true;
}

bool top_to_general(Assembler& as, const VectorOperands& o) {
  as.host.avx ? as.vpextrq(o.x, o.n, 1) : as.pextrq(o.x, o.n, 1);
  return true;
}

bool from_general(Assembler& as, const VectorOperands& o) {
  move_from_general(as, o.d, o.x, bit(o.word, 31));
  return true;
}

bool half_from_general(Assembler& as, const VectorOperands& o) {
  as.movzx(reg::kScratch0.cvt32(), o.x.cvt16());
  move_from_general(as, o.d, reg::kScratch0, false);
  return true;
}

bool top_from_general(Assembler& as, const VectorOperands& o) {
  as.host.avx ? as.vpinsrq(o.d, o.d, o.x, 1) : as.pinsrq(o.d, o.x, 1);
  return true;
}

// --- Immediates ----------------------------------------------------------------------------------

void load(Assembler& as, const Xmm& d, u64 low, u64 high) {
  const Xbyak::Address value = as.constant(low, high);
  as.host.avx ? as.vmovaps(d, value) : as.movaps(d, value);
}

constexpr u64 repeat(u64 value, unsigned width) {
  for (; width < 64; width *= 2)
    value |= value << width;
  return value;
}

enum class Fill : u8 { kScalar, kVector };

template <typename F, Fill kFill>
bool immediate(Assembler& as, const VectorOperands& o) {
  const u64 value = interp::expand_fp_immediate<F>(o.imm);
  const u64 low = kFill == Fill::kVector ? repeat(value, F::kWidth) : value;
  load(as, o.d, low, kFill == Fill::kVector && bit(o.word, 30) ? low : 0);
  return true;
}

bool scalar_immediate(Assembler& as, const VectorOperands& o) {
  return bit(o.word, 22) ? immediate<fp::Double, Fill::kScalar>(as, o)
                         : immediate<fp::Single, Fill::kScalar>(as, o);
}

// --- FABS and FNEG -------------------------------------------------------------------------------

enum class Sign : u8 { kClear, kInvert };

// `sign` has the lanes' sign bits in 64 bits; low and high say which bits belong to lanes.
template <Sign kSign>
bool change_signs(Assembler& as, const VectorOperands& o, u64 sign, u64 low, u64 high) {
  if (kSign == Sign::kClear) {
    bit_and(as, o.d, o.n, as.constant(low & ~sign, high & ~sign));
    return true;
  }
  Xmm lanes = o.n;
  if (high == 0) {
    bit_and(as, kT0, o.n, as.constant(low, 0));
    lanes = kT0;
  }
  bit_xor(as, o.d, lanes, as.constant(low & sign, high & sign));
  return true;
}

constexpr u64 kHalfSigns = 0x8000'8000'8000'8000;

template <Sign kSign>
bool change_scalar(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<Kind::kScalar>(o.word);
  return change_signs<kSign>(as, o, l.sign(), l.is_double ? ~u64{0} : 0xffff'ffff, 0);
}
template <Sign kSign>
bool change_scalar_half(Assembler& as, const VectorOperands& o) {
  return change_signs<kSign>(as, o, kHalfSigns, 0xffff, 0);
}
template <Sign kSign>
bool change_vector(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<Kind::kVector>(o.word);
  return change_signs<kSign>(as, o, l.sign(), ~u64{0}, bit(o.word, 30) ? ~u64{0} : 0);
}
template <Sign kSign>
bool change_vector_half(Assembler& as, const VectorOperands& o) {
  return change_signs<kSign>(as, o, kHalfSigns, ~u64{0}, bit(o.word, 30) ? ~u64{0} : 0);
}

using enum isa::InstId;

constexpr VectorRow kRows[] = {
    {kFmovReg, move_register},
    {kFmovRegHalf, move_half_register},
    {kFmovImm, scalar_immediate},
    {kFmovImmHalf, immediate<fp::Half, Fill::kScalar>},
    {kFmovVectorSingle, immediate<fp::Single, Fill::kVector>},
    {kFmovVectorDouble, immediate<fp::Double, Fill::kVector>},
    {kFmovVectorHalf, immediate<fp::Half, Fill::kVector>},
    {kFmovToGeneral, to_general},
    {kFmovToGeneralHalf, half_to_general},
    {kFmovToGeneralTop, top_to_general},
    {kFmovFromGeneral, from_general},
    {kFmovFromGeneralHalf, half_from_general},
    {kFmovFromGeneralTop, top_from_general, kReadsD},
    {kFabsScalar, change_scalar<Sign::kClear>},
    {kFabsScalarHalf, change_scalar_half<Sign::kClear>},
    {kFabsVector, change_vector<Sign::kClear>},
    {kFabsVectorHalf, change_vector_half<Sign::kClear>},
    {kFnegScalar, change_scalar<Sign::kInvert>},
    {kFnegScalarHalf, change_scalar_half<Sign::kInvert>},
    {kFnegVector, change_vector<Sign::kInvert>},
    {kFnegVectorHalf, change_vector_half<Sign::kInvert>},
};

} // namespace

std::span<const VectorRow> move_rows() {
  return kRows;
}

} // namespace softhv::jit::vector_fp
