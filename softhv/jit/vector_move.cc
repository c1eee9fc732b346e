// SPDX-License-Identifier: Apache-2.0
// AdvSIMD bitwise operations, modified immediates, and copies of lanes.
#include <bit>

#include "softhv/jit/vector_ops.h"

namespace softhv::jit {
namespace {

using isa::InstId;

// --- Bitwise operations --------------------------------------------------------------------------

void clear_half(Assembler& as, const VectorOperands& o) {
  if (!q_of(o.word))
    move_low(as, o.d, o.d);
}

template <const Binary& kOp>
bool bitwise(Assembler& as, const VectorOperands& o) {
  apply(as, kOp, o.d, o.n, o.m);
  clear_half(as, o);
  return true;
}

bool orr(Assembler& as, const VectorOperands& o) {
  if (o.n.getIdx() != o.m.getIdx())
    return bitwise<kPor>(as, o);
  if (q_of(o.word))
    move(as, o.d, o.n);
  else
    move_low(as, o.d, o.n);
  return true;
}

bool bic(Assembler& as, const VectorOperands& o) {
  apply(as, kPandn, o.d, o.m, o.n);
  clear_half(as, o);
  return true;
}

bool orn(Assembler& as, const VectorOperands& o) {
  ones(as, kT0);
  apply(as, kPxor, kT0, kT0, o.m);
  apply(as, kPor, o.d, o.n, kT0);
  clear_half(as, o);
  return true;
}

bool invert_bits(Assembler& as, const VectorOperands& o) {
  const Xmm& mask = o.d.getIdx() == o.n.getIdx() ? kT0 : o.d;
  ones(as, mask);
  apply(as, kPxor, o.d, mask, o.n);
  clear_half(as, o);
  return true;
}

// d = ((x ^ y) & mask) ^ y selects by xor: x where the mask is set.
bool bsl(Assembler& as, const VectorOperands& o) {
  apply(as, kPxor, kT0, o.n, o.m);
  apply(as, kPand, kT0, kT0, o.d);
  apply(as, kPxor, o.d, kT0, o.m);
  clear_half(as, o);
  return true;
}

template <const Binary& kMask> // kPand inserts where m is set, kPandn where it is clear
bool insert_bits(Assembler& as, const VectorOperands& o) {
  apply(as, kPxor, kT0, o.d, o.n);
  apply(as, kMask, kT0, o.m, kT0);
  apply(as, kPxor, o.d, o.d, kT0);
  clear_half(as, o);
  return true;
}

// --- Modified immediates -------------------------------------------------------------------------

// AdvSIMDExpandImm (Arm ARM, shared pseudocode), by the row.
using Expand = u64 (*)(const VectorOperands&);

u64 expand32(const VectorOperands& o) {
  return replicate(2, o.imm << (8 * bits(o.word, 14, 13)));
}
u64 expand16(const VectorOperands& o) {
  return replicate(1, o.imm << (8 * bits(o.word, 13, 13)));
}
u64 expand_ones(const VectorOperands& o) {
  return replicate(2, bit(o.word, 12) ? o.imm << 16 | 0xffff : o.imm << 8 | 0xff);
}
u64 expand8(const VectorOperands& o) {
  return replicate(0, o.imm);
}
u64 expand64(const VectorOperands& o) {
  u64 value = 0;
  for (unsigned i = 0; i < 8; ++i)
    value |= (o.imm >> i & 1) * (0xffULL << (8 * i));
  return value;
}

template <Expand kExpand, bool kInvert>
bool set_immediate(Assembler& as, const VectorOperands& o) {
  const u64 value = kInvert ? ~kExpand(o) : kExpand(o);
  if (value == 0)
    zero(as, o.d);
  else if (value == ~0ULL && q_of(o.word))
    ones(as, o.d);
  else
    move(as, o.d, as.constant(value, q_of(o.word) ? value : 0));
  return true;
}

template <Expand kExpand>
bool or_immediate(Assembler& as, const VectorOperands& o) {
  apply(as, kPor, o.d, o.d, as.constant(kExpand(o)));
  clear_half(as, o);
  return true;
}

template <Expand kExpand>
bool clear_immediate(Assembler& as, const VectorOperands& o) {
  const u64 kept = ~kExpand(o);
  apply(as, kPand, o.d, o.d, as.constant(kept, q_of(o.word) ? kept : 0));
  return true;
}

// --- Copies of lanes -----------------------------------------------------------------------------

// imm5: the lowest set bit is the lane size, the bits above it are the index.
struct Lane {
  unsigned size;
  unsigned index;
};
Lane lane_of(u64 imm5) {
  const auto size = static_cast<unsigned>(std::countr_zero(imm5 | 8));
  return {size, static_cast<unsigned>(imm5 >> (size + 1))};
}

bool dup_element(Assembler& as, const VectorOperands& o) {
  const Lane lane = lane_of(o.imm);
  if (q_of(o.word))
    broadcast(as, lane.size, o.d, o.n, lane.index);
  else
    apply(as, kPshufb, o.d, o.n, as.constant(lane_bytes(lane.size, lane.index), kNoBytes));
  return true;
}

bool dup_scalar(Assembler& as, const VectorOperands& o) {
  const auto [size, index] = lane_of(o.imm);
  if (size == 3 && index == 0)
    move_low(as, o.d, o.n);
  else if (size == 3)
    apply(as, kPsrldq, o.d, o.n, 8);
  else
    apply(as, kPshufb, o.d, o.n,
          as.constant((lane_bytes(size, index) & lane_mask(size)) | (kNoBytes & ~lane_mask(size)),
                      kNoBytes));
  return true;
}

void move_from_general(Assembler& as, const Xmm& d, const Xbyak::Reg64& x) {
  if (as.host.avx)
    as.vmovq(d, x);
  else
    as.movq(d, x);
}

bool dup_general(Assembler& as, const VectorOperands& o) {
  const Lane lane = lane_of(o.imm);
  move_from_general(as, o.d, o.x);
  if (q_of(o.word))
    broadcast(as, lane.size, o.d, o.d, 0);
  else
    apply(as, kPshufb, o.d, o.d, as.constant(lane_bytes(lane.size, 0), kNoBytes));
  return true;
}

bool ins_general(Assembler& as, const VectorOperands& o) {
  const auto [size, i] = lane_of(o.imm);
  const auto index = static_cast<u8>(i);
  const Xbyak::Reg32 w = o.x.cvt32();
  if (as.host.avx) {
    switch (size) {
    case 0: as.vpinsrb(o.d, o.d, w, index); break;
    case 1: as.vpinsrw(o.d, o.d, w, index); break;
    case 2: as.vpinsrd(o.d, o.d, w, index); break;
    default: as.vpinsrq(o.d, o.d, o.x, index); break;
    }
  } else {
    switch (size) {
    case 0: as.pinsrb(o.d, w, index); break;
    case 1: as.pinsrw(o.d, w, index); break;
    case 2: as.pinsrd(o.d, w, index); break;
    default: as.pinsrq(o.d, o.x, index); break;
    }
  }
  return true;
}

// 64-bit lanes by blends and unpacking; the others by moving the lane to its place in a register
// that is zero elsewhere.
bool ins_element(Assembler& as, const VectorOperands& o) { // the immediate is imm5:imm4
  const auto [size, to] = lane_of(o.imm >> 4);
  const auto from = static_cast<unsigned>((o.imm & 15) >> size);
  if (to == from && size > 0) {
    const auto words = static_cast<u8>(((1U << (1U << (size - 1))) - 1) << (to << (size - 1)));
    apply(as, kPblendw, o.d, o.d, o.n, words);
  } else if (size == 3 && to == 1) {
    apply(as, kUnpackLow[3], o.d, o.d, o.n);
  } else if (size == 3) {
    apply(as, kShufpd, o.d, o.n, o.d, 0b11);
  } else if (size == 2) {
    apply(as, kInsertps, o.d, o.d, o.n, static_cast<u8>(from << 6 | to << 4));
  } else {
    const u64 mask = lane_mask(size);
    const unsigned lanes_in_half = 8U >> size;
    const unsigned shift = (to % lanes_in_half) * (8U << size);
    const bool upper = to >= lanes_in_half;
    const u64 kept = ~(mask << shift);
    const u64 moved = (kNoBytes & kept) | ((lane_bytes(size, from) & mask) << shift);
    apply(as, kPshufb, kT0, o.n,
          upper ? as.constant(kNoBytes, moved) : as.constant(moved, kNoBytes));
    apply(as, kPand, o.d, o.d, upper ? as.constant(~0ULL, kept) : as.constant(kept, ~0ULL));
    apply(as, kPor, o.d, o.d, kT0);
  }
  return true;
}

// The lane, extended with zeros.
void extract(Assembler& as, const Xbyak::Reg64& x, const Xmm& n, Lane lane) {
  const auto index = static_cast<u8>(lane.index);
  const Xbyak::Reg32 w = x.cvt32();
  if (as.host.avx) {
    switch (lane.size) {
    case 0: as.vpextrb(w, n, index); break;
    case 1: as.vpextrw(w, n, index); break;
    case 2: index == 0 ? as.vmovd(w, n) : as.vpextrd(w, n, index); break;
    default: index == 0 ? as.vmovq(x, n) : as.vpextrq(x, n, index); break;
    }
  } else {
    switch (lane.size) {
    case 0: as.pextrb(w, n, index); break;
    case 1: as.pextrw(w, n, index); break;
    case 2: index == 0 ? as.movd(w, n) : as.pextrd(w, n, index); break;
    default: index == 0 ? as.movq(x, n) : as.pextrq(x, n, index); break;
    }
  }
}

bool umov(Assembler& as, const VectorOperands& o) {
  extract(as, o.x, o.n, lane_of(o.imm));
  return true;
}

bool smov(Assembler& as, const VectorOperands& o) {
  const Lane lane = lane_of(o.imm);
  extract(as, o.x, o.n, lane);
  const Xbyak::Reg32 w = o.x.cvt32();
  if (lane.size == 2)
    as.movsxd(o.x, w);
  else if (lane.size == 1)
    q_of(o.word) ? as.movsx(o.x, o.x.cvt16()) : as.movsx(w, o.x.cvt16());
  else
    q_of(o.word) ? as.movsx(o.x, o.x.cvt8()) : as.movsx(w, o.x.cvt8());
  return true;
}

constexpr VectorRow kRows[] = {
    {InstId::kAndVector, bitwise<kPand>},
    {InstId::kOrrVector, orr},
    {InstId::kEorVector, bitwise<kPxor>},
    {InstId::kBicVector, bic},
    {InstId::kOrnVector, orn},
    {InstId::kNotVector, invert_bits},
    {InstId::kBslVector, bsl, kReadsD},
    {InstId::kBitVector, insert_bits<kPand>, kReadsD},
    {InstId::kBifVector, insert_bits<kPandn>, kReadsD},
    {InstId::kMovi32, set_immediate<expand32, false>},
    {InstId::kMovi16, set_immediate<expand16, false>},
    {InstId::kMoviOnes, set_immediate<expand_ones, false>},
    {InstId::kMovi8, set_immediate<expand8, false>},
    {InstId::kMovi64, set_immediate<expand64, false>},
    {InstId::kMvni32, set_immediate<expand32, true>},
    {InstId::kMvni16, set_immediate<expand16, true>},
    {InstId::kMvniOnes, set_immediate<expand_ones, true>},
    {InstId::kOrrImmediate32, or_immediate<expand32>, kReadsD},
    {InstId::kOrrImmediate16, or_immediate<expand16>, kReadsD},
    {InstId::kBicImmediate32, clear_immediate<expand32>, kReadsD},
    {InstId::kBicImmediate16, clear_immediate<expand16>, kReadsD},
    {InstId::kDupElement, dup_element},
    {InstId::kDupElementScalar, dup_scalar},
    {InstId::kDupGeneral, dup_general},
    {InstId::kInsGeneral, ins_general, kReadsD},
    {InstId::kInsElement, ins_element, kReadsD},
    {InstId::kUmov, umov},
    {InstId::kSmov, smov},
};

} // namespace

std::span<const VectorRow> vector_move_rows() {
  return kRows;
}

} // namespace softhv::jit
