// SPDX-License-Identifier: Apache-2.0
// What is found out about a block before code is made from it.
#pragma once

#include "softhv/jit/ir.h"

namespace softhv::jit {

// Whether the code for `inst` leaves the host's flags as they are. The backend keeps to it.
bool keeps_host_flags(const ir::Inst& inst);

// Whether `inst` is a direct branch that is no call: it may lead to an instruction of its block.
bool is_branch(const ir::Inst& inst);

// Whether `inst` reads NZCV.
bool reads_flags(const ir::Inst& inst);

// Decides for every instruction that sets NZCV who looks at that: kFlagsLive when it must be in
// reg::kFlags afterwards, because something that cannot be seen through (an exit, a possible
// exception) or cannot be reached in the host's flags comes before it is set again; kFlagsReach
// when the readers can all take it from the host's flags; neither when nobody looks.
//
// NZCV is exact wherever the guest, the host or an exception could see it.
void mark_flags(ir::Block& block);

// Whether code goes on elsewhere behind `inst`, wherever that is, which is no direct branch.
bool leaves(const ir::Inst& inst);

// Finds loads and stores of a loop (lift_loop) whose addresses do not change, or do by an index
// with a small bound: looks for them are made once, before the loop (ir::Look::hoisted). Call
// before share_looks().
void hoist_looks(ir::Block& block);

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
