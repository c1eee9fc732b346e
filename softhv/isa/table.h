// SPDX-License-Identifier: Apache-2.0
// The instruction table: every A64 encoding SoftHV implements, one row each, in the *.inc files of
// this folder. It drives the decoder, the interpreter, the differential tests and their coverage.
//
//   INST(id, "title", "pattern", feature, valid, traits)
//
//   id       C++ name; interp/ defines `Handler translate_<id>(Op&)` for it
//   title    the name in the Arm ARM, C6.2/C7.2, with the variant where a row is one of several
//   pattern  32 characters, bit 31 first, blanks ignored: '0' and '1' are fixed bits, a letter is a
//            field. These letters name registers (others are free, read them from Op::word):
//                d  Rd, written            D  Rd or SP, written           -> Op::rd
//                t  Rt, read (stores)      l  Rt, written (loads)         -> Op::rd
//                n  Rn, read               N  Rn or SP, read              -> Op::rn
//                m  Rm, read               s  Rs, read                    -> Op::rm
//                w  Rs, written (status of a store-exclusive)             -> Op::rm
//                a  Ra, read               u  Rt2, read                   -> Op::ra
//                k  Rt2, written                                          -> Op::ra
//                e  Vd/Vt                                                 -> Op::rd
//                f  Vn -> Op::rn      g  Vm -> Op::rm      h  Va/Vt2 -> Op::ra
//                i  immediate bits, concatenated                          -> Op::imm
//   feature  the Feature that must be present, else the encoding is UNDEFINED
//   valid    a predicate bool(u32 word) of isa/constraints.h, `any` for none: encodings that the
//            fixed bits allow and the Arm ARM leaves unallocated are refused here
//   traits   an OR of the kTrait values
//
// Rows must not overlap: at most one row matches and is valid for any word (a test checks).
#pragma once

#include <span>

#include "arch/types.h"

namespace softhv::isa {

enum class Feature : u8 {
  kBase,
  kFp,
  kSimd,
  kFp16,
  kLse,
  kCrc32,
  kAes,
  kPmull,
  kSha1,
  kSha256,
  kRdm,
  kDotProd,
  kRcpc,
  kFlagM,
  kJscvt,
  kDpb,
  kPan,
  kUao,
};

using Traits = u16;
inline constexpr Traits kTraitNone = 0;
inline constexpr Traits kTraitFp = 1 << 0;     // traps when CPACR_EL1.FPEN says so
inline constexpr Traits kTraitMem = 1 << 1;    // accesses memory at [N] or, when literal, at PC
inline constexpr Traits kTraitBranch = 1 << 2; // may change PC; ends a block unless kTraitCond
inline constexpr Traits kTraitEnds = 1 << 3;   // ends a block although it falls through
inline constexpr Traits kTraitSystem = 1 << 4; // has directed tests, not differential ones
inline constexpr Traits kTraitPcRel = 1 << 5;  // the result depends on the PC
inline constexpr Traits kTraitCond = 1 << 6;   // a branch that may fall through: its block goes on

struct Row {
  const char* id;
  const char* title;
  u32 mask;
  u32 value;
  const char* pattern; // 32 characters, blanks removed
  Feature feature;
  bool (*valid)(u32 word);
  Traits traits;
};

// Identifies a row: InstId::kAddImm is rows()[static_cast<size_t>(...)].
enum class InstId : u16 {
#define INST(id, title, pattern, feature, valid, traits) id,
#include "softhv/isa/base.inc"
#include "softhv/isa/crypto.inc"
#include "softhv/isa/fp.inc"
#include "softhv/isa/loadstore.inc"
#include "softhv/isa/simd.inc"
#include "softhv/isa/simd_fp.inc"
#include "softhv/isa/system.inc"
#undef INST
  kCount
};

std::span<const Row> rows();

} // namespace softhv::isa
