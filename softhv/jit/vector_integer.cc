// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {

std::span<const VectorRow> vector_integer_rows() {
  static const std::vector<VectorRow> rows = [] {
    std::vector<VectorRow> all;
    for (const std::span<const VectorRow> family :
         {vector_arith_rows(), vector_move_rows(), vector_permute_rows(), vector_shift_rows(),
          vector_shift_register_rows(), vector_reduce_rows(), vector_long_rows(),
          vector_narrow_rows(), vector_crypto_rows(), vector_saturate_rows()})
      all.insert(all.end(), family.begin(), family.end());
    return all;
  }();
  return rows;
}

} // namespace softhv::jit
