// SPDX-License-Identifier: Apache-2.0
// Instruction words in tests, with what they mean beside them.
#pragma once

#include "arch/types.h"

namespace softhv::interp {

constexpr u32 insn(u32 word, const char* /*assembly*/) {
  return word;
}

} // namespace softhv::interp
