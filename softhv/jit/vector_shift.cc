// SPDX-License-Identifier: Apache-2.0
// AdvSIMD shifts by a constant that neither narrow nor saturate.
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {
namespace {

using isa::InstId;

Extent extent_of(const VectorOperands& o) {
  return extent(o.word, shift_of(o.word).size);
}

template <bool kSigned>
bool right(Assembler& as, const VectorOperands& o) {
  const ShiftField f = shift_of(o.word);
  shift_right(as, kSigned, f.size, o.d, o.n, f.right());
  clear_rest(as, o.d, extent_of(o));
  return true;
}

template <bool kSigned>
bool right_add(Assembler& as, const VectorOperands& o) {
  const ShiftField f = shift_of(o.word);
  shift_right(as, kSigned, f.size, kT0, o.n, f.right());
  apply(as, kAdd[f.size], o.d, o.d, kT0);
  clear_rest(as, o.d, extent_of(o));
  return true;
}

template <bool kSigned>
bool rounding_right(Assembler& as, const VectorOperands& o) {
  const ShiftField f = shift_of(o.word);
  shift_right_rounded(as, kSigned, f.size, o.d, o.n, f.right());
  clear_rest(as, o.d, extent_of(o));
  return true;
}

template <bool kSigned>
bool rounding_right_add(Assembler& as, const VectorOperands& o) {
  const ShiftField f = shift_of(o.word);
  shift_right_rounded(as, kSigned, f.size, kT0, o.n, f.right());
  apply(as, kAdd[f.size], o.d, o.d, kT0);
  clear_rest(as, o.d, extent_of(o));
  return true;
}

bool left(Assembler& as, const VectorOperands& o) {
  const ShiftField f = shift_of(o.word);
  shift_left(as, f.size, o.d, o.n, f.left());
  clear_rest(as, o.d, extent_of(o));
  return true;
}

// d keeps its bits where nothing is shifted in from n.
void insert(Assembler& as, const VectorOperands& o, u64 kept_in_lane) {
  const unsigned size = shift_of(o.word).size;
  apply(as, kPand, o.d, o.d, as.constant(replicate(size, kept_in_lane)));
  apply(as, kPor, o.d, o.d, kT0);
  clear_rest(as, o.d, extent_of(o));
}

bool left_insert(Assembler& as, const VectorOperands& o) {
  const ShiftField f = shift_of(o.word);
  shift_left(as, f.size, kT0, o.n, f.left());
  insert(as, o, (1ULL << f.left()) - 1);
  return true;
}

bool right_insert(Assembler& as, const VectorOperands& o) {
  const ShiftField f = shift_of(o.word);
  const u64 mask = lane_mask(f.size);
  shift_right(as, false, f.size, kT0, o.n, f.right());
  insert(as, o, f.right() == 8U << f.size ? mask : mask & ~(mask >> f.right()));
  return true;
}

// The lanes of n's lower half (upper in the "2" form), extended, shifted left.
template <bool kSigned>
bool left_long(Assembler& as, const VectorOperands& o) {
  const ShiftField f = shift_of(o.word);
  extend(as, kSigned, f.size, o.d, o.n, q_of(o.word));
  if (f.left() != 0)
    shift_left(as, f.size + 1, o.d, o.d, f.left());
  return true;
}

bool shll(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  zero(as, kT0);
  apply(as, (q_of(o.word) ? kUnpackHigh : kUnpackLow)[size], o.d, kT0, o.n);
  return true;
}

constexpr VectorRow kRows[] = {
    {InstId::kSshrVector, right<true>},
    {InstId::kSshrScalar, right<true>},
    {InstId::kUshrVector, right<false>},
    {InstId::kUshrScalar, right<false>},
    {InstId::kSsraVector, right_add<true>, kReadsD},
    {InstId::kSsraScalar, right_add<true>, kReadsD},
    {InstId::kUsraVector, right_add<false>, kReadsD},
    {InstId::kUsraScalar, right_add<false>, kReadsD},
    {InstId::kSrshrVector, rounding_right<true>},
    {InstId::kSrshrScalar, rounding_right<true>},
    {InstId::kUrshrVector, rounding_right<false>},
    {InstId::kUrshrScalar, rounding_right<false>},
    {InstId::kSrsraVector, rounding_right_add<true>, kReadsD},
    {InstId::kSrsraScalar, rounding_right_add<true>, kReadsD},
    {InstId::kUrsraVector, rounding_right_add<false>, kReadsD},
    {InstId::kUrsraScalar, rounding_right_add<false>, kReadsD},
    {InstId::kShlVector, left},
    {InstId::kShlScalar, left},
    {InstId::kSliVector, left_insert, kReadsD},
    {InstId::kSliScalar, left_insert, kReadsD},
    {InstId::kSriVector, right_insert, kReadsD},
    {InstId::kSriScalar, right_insert, kReadsD},
    {InstId::kSshllVector, left_long<true>},
    {InstId::kUshllVector, left_long<false>},
    {InstId::kShllVector, shll},
};

} // namespace

std::span<const VectorRow> vector_shift_rows() {
  return kRows;
}

} // namespace softhv::jit
