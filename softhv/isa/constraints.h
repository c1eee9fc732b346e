// SPDX-License-Identifier: Apache-2.0
// Predicates for the `valid` column of the instruction table (isa/table.h): which of the encodings
// that match a pattern are allocated. Named for what they demand; one a rule of the Arm ARM.
#pragma once

#include "arch/bits.h"
#include "arch/types.h"

namespace softhv::isa {

constexpr bool any(u32 /*word*/) {
  return true;
}

} // namespace softhv::isa
