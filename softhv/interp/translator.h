// SPDX-License-Identifier: Apache-2.0
// Predecoding: instruction words to Ops.
#pragma once

#include "softhv/interp/code_cache.h"

namespace softhv::interp {

// Fills *op for one instruction. Unallocated encodings become ops that take the Undefined
// exception. Returns true when the block ends here.
bool translate(u32 word, Mode mode, Op& op);

// For an op of a finished block of `size` instructions, translated as of `generation`: makes a
// direct branch whose target lies in the block jump there without leaving the block.
void link_branch(Op& op, u32 size, u32 generation);

// The op that closes a block which runs off its end.
Op terminator(u16 index);

} // namespace softhv::interp
