// SPDX-License-Identifier: Apache-2.0
// AdvSIMD integer arithmetic on lanes of one size: sums, products, comparisons, bitwise operations.
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {
namespace {

using isa::InstId;

template <const auto& kOps>
bool three_same(Assembler& as, const VectorOperands& o) {
  const unsigned size = size_of(o.word);
  apply(as, kOps[size], o.d, o.n, o.m);
  clear_rest(as, o.d, extent(o.word, size));
  return true;
}

constexpr VectorRow kRows[] = {
    {InstId::kAddVector, three_same<kAdd>},
    {InstId::kSubVector, three_same<kSub>},
    {InstId::kAddScalar, three_same<kAdd>},
    {InstId::kSubScalar, three_same<kSub>},
    {InstId::kCmeqRegisterVector, three_same<kEqual>},
    {InstId::kCmgtRegisterVector, three_same<kGreater>},
};

} // namespace

std::span<const VectorRow> vector_arith_rows() {
  return kRows;
}

} // namespace softhv::jit
