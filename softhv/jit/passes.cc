// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/passes.h"

#include <algorithm>
#include <array>
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
  return has_trait(inst, trait::kObserves) && !is_plain_move(inst);
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

void ir::Block::find_entered() {
  entered.reset();
  for (const Inst& inst : insts)
    if (is_branch(inst))
      note_branch(inst.imm);
}

void mark_flags(ir::Block& block) {
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
      if (has_trait(inst, trait::kIsConditional))
        need = std::max(need, at_target(block, inst, at));
      need = before(inst, need);
    }
    if (block.is_entered(index) && need == Need::kHost)
      need = Need::kMemory;
    at[index] = need;
  }
}

} // namespace softhv::jit
