// SPDX-License-Identifier: Apache-2.0
// What kinds of operations have in common, found by one look into a table: passes ask it of every
// operation, most of which are of no interest to them.
#pragma once

#include <array>

#include "softhv/jit/ir.h"

namespace softhv::jit {

using OpTraits = u16;
namespace trait {
inline constexpr OpTraits kReadsFlags = 1 << 0;     // NZCV
inline constexpr OpTraits kBranches = 1 << 1;       // a direct branch that is no call
inline constexpr OpTraits kIsConditional = 1 << 2;  // such a branch
inline constexpr OpTraits kLeaves = 1 << 3;         // passes.h, leaves()
inline constexpr OpTraits kKeepsHostFlags = 1 << 4; // passes.h, whatever the operands
inline constexpr OpTraits kObserves = 1 << 5;       // may be left for the interpreter
inline constexpr OpTraits kKeepsKnowledge = 1 << 6; // accesses.h
inline constexpr OpTraits kWritesD = 1 << 7;        // a general register, if no kVectorReg
inline constexpr OpTraits kWritesD2 = 1 << 8;       // the same
inline constexpr OpTraits kAccesses = 1 << 9;       // does nothing but look, and load or store
inline constexpr OpTraits kStores = 1 << 10;        // such an access
} // namespace trait

namespace detail {

constexpr OpTraits traits_of(ir::Op op) {
  using ir::Op;
  const auto is_any_of = [op](auto... ops) { return ((op == ops) || ...); };
  const bool conditional = is_any_of(Op::kBranchIf, Op::kBranchZero, Op::kBranchBit);
  const bool selects = is_any_of(Op::kSelect, Op::kSelectInc, Op::kSelectInvert, Op::kSelectNegate);
  const bool stores = is_any_of(Op::kStore, Op::kStorePair, Op::kStoreMultiple);
  const bool system = is_any_of(Op::kSysRead, Op::kSysWrite);
  OpTraits t = 0;
  if (selects || is_any_of(Op::kAdc, Op::kSbc, Op::kCompareIf, Op::kCompareNegatedIf,
                           Op::kReadFlags, Op::kBranchIf))
    t |= trait::kReadsFlags;
  if (conditional || op == Op::kBranch)
    t |= trait::kBranches;
  if (conditional)
    t |= trait::kIsConditional;
  if (is_any_of(Op::kCall, Op::kIndirect, Op::kIndirectCall, Op::kReturn, Op::kInterpretAndLeave))
    t |= trait::kLeaves;
  if (selects || system || is_any_of(Op::kMove, Op::kPageOf, Op::kBranchIf))
    t |= trait::kKeepsHostFlags;
  if (op >= Op::kLoad && !system && !conditional && op != Op::kBarrier)
    t |= trait::kObserves;
  if (conditional || op <= Op::kStoreRelease ||
      is_any_of(Op::kPageLoad, Op::kVector, Op::kLoadMultiple, Op::kStoreMultiple,
                Op::kLoadReplicate, Op::kSysRead))
    t |= trait::kKeepsKnowledge;
  if (stores || is_any_of(Op::kLoad, Op::kLoadPair, Op::kLoadMultiple))
    t |= trait::kAccesses;
  if (stores)
    t |= trait::kStores;
  if (!stores && !conditional &&
      !is_any_of(Op::kStoreRelease, Op::kLoadMultiple, Op::kLoadReplicate))
    t |= trait::kWritesD;
  if (is_any_of(Op::kLoadPair, Op::kDivU, Op::kDivS))
    t |= trait::kWritesD2;
  return t;
}

inline constexpr auto kOpTraits = [] {
  std::array<OpTraits, static_cast<size_t>(ir::Op::kInterpretAndLeave) + 1> table{};
  for (size_t i = 0; i < table.size(); ++i)
    table[i] = traits_of(static_cast<ir::Op>(i));
  return table;
}();

} // namespace detail

inline bool has_trait(const ir::Inst& inst, OpTraits trait) {
  return (detail::kOpTraits[static_cast<size_t>(inst.op)] & trait) != 0;
}

} // namespace softhv::jit
