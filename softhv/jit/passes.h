// SPDX-License-Identifier: Apache-2.0
// What is found out about a block before code is made from it.
#pragma once

#include <limits>

#include "softhv/jit/ir.h"
#include "softhv/jit/op_traits.h"

namespace softhv::jit {

// Nothing but moves to and from memory: whether the access is allowed is known.
inline bool is_plain_move(const ir::Inst& inst) {
  return inst.has(ir::kFollows) && inst.a != kRegSp;
}

// Whether the code for `inst` leaves the host's flags as they are. The backend keeps to it.
inline bool keeps_host_flags(const ir::Inst& inst) {
  if (inst.op == ir::Op::kAdd || inst.op == ir::Op::kSub)
    return !inst.has(ir::kSetsFlags) && inst.b == ir::kNone &&
           inst.imm > std::numeric_limits<i32>::min() &&
           inst.imm <= std::numeric_limits<i32>::max();
  return has_trait(inst, trait::kKeepsHostFlags) || is_plain_move(inst);
}

// Whether `inst` is a direct branch that is no call: it may lead to an instruction of its block.
inline bool is_branch(const ir::Inst& inst) {
  return has_trait(inst, trait::kBranches);
}

// Whether `inst` reads NZCV.
inline bool reads_flags(const ir::Inst& inst) {
  return has_trait(inst, trait::kReadsFlags);
}

// Decides for every instruction that sets NZCV who looks at that: kFlagsLive when it must be in
// reg::kFlags afterwards, because something that cannot be seen through (an exit, a possible
// exception) or cannot be reached in the host's flags comes before it is set again; kFlagsReach
// when the readers can all take it from the host's flags; neither when nobody looks.
//
// NZCV is exact wherever the guest, the host or an exception could see it.
void mark_flags(ir::Block& block);

// Whether code goes on elsewhere behind `inst`, wherever that is, which is no direct branch.
inline bool leaves(const ir::Inst& inst) {
  return has_trait(inst, trait::kLeaves);
}

// Finds loads and stores of a loop (lift_loop) whose addresses do not change, or do by an index
// with a small bound: looks for them are made once, before the loop (ir::Look::hoisted). Call
// before share_looks().
void hoist_looks(ir::Block& block);

// Finds loads and stores of inner loops whose addresses move by the same steps in each round, or
// not at all: the loop looks for all rounds until one of these leaves its page (Look::run). Call
// between hoist_looks() and share_looks().
void look_ahead(ir::Block& block);

// Finds loads and stores whose addresses are a few bytes apart, being sums of one register's value
// and constants, with nothing in between that could change what the TLB allows: the first of them
// looks into the TLB for all (ir::Look). Call before mark_flags().
void share_looks(ir::Block& block);

// Finds loads and stores in the block's loops whose addresses move by small steps: they will mostly
// access the page of the time before, and remember what they found (LookWindow). Windows are closed
// whenever the block is entered from outside. Call between share_looks() and mark_flags().
void open_windows(ir::Block& block);

// The block with every access looking for itself.
ir::Block without_looks(const ir::Block& block);

} // namespace softhv::jit
