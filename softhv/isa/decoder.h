// SPDX-License-Identifier: Apache-2.0
// Finds the row of the instruction table that a word encodes (Arm ARM C4).
#pragma once

#include "softhv/isa/table.h"

namespace softhv::isa {

// The row for `word`, or nullptr when the encoding is unallocated. Thread-safe, allocates nothing.
const Row* decode(u32 word);

inline InstId id_of(const Row& row) {
  return static_cast<InstId>(&row - rows().data());
}

} // namespace softhv::isa
