// SPDX-License-Identifier: Apache-2.0
// AdvSIMD permutes: EXT, ZIP, UZP, TRN, REV, TBL and TBX; and bits of a lane: CNT, RBIT, CLZ, CLS.
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {
namespace {

using isa::InstId;

// --- Two registers -------------------------------------------------------------------------------

bool same_operands(const VectorOperands& o) {
  return o.n.getIdx() == o.m.getIdx();
}

bool ext(Assembler& as, const VectorOperands& o) {
  const auto first = static_cast<u8>(o.imm);
  if (!q_of(o.word)) {
    apply(as, kUnpackLow[3], kT0, o.n, o.m);
    if (first != 0)
      apply(as, kPsrldq, kT0, kT0, first);
    move_low(as, o.d, kT0);
  } else if (same_operands(o) && first % 4 == 0) {
    unsigned order = 0;
    for (unsigned i = 0; i < 4; ++i)
      order |= ((first / 4 + i) & 3) << (2 * i);
    shuffle32(as, o.d, o.n, static_cast<u8>(order));
  } else {
    apply(as, kPalignr, o.d, o.m, o.n, first);
  }
  return true;
}

bool zip1(Assembler& as, const VectorOperands& o) {
  apply(as, kUnpackLow[size_of(o.word)], o.d, o.n, o.m);
  if (!q_of(o.word))
    move_low(as, o.d, o.d);
  return true;
}

bool zip2(Assembler& as, const VectorOperands& o) {
  if (q_of(o.word)) {
    apply(as, kUnpackHigh[size_of(o.word)], o.d, o.n, o.m);
  } else {
    apply(as, kUnpackLow[size_of(o.word)], o.d, o.n, o.m);
    apply(as, kPsrldq, o.d, o.d, 8);
  }
  return true;
}

constexpr Binary kPackUnsigned[] = {SOFTHV_BINARY(packuswb, false), SOFTHV_BINARY(packusdw, false)};

// The even lanes of m:n, or the odd ones.
template <unsigned kPart>
bool uzp(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  if (!q_of(o.word)) {
    apply(as, kUnpackLow[3], kT0, o.n, o.m);
    apply(as, kPshufb, o.d, kT0, as.constant(every_other_lane(size, kPart), kNoBytes));
  } else if (size == 3) {
    apply(as, kPart == 0 ? kUnpackLow[3] : kUnpackHigh[3], o.d, o.n, o.m);
  } else if (size == 2) {
    apply(as, kShufps, o.d, o.n, o.m, kPart == 0 ? 0x88 : 0xdd);
  } else if (same_operands(o)) {
    apply(as, kPshufb, o.d, o.n, as.constant(every_other_lane(size, kPart)));
  } else {
    const u64 even = replicate(size + 1, lane_mask(size));
    const auto isolate = [&](const Xmm& d, const Xmm& n) {
      if (kPart == 0)
        apply(as, kPand, d, n, as.constant(even));
      else
        apply(as, kShiftRight[size + 1], d, n, static_cast<u8>(8U << size));
    };
    isolate(kT0, o.n);
    isolate(kT1, o.m);
    apply(as, kPackUnsigned[size], o.d, kT0, kT1);
  }
  return true;
}

template <unsigned kPart>
bool trn(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  const auto width = static_cast<u8>(8U << size);
  const u64 even = size == 3 ? 0 : replicate(size + 1, lane_mask(size));
  if (size == 3) {
    apply(as, kPart == 0 ? kUnpackLow[3] : kUnpackHigh[3], o.d, o.n, o.m);
  } else if (size == 0 && kPart == 0) {
    apply(as, kShiftLeft[1], kT0, o.m, width);
    apply(as, kPand, kT1, o.n, as.constant(even));
    apply(as, kPor, o.d, kT0, kT1);
  } else if (size == 0) {
    apply(as, kShiftRight[1], kT0, o.n, width);
    apply(as, kPand, kT1, o.m, as.constant(~even));
    apply(as, kPor, o.d, kT0, kT1);
  } else if (kPart == 0) {
    apply(as, kShiftLeft[size + 1], kT0, o.m, width);
    apply(as, kPblendw, o.d, o.n, kT0, size == 1 ? 0xaa : 0xcc);
  } else {
    apply(as, kShiftRight[size + 1], kT0, o.n, width);
    apply(as, kPblendw, o.d, kT0, o.m, size == 1 ? 0xaa : 0xcc);
  }
  if (!q_of(o.word))
    move_low(as, o.d, o.d);
  return true;
}

// --- One register --------------------------------------------------------------------------------

// Reverses the lanes of every container.
template <unsigned kContainerBytes>
bool rev(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  u64 order = 0;
  for (unsigned i = 0; i < 8; ++i)
    order |= static_cast<u64>(i ^ (kContainerBytes - (1U << size))) << (8 * i);
  if (q_of(o.word) && size == 2)
    shuffle32(as, o.d, o.n, 0b10'11'00'01);
  else
    apply(as, kPshufb, o.d, o.n,
          as.constant(order, q_of(o.word) ? order + replicate(0, 8) : kNoBytes));
  return true;
}

// Byte indices into the table's register number `part`. PSHUFB takes those with the top bit set for
// out of range, and this sum gives it to those from 16 on.
void table_indices(Assembler& as, const Xmm& d, const Xmm& indices, unsigned part) {
  constexpr Binary kAddSaturated = SOFTHV_BINARY(paddusb, true);
  if (part != 0)
    apply(as, kSub[0], d, indices, as.constant(replicate(0, 16ULL * part)));
  apply(as, kAddSaturated, d, part == 0 ? indices : d, as.constant(replicate(0, 0x70)));
}

// kT1 = what the table has for m, else 0. False when not all of its registers are at hand.
bool look_up(Assembler& as, const VectorOperands& o) {
  const auto parts = static_cast<unsigned>(o.imm) + 1;
  for (unsigned part = 1; part < parts; ++part)
    if (o.table[part - 1] == VectorOperands::kUnknown)
      return false;
  table_indices(as, kT0, o.m, 0);
  apply(as, kPshufb, kT1, o.n, kT0);
  for (unsigned part = 1; part < parts; ++part) {
    const int host = o.table[part - 1];
    const u64 guest = (bits(o.word, 9, 5) + part) & 31;
    table_indices(as, kT0, o.m, part);
    if (host == VectorOperands::kInMemory)
      move(as, kT2, Assembler::state128(offsetof(CpuState, v) + sizeof(Vec) * guest));
    apply(as, kPshufb, kT2, host == VectorOperands::kInMemory ? kT2 : Xmm(host), kT0);
    apply(as, kPor, kT1, kT1, kT2);
  }
  return true;
}

bool tbl(Assembler& as, const VectorOperands& o) {
  if (!look_up(as, o))
    return false;
  if (q_of(o.word))
    move(as, o.d, kT1);
  else
    move_low(as, o.d, kT1);
  return true;
}

bool tbx(Assembler& as, const VectorOperands& o) {
  if (!look_up(as, o))
    return false;
  move(as, kT0, as.constant(replicate(0, 16 * (o.imm + 1))));
  apply(as, kMaxUnsigned[0], kT0, kT0, o.m);
  apply(as, kEqual[0], kT0, kT0, o.m);
  blend_by_signs(as, o.d, kT1, o.d);
  if (!q_of(o.word))
    move_low(as, o.d, o.d);
  return true;
}

// --- Bits ----------------------------------------------------------------------------------------

// 16 entries of a byte each, looked up by the lower and the upper half of every byte.
struct NibbleTable {
  u64 low, high;
};

// d = combine(of_low[n & 15], of_high[n >> 4])
void by_nibbles(Assembler& as, const Xmm& d, const Xmm& n, NibbleTable of_low, NibbleTable of_high,
                const Binary& combine) {
  const Xbyak::Address nibble = as.constant(replicate(0, 0x0f));
  apply(as, kPand, kT1, n, nibble);
  apply(as, kShiftRight[1], kT2, n, 4);
  apply(as, kPand, kT2, kT2, nibble);
  move(as, kT0, as.constant(of_low.low, of_low.high));
  apply(as, kPshufb, kT0, kT0, kT1);
  move(as, kT1, as.constant(of_high.low, of_high.high));
  apply(as, kPshufb, kT1, kT1, kT2);
  apply(as, combine, d, kT0, kT1);
}

bool cnt(Assembler& as, const VectorOperands& o) {
  constexpr NibbleTable kOnes = {0x0302'0201'0201'0100, 0x0403'0302'0302'0201};
  by_nibbles(as, o.d, o.n, kOnes, kOnes, kAdd[0]);
  clear_rest(as, o.d, extent(o.word, 0));
  return true;
}

bool rbit(Assembler& as, const VectorOperands& o) {
  constexpr NibbleTable kLow = {0xe060'a020'c040'8000, 0xf070'b030'd050'9010};
  constexpr NibbleTable kHigh = {0x0e06'0a02'0c04'0800, 0x0f07'0b03'0d05'0901};
  by_nibbles(as, o.d, o.n, kLow, kHigh, kPor);
  clear_rest(as, o.d, extent(o.word, 0));
  return true;
}

// The count of bytes first, where the upper half has priority over the lower by a smaller result;
// then of lanes twice as wide until they are of the size: that of the upper half and, if it is all
// zeros, that of the lower.
void leading_zeros(Assembler& as, unsigned size, const Xmm& d, const Xmm& n) {
  constexpr NibbleTable kLow = {0x0505'0505'0606'0708, 0x0404'0404'0404'0404};
  constexpr NibbleTable kHigh = {0x0101'0101'0202'0308, 0};
  by_nibbles(as, size == 0 ? d : kT0, n, kLow, kHigh, kMinUnsigned[0]);
  for (unsigned half = 0; half < size; ++half) {
    const auto width = static_cast<u8>(8U << half);
    apply(as, kEqual[half], kT1, kT0, as.constant(replicate(half, width)));
    apply(as, kShiftRight[half + 1], kT1, kT1, width);
    apply(as, kPand, kT1, kT1, kT0);
    apply(as, kShiftRight[half + 1], kT0, kT0, width);
    apply(as, kAdd[half + 1], half + 1 == size ? d : kT0, kT0, kT1);
  }
}

bool clz(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  leading_zeros(as, size, o.d, o.n);
  clear_rest(as, o.d, extent(o.word, size));
  return true;
}

// The zeros that lead once negative lanes are inverted, without the sign bit.
bool cls(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  zero(as, kT0);
  apply(as, kGreater[size], kT0, kT0, o.n);
  apply(as, kPxor, kT0, kT0, o.n);
  leading_zeros(as, size, kT0, kT0);
  ones(as, kT1);
  apply(as, kAdd[size], o.d, kT0, kT1);
  clear_rest(as, o.d, extent(o.word, size));
  return true;
}

constexpr VectorRow kRows[] = {
    {InstId::kExt, ext},
    {InstId::kZip1, zip1},
    {InstId::kZip2, zip2},
    {InstId::kUzp1, uzp<0>},
    {InstId::kUzp2, uzp<1>},
    {InstId::kTrn1, trn<0>},
    {InstId::kTrn2, trn<1>},
    {InstId::kRev64Vector, rev<8>},
    {InstId::kRev32Vector, rev<4>},
    {InstId::kRev16Vector, rev<2>},
    {InstId::kTbl, tbl, kTable},
    {InstId::kTbx, tbx, kReadsD | kTable},
    {InstId::kCntVector, cnt},
    {InstId::kRbitVector, rbit},
    {InstId::kClzVector, clz},
    {InstId::kClsVector, cls},
};

} // namespace

std::span<const VectorRow> vector_permute_rows() {
  return kRows;
}

} // namespace softhv::jit
