// SPDX-License-Identifier: Apache-2.0
// Every word decodes to a row of the instruction table whose pattern it has, or to none.
#include <cstdlib>
#include <cstring>

#include "softhv/isa/decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (size_t at = 0; at + 4 <= size; at += 4) {
    uint32_t word = 0;
    std::memcpy(&word, data + at, sizeof(word));
    const softhv::isa::Row* row = softhv::isa::decode(word);
    if (row != softhv::isa::decode(word)) {
      abort();
    }
    if (row != nullptr && (softhv::isa::id_of(*row) >= softhv::isa::InstId::kCount ||
                           (word & row->mask) != row->value)) {
      abort();
    }
  }
  return 0;
}
