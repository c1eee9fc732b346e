// SPDX-License-Identifier: Apache-2.0
// translate_<id>(op) for every row of the instruction table: picks the function that executes the
// instruction and finishes the operands. On entry op.word is the instruction, the register operands
// are decoded as the pattern's letters say and op.imm holds the raw immediate bits.
#pragma once

#include "softhv/core/cpu.h"
#include "softhv/interp/op.h"
#include "softhv/system/exception.h"

namespace softhv::interp {

#define INST(id, title, pattern, feature, valid, traits) Handler translate_##id(Op& op);
#include "softhv/isa/base.inc"
#include "softhv/isa/crypto.inc"
#include "softhv/isa/fp.inc"
#include "softhv/isa/loadstore.inc"
#include "softhv/isa/simd.inc"
#include "softhv/isa/simd_fp.inc"
#include "softhv/isa/system.inc"
#undef INST

} // namespace softhv::interp
