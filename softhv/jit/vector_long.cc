// SPDX-License-Identifier: Apache-2.0
// AdvSIMD instructions whose result lanes are twice as wide as their operands': long and wide sums,
// differences and products. The "2" forms, which have Q set, take the upper halves of the operands.
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {
namespace {

using isa::InstId;

// --- Sums and differences ------------------------------------------------------------------------

template <bool kSigned, const auto& kOps>
bool long_sum(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  extend_both(as, kSigned, size, o.n, o.m, q_of(o.word));
  apply(as, kOps[size + 1], o.d, kT0, kT1);
  return true;
}

template <bool kSigned, const auto& kOps>
bool wide_sum(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  extend(as, kSigned, size, kT0, o.m, q_of(o.word));
  apply(as, kOps[size + 1], o.d, o.n, kT0);
  return true;
}

// The absolute difference fits the narrow lane.
void long_difference(Assembler& as, const VectorOperands& o, bool is_signed, const Xmm& d) {
  const unsigned size = size_of(o.word);
  apply(as, (is_signed ? kMaxSigned : kMaxUnsigned)[size], kT0, o.n, o.m);
  apply(as, (is_signed ? kMinSigned : kMinUnsigned)[size], kT1, o.n, o.m);
  apply(as, kSub[size], kT0, kT0, kT1);
  extend(as, false, size, d, kT0, q_of(o.word));
}

template <bool kSigned>
bool abdl(Assembler& as, const VectorOperands& o) {
  long_difference(as, o, kSigned, o.d);
  return true;
}

template <bool kSigned>
bool abal(Assembler& as, const VectorOperands& o) {
  long_difference(as, o, kSigned, kT0);
  apply(as, kAdd[size_of(o.word) + 1], o.d, o.d, kT0);
  return true;
}

// --- Products ------------------------------------------------------------------------------------

template <bool kSigned, bool kElement>
void product(Assembler& as, const VectorOperands& o, const Xmm& d) {
  const Xmm* m = &o.m;
  if (kElement) {
    broadcast_element(as, kT1, o);
    m = &kT1;
  }
  multiply_long(as, kSigned, size_of(o.word), d, o.n, *m, q_of(o.word));
}

template <bool kSigned, bool kElement>
bool mull(Assembler& as, const VectorOperands& o) {
  product<kSigned, kElement>(as, o, o.d);
  return true;
}

template <bool kSigned, bool kElement, const auto& kAccumulate>
bool mlal(Assembler& as, const VectorOperands& o) {
  product<kSigned, kElement>(as, o, kT0);
  apply(as, kAccumulate[size_of(o.word) + 1], o.d, o.d, kT0);
  return true;
}

// Of bytes over {0,1}[x], in 16-bit lanes: Horner's rule, from the top bit of m down.
bool pmull_bytes(Assembler& as, const VectorOperands& o) {
  const Xmm& m = kT1;
  const Xmm& term = kT2;
  extend_both(as, false, 0, o.n, o.m, q_of(o.word));
  move(as, o.d, kT0);
  apply(as, kShiftLeft[1], m, m, 8);
  zero(as, kT0);
  for (unsigned i = 0; i < 8; ++i) {
    if (i != 0) {
      apply(as, kAdd[1], kT0, kT0, kT0);
      apply(as, kAdd[1], m, m, m);
    }
    apply(as, kShiftRightSigned[1], term, m, 15);
    apply(as, kPand, term, term, o.d);
    apply(as, kPxor, kT0, kT0, term);
  }
  move(as, o.d, kT0);
  return true;
}

bool pmull_doublewords(Assembler& as, const VectorOperands& o) {
  constexpr BinaryImm kMultiplyPolynomials = SOFTHV_BINARY_IMM(pclmulqdq);
  if (!as.host.pclmul)
    return false;
  apply(as, kMultiplyPolynomials, o.d, o.n, o.m, q_of(o.word) ? 0x11 : 0x00);
  return true;
}

constexpr u8 kReadsElement = kReadsD | kElement;

constexpr VectorRow kRows[] = {
    {InstId::kSaddlVector, long_sum<true, kAdd>},
    {InstId::kUaddlVector, long_sum<false, kAdd>},
    {InstId::kSsublVector, long_sum<true, kSub>},
    {InstId::kUsublVector, long_sum<false, kSub>},
    {InstId::kSaddwVector, wide_sum<true, kAdd>},
    {InstId::kUaddwVector, wide_sum<false, kAdd>},
    {InstId::kSsubwVector, wide_sum<true, kSub>},
    {InstId::kUsubwVector, wide_sum<false, kSub>},
    {InstId::kSabdlVector, abdl<true>},
    {InstId::kUabdlVector, abdl<false>},
    {InstId::kSabalVector, abal<true>, kReadsD},
    {InstId::kUabalVector, abal<false>, kReadsD},
    {InstId::kSmullVector, mull<true, false>},
    {InstId::kUmullVector, mull<false, false>},
    {InstId::kSmullElement, mull<true, true>, kElement},
    {InstId::kUmullElement, mull<false, true>, kElement},
    {InstId::kSmlalVector, mlal<true, false, kAdd>, kReadsD},
    {InstId::kUmlalVector, mlal<false, false, kAdd>, kReadsD},
    {InstId::kSmlslVector, mlal<true, false, kSub>, kReadsD},
    {InstId::kUmlslVector, mlal<false, false, kSub>, kReadsD},
    {InstId::kSmlalElement, mlal<true, true, kAdd>, kReadsElement},
    {InstId::kUmlalElement, mlal<false, true, kAdd>, kReadsElement},
    {InstId::kSmlslElement, mlal<true, true, kSub>, kReadsElement},
    {InstId::kUmlslElement, mlal<false, true, kSub>, kReadsElement},
    {InstId::kPmullVector, pmull_bytes},
    {InstId::kPmullDoubleword, pmull_doublewords},
};

} // namespace

std::span<const VectorRow> vector_long_rows() {
  return kRows;
}

} // namespace softhv::jit
