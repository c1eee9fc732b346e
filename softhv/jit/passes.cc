// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/passes.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>

namespace softhv::jit {
namespace {

using ir::Inst;
using ir::Op;

enum class Need : u8 {
  kNone,
  kHost,   // readers, which the host's flags reach
  kMemory, // somebody else too
};

bool fits_displacement(i64 imm) {
  return imm > std::numeric_limits<i32>::min() && imm <= std::numeric_limits<i32>::max();
}

bool is_branch_if(const Inst& inst) {
  return inst.op == Op::kBranchIf || inst.op == Op::kBranchZero || inst.op == Op::kBranchBit;
}

// Nothing but moves to and from memory: whether the access is allowed is known.
bool is_plain_move(const Inst& inst) {
  return inst.has(ir::kFollows) && inst.a != kRegSp;
}

// What may be seen of NZCV at a branch because of where it leads.
Need at_target(const ir::Block& block, const Inst& inst, std::span<const Need> at) {
  const int target = block.index_of(inst.imm);
  if (target <= inst.index) // leaves the block, or may be interrupted on the way back
    return Need::kMemory;
  return at[static_cast<size_t>(target)] == Need::kNone ? Need::kNone : Need::kMemory;
}

// May be left for the interpreter, or ends the block: NZCV is seen.
bool observes(const Inst& inst) {
  if (inst.op == Op::kMaskInterrupts)
    return (inst.imm & kDaifD) != 0;
  return inst.op >= Op::kLoad && !is_plain_move(inst) && inst.op != Op::kBarrier &&
         inst.op != Op::kSysRead && inst.op != Op::kSysWrite && !is_branch_if(inst);
}

Need before(const Inst& inst, Need after) {
  if (observes(inst))
    return Need::kMemory;
  if (reads_flags(inst))
    return after == Need::kNone || (after == Need::kHost && keeps_host_flags(inst)) ? Need::kHost
                                                                                    : Need::kMemory;
  return after == Need::kHost && !keeps_host_flags(inst) ? Need::kMemory : after;
}

} // namespace

bool leaves(const Inst& inst) {
  switch (inst.op) {
  case Op::kCall:
  case Op::kIndirect:
  case Op::kIndirectCall:
  case Op::kReturn:
  case Op::kInterpretAndLeave: return true;
  default: return false;
  }
}

bool is_branch(const Inst& inst) {
  return inst.op == Op::kBranch || is_branch_if(inst);
}

std::bitset<kMaxBlock> ir::Block::entered() const {
  std::bitset<kMaxBlock> result;
  for (const Inst& inst : insts)
    if (is_branch(inst))
      if (const int target = index_of(inst.imm); target >= 0)
        result[static_cast<size_t>(target)] = true;
  return result;
}

bool reads_flags(const Inst& inst) {
  switch (inst.op) {
  case Op::kAdc:
  case Op::kSbc:
  case Op::kSelect:
  case Op::kSelectInc:
  case Op::kSelectInvert:
  case Op::kSelectNegate:
  case Op::kCompareIf:
  case Op::kCompareNegatedIf:
  case Op::kReadFlags:
  case Op::kBranchIf: return true;
  default: return false;
  }
}

bool keeps_host_flags(const Inst& inst) {
  switch (inst.op) {
  case Op::kMove:
  case Op::kPageOf:
  case Op::kSelect:
  case Op::kSelectInc:
  case Op::kSelectInvert:
  case Op::kSelectNegate:
  case Op::kSysRead:
  case Op::kSysWrite:
  case Op::kBranchIf: return true;
  case Op::kAdd:
  case Op::kSub:
    return !inst.has(ir::kSetsFlags) && inst.b == ir::kNone && fits_displacement(inst.imm);
  default: return is_plain_move(inst);
  }
}

void mark_flags(ir::Block& block) {
  const std::bitset<kMaxBlock> entered = block.entered();
  std::array<Need, kMaxBlock> at; // before each guest instruction
  Need need = Need::kMemory;
  size_t next = block.insts.size();
  for (size_t index = block.words.size(); index-- > 0;) {
    for (; next > 0 && block.insts[next - 1].index == index; --next) {
      Inst& inst = block.insts[next - 1];
      if (inst.has(ir::kSetsFlags)) {
        inst.flags |= need == Need::kMemory ? ir::kFlagsLive
                      : need == Need::kHost ? ir::kFlagsReach
                                            : 0;
        need = Need::kNone;
      }
      if (is_branch_if(inst))
        need = std::max(need, at_target(block, inst, at));
      need = before(inst, need);
    }
    if (entered[index] && need == Need::kHost)
      need = Need::kMemory;
    at[index] = need;
  }
}

} // namespace softhv::jit
