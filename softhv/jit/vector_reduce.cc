// SPDX-License-Identifier: Apache-2.0
// AdvSIMD operations between the lanes of a register: of pairs, and across all lanes.
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {
namespace {

using isa::InstId;

// --- Pairs ---------------------------------------------------------------------------------------

// The even lanes in the lower half of d, the odd ones in the upper.
void split_lanes(Assembler& as, unsigned size, const Xmm& d, const Xmm& n) {
  apply(as, kPshufb, d, n, as.constant(every_other_lane(size, 0), every_other_lane(size, 1)));
}

// The even lanes of m:n in kT0, the odd ones in kT1.
void split_pairs(Assembler& as, unsigned size, const Xmm& n, const Xmm& m) {
  if (size == 3) {
    apply(as, kUnpackLow[3], kT0, n, m);
    apply(as, kUnpackHigh[3], kT1, n, m);
  } else if (size == 2) {
    apply(as, kShufps, kT0, n, m, 0x88);
    apply(as, kShufps, kT1, n, m, 0xdd);
  } else if (n.getIdx() == m.getIdx()) {
    split_lanes(as, size, kT0, n);
    shuffle32(as, kT1, kT0, kSwapHalves);
  } else {
    split_lanes(as, size, kT1, n);
    split_lanes(as, size, kT2, m);
    apply(as, kUnpackLow[3], kT0, kT1, kT2);
    apply(as, kUnpackHigh[3], kT1, kT1, kT2);
  }
}

// The operation commutes, so that it does not matter which lane of a pair is first.
template <const auto& kOps>
bool pairwise(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  if (q_of(o.word)) {
    split_pairs(as, size, o.n, o.m);
    apply(as, kOps[size], o.d, kT0, kT1);
    return true;
  }
  apply(as, kUnpackLow[3], kT0, o.n, o.m);
  if (size == 2)
    shuffle32(as, kT0, kT0, 0b11'01'10'00);
  else
    split_lanes(as, size, kT0, kT0);
  shuffle32(as, kT1, kT0, kSwapHalves);
  apply(as, kOps[size], o.d, kT0, kT1);
  move_low(as, o.d, o.d);
  return true;
}

bool addp(Assembler& as, const VectorOperands& o) {
  constexpr Binary kAddPairs[] = {{}, SOFTHV_BINARY(phaddw, false), SOFTHV_BINARY(phaddd, false)};
  const unsigned size = size_of(o.word);
  if (size == 0 || size == 3)
    return pairwise<kAdd>(as, o);
  if (q_of(o.word)) {
    apply(as, kAddPairs[size], o.d, o.n, o.m);
  } else {
    apply(as, kUnpackLow[3], kT0, o.n, o.m);
    apply(as, kAddPairs[size], kT0, kT0, kT0);
    move_low(as, o.d, kT0);
  }
  return true;
}

bool addp_scalar(Assembler& as, const VectorOperands& o) {
  apply(as, kPsrldq, kT0, o.n, 8);
  apply(as, kAdd[3], o.d, kT0, o.n);
  move_low(as, o.d, o.d);
  return true;
}

constexpr Binary kMultiplyAddBytes = SOFTHV_BINARY(pmaddubsw, false); // unsigned a, signed b
constexpr Binary kMultiplyAddPairs = SOFTHV_BINARY(pmaddwd, true);

// d = sums of pairs of lanes of the size, twice as wide. n may be kT0.
void add_pairs_long(Assembler& as, bool is_signed, unsigned size, const Xmm& d, const Xmm& n) {
  if (size == 0 && is_signed) {
    move(as, kT0, as.constant(replicate(0, 1)));
    apply(as, kMultiplyAddBytes, d, kT0, n);
  } else if (size == 0) {
    apply(as, kMultiplyAddBytes, d, n, as.constant(replicate(0, 1)));
  } else if (size == 1 && is_signed) {
    apply(as, kMultiplyAddPairs, d, n, as.constant(replicate(1, 1)));
  } else if (is_signed) {
    shuffle32(as, kT0, n, 0b10'00);
    apply(as, kExtendSigned[2], kT0, kT0);
    shuffle32(as, kT1, n, 0b11'01);
    apply(as, kExtendSigned[2], kT1, kT1);
    apply(as, kAdd[3], d, kT0, kT1);
  } else {
    apply(as, kPand, kT1, n, as.constant(replicate(size + 1, lane_mask(size))));
    apply(as, kShiftRight[size + 1], kT0, n, static_cast<u8>(8U << size));
    apply(as, kAdd[size + 1], d, kT0, kT1);
  }
}

template <bool kSigned>
bool addlp(Assembler& as, const VectorOperands& o) {
  add_pairs_long(as, kSigned, size_of(o.word), o.d, o.n);
  clear_rest(as, o.d, extent(o.word, 0));
  return true;
}

template <bool kSigned>
bool adalp(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  add_pairs_long(as, kSigned, size, kT1, o.n);
  apply(as, kAdd[size + 1], o.d, o.d, kT1);
  clear_rest(as, o.d, extent(o.word, 0));
  return true;
}

// --- Across all lanes ----------------------------------------------------------------------------

// The result, one lane of the size in kT0 beside others, goes to d alone.
void single_lane(Assembler& as, unsigned size, const Xmm& d) {
  if (size == 3)
    move_low(as, d, kT0);
  else
    apply(as, kPand, d, kT0, as.constant(lane_mask(size), 0));
}

// All of n where it has 128 bits, else its lower half with zeros: what the sums below start from.
const Xmm& padded(Assembler& as, const VectorOperands& o) {
  if (q_of(o.word))
    return o.n;
  move_low(as, kT0, o.n);
  return kT0;
}

// kT0's four 32-bit lanes in its lowest; the upper half may be known to be zero.
void add_words_across(Assembler& as, bool upper_half) {
  if (upper_half) {
    shuffle32(as, kT1, kT0, kSwapHalves);
    apply(as, kAdd[2], kT0, kT0, kT1);
  }
  shuffle32(as, kT1, kT0, 0b10'11'00'01);
  apply(as, kAdd[2], kT0, kT0, kT1);
}

// The sum of bytes, in the lower doubleword of kT0; of bytes + 128 where signed.
void add_bytes_across(Assembler& as, const VectorOperands& o, bool is_signed) {
  constexpr Binary kSumOfDifferences = SOFTHV_BINARY(psadbw, true);
  const bool q = q_of(o.word);
  const Xmm* n = &o.n;
  if (is_signed) {
    apply(as, kPxor, kT0, *n, as.constant(replicate(0, 0x80)));
    n = &kT0;
  }
  zero(as, kT1);
  apply(as, kSumOfDifferences, kT0, *n, kT1);
  if (q) {
    shuffle32(as, kT1, kT0, kSwapHalves);
    apply(as, kAdd[2], kT0, kT0, kT1);
  }
  if (is_signed)
    apply(as, kSub[2], kT0, kT0, as.constant(q ? 16 * 128 : 8 * 128, 0));
}

bool addv(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  if (size == 0) {
    add_bytes_across(as, o, false);
  } else if (size == 1) {
    apply(as, kMultiplyAddPairs, kT0, padded(as, o), as.constant(replicate(1, 1)));
    add_words_across(as, q_of(o.word));
  } else {
    shuffle32(as, kT0, o.n, kSwapHalves);
    apply(as, kAdd[2], kT0, kT0, o.n);
    add_words_across(as, false);
  }
  single_lane(as, size, o.d);
  return true;
}

template <bool kSigned>
bool addlv(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  if (size == 0) {
    add_bytes_across(as, o, kSigned);
  } else if (size == 1) {
    add_pairs_long(as, kSigned, 1, kT0, padded(as, o));
    add_words_across(as, q_of(o.word));
  } else {
    add_pairs_long(as, kSigned, 2, kT0, o.n);
    shuffle32(as, kT1, kT0, kSwapHalves);
    apply(as, kAdd[3], kT0, kT0, kT1);
  }
  single_lane(as, size + 1, o.d);
  return true;
}

// Lanes that are xored with `key` are in the order in which PHMINPOSUW, the minimum of unsigned
// 16-bit lanes, finds the one wanted. Of bytes, pairs come first.
void best_of_lanes(Assembler& as, const VectorOperands& o, unsigned size, u64 key) {
  const u64 keys = replicate(size, key);
  const Xmm* n = &o.n;
  if (!q_of(o.word)) {
    shuffle32(as, kT0, *n, 0x44);
    n = &kT0;
  }
  if (key != 0) {
    apply(as, kPxor, kT0, *n, as.constant(keys));
    n = &kT0;
  }
  if (size == 0) {
    apply(as, kShiftRight[1], kT1, *n, 8);
    apply(as, kMinUnsigned[0], kT0, kT1, *n);
    n = &kT0;
  }
  if (as.host.avx)
    as.vphminposuw(kT0, *n);
  else
    as.phminposuw(kT0, *n);
  if (key != 0)
    apply(as, kPxor, kT0, kT0, as.constant(keys));
}

template <const auto& kOps, u64 kKey> // for half-words; its upper byte for bytes
bool best(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  if (size == 2) {
    shuffle32(as, kT0, o.n, kSwapHalves);
    apply(as, kOps[2], kT0, kT0, o.n);
    shuffle32(as, kT1, kT0, 0b10'11'00'01);
    apply(as, kOps[2], kT0, kT0, kT1);
  } else {
    best_of_lanes(as, o, size, kKey >> (size == 0 ? 8 : 0));
  }
  single_lane(as, size, o.d);
  return true;
}

constexpr VectorRow kRows[] = {
    {InstId::kAddpVector, addp},
    {InstId::kAddpScalar, addp_scalar},
    {InstId::kSmaxpVector, pairwise<kMaxSigned>},
    {InstId::kUmaxpVector, pairwise<kMaxUnsigned>},
    {InstId::kSminpVector, pairwise<kMinSigned>},
    {InstId::kUminpVector, pairwise<kMinUnsigned>},
    {InstId::kSaddlpVector, addlp<true>},
    {InstId::kUaddlpVector, addlp<false>},
    {InstId::kSadalpVector, adalp<true>, kReadsD},
    {InstId::kUadalpVector, adalp<false>, kReadsD},
    {InstId::kAddv, addv},
    {InstId::kSaddlv, addlv<true>},
    {InstId::kUaddlv, addlv<false>},
    {InstId::kUminv, best<kMinUnsigned, 0>},
    {InstId::kUmaxv, best<kMaxUnsigned, 0xffff>},
    {InstId::kSminv, best<kMinSigned, 0x8000>},
    {InstId::kSmaxv, best<kMaxSigned, 0x7fff>},
};

} // namespace

std::span<const VectorRow> vector_reduce_rows() {
  return kRows;
}

} // namespace softhv::jit
