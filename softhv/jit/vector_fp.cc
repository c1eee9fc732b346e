// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/vector.h"

namespace softhv::jit {

std::span<const VectorRow> vector_fp_rows() {
  return {};
}

} // namespace softhv::jit
