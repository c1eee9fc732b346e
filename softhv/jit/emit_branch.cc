// SPDX-License-Identifier: Apache-2.0
// Branches, and every other way out of a block.
//
// Within a page, code jumps to code: both are forgotten together when the page changes. To another
// page it goes by the software TLB, which knows whether the page is still there and what has been
// translated from it; so nothing has to be undone when mappings change.
//
// When instructions are counted, every way out of a block takes those begun since the block was
// entered from the allowance in reg::kFlags, and goes to the run loop when that becomes negative.
// Inside of the block the count is behind by the index of the instruction. A branch within the
// block keeps it so: backward by taking the length of the round, forward by giving back what is
// skipped.
#include <algorithm>
#include <cstddef>

#include "softhv/jit/emitter.h"
#include "softhv/jit/page.h"

namespace softhv::jit {

using ir::Op;
using namespace Xbyak::util; // NOLINT(google-build-using-namespace)

namespace {

constexpr i64 kPage = kTlbPageSize;

} // namespace

// Leaves for the run loop at `va`.
void Emitter::dispatch(const Reg64& va) {
  as_.mov(Assembler::state64(offsetof(CpuState, pc)), va);
  as_.jump_to(thunks_.dispatch(mode_.el));
}

// Leaves the host's flags as subtraction does.
void Emitter::count(int instructions) {
  as_.sub(reg::kFlags, instructions * (1 << reg::kAllowanceShift));
}

// Counts the instructions begun. The jump is taken when the run loop is to get a word in. When the
// allowance comes to an end anyway, that is soon enough without a look at `attention`.
Emitter::Fixup Emitter::attend(int begun) {
  if (as_.counting()) {
    count(begun);
    return as_.jump_forward(Cc::kS);
  }
  as_.cmp(Assembler::state32(offsetof(CpuCore, attention)), 0);
  return as_.jump_forward(Cc::kNe);
}

// The instructions by which the count is to be behind when a branch has gone to `target`.
int Emitter::behind_at(i64 target, bool backward) const {
  const bool may_leave = !options_.chain || (backward && block_options_->count_inside());
  return may_leave ? 0 : std::max(block_->index_of(target), 0);
}

// On the way to `target`: where code could run for ever, or counts, the run loop gets a word in.
// `inside`: of a branch within the block, behind_at().
void Emitter::check_attention(i64 target, bool backward, int inside) {
  if (options_.chain && (backward || as_.counting()))
    attention_.push_back(
        {.fixup = attend(index_ + 1 - inside), .target = target, .begun = inside, .own = own_});
  else if (as_.counting())
    count(index_ + 1);
}

void Emitter::emit_attention(const Exit& exit) {
  as_.bind(exit.fixup);
  use_own(exit.own);
  give_back();
  if (as_.counting() && exit.begun != 0)
    count(exit.begun);
  as_.mov(reg::kScratch0, Assembler::state64(offsetof(CpuCore, code_page)));
  as_.add(reg::kScratch0, static_cast<int>(exit.target));
  dispatch(reg::kScratch0);
}

void Emitter::synchronize(const ir::Inst& inst) {
  as_.cmp(Assembler::state32(offsetof(CpuCore, attention)), 0);
  attention_.push_back({.fixup = as_.jump_forward(Cc::kNe),
                        .target = inst.imm,
                        .begun = inst.index + 1,
                        .own = own_});
}

// Goes on at `target`, an offset from the start of the page. The host's flags are lost.
void Emitter::go(i64 target) {
  const int index = block_->index_of(target);
  if (index < 0 || !options_.chain)
    go_elsewhere(target, Transfer::kJump);
  else if (index <= index_)
    go_back(static_cast<u16>(index));
  else
    jumps_.push_back({as_.jump_forward(), static_cast<u16>(index)});
}

// The next round of a loop.
void Emitter::go_back(u16 index) {
  if (!block_options_->count_inside()) {
    as_.jump_to(positions_[index]);
    return;
  }
  count_round(block_->offset + 4LL * index);
  const Fixup next = as_.jump_forward();
  if (as_.counting() && index != 0)
    rounds_.push_back({next, index});
  else
    as_.bind_to(next, positions_[index]);
}

// The same, looking whether the run loop is to get a word in.
void Emitter::go_back_unless_attending(u16 index, i64 target) {
  as_.cmp(Assembler::state32(offsetof(CpuCore, attention)), 0);
  as_.jump_to(Cc::kE, positions_[index]);
  attention_.push_back({.fixup = as_.jump_forward(), .target = target, .own = own_});
}

// Before a jump to the loop that begins at `target`. When it is this loop's turn a jump to better
// code is written here instead.
void Emitter::count_round(i64 target) {
  const u32 start = as_.position();
  as_.dec(Assembler::state32(offsetof(CpuCore, loop_credit)));
  exits_.push_back({.fixup = as_.jump_forward(Cc::kS),
                    .target = target,
                    .kind = Exit::Kind::kLoop,
                    .start = start});
}

// All instructions have been counted, as if the round were to leave the block.
void Emitter::emit_round(const Jump& round) {
  as_.bind(round.fixup);
  count(-round.target);
  as_.jump_to(positions_[round.target]);
}

// To other code, or to the block's beginning from outside.
void Emitter::go_elsewhere(i64 target, Transfer transfer) {
  give_back();
  if (target < 0 || target >= kPage || !options_.chain) {
    go_outside(target, transfer);
    return;
  }
  const bool is_round =
      transfer == Transfer::kJump && block_options_->count_outside() && is_backward(target, index_);
  if (is_round)
    count_round(target);
  const Fixup fixup = jump(transfer);
  if (const u32 code = blocks_->find(static_cast<u32>(target)); code != 0)
    as_.bind_to(fixup, code);
  else
    exits_.push_back({.fixup = fixup, .target = target});
}

Emitter::Fixup Emitter::jump(Transfer transfer) {
  return transfer == Transfer::kCall ? as_.call_forward() : as_.jump_forward();
}

// What stands here is known to page.h as Link.
void Emitter::go_outside(i64 target, Transfer transfer) {
  if (!options_.chain) {
    as_.mov(rcx, Assembler::state64(offsetof(CpuCore, code_page)));
    as_.add(rcx, static_cast<int>(target));
    dispatch(rcx);
    return;
  }
  as_.cmp(Assembler::state32(offsetof(CpuCore, code_epochs) + 4UL * mode_.el), kUnlinked);
  const Fixup not_linked = as_.jump_forward(Cc::kNe);
  as_.add(Assembler::state64(offsetof(CpuCore, code_page)), static_cast<u32>(target & -kPage));
  const Fixup linked = jump(transfer);
  exits_.push_back({.fixup = linked,
                    .target = target,
                    .kind = Exit::Kind::kOutside,
                    .not_linked = not_linked,
                    .transfer = transfer});
}

// A jump that is to be led to its target when it is first taken.
void Emitter::emit_exit(const Exit& exit) {
  if (exit.kind == Exit::Kind::kOutside) {
    as_.bind(exit.not_linked);
    as_.load_arguments(static_cast<u32>(exit.target), exit.fixup);
    if (exit.transfer == Transfer::kJump) {
      as_.jump_to(thunks_.outside(mode_.el));
      return;
    }
    as_.call_to(thunks_.outside(mode_.el));
    as_.jump_to(exit.fixup);
    return;
  }
  using Kind = Exit::Kind;
  const i32 kind = exit.kind == Kind::kAlone   ? kLinkAlone
                   : exit.kind == Kind::kLoop  ? kLinkLoop
                   : exit.kind == Kind::kPlain ? kLinkPlain
                                               : 0;
  as_.bind(exit.fixup);
  as_.load_arguments(static_cast<u32>(exit.target) | static_cast<u32>(kind),
                     exit.kind == Kind::kLoop ? exit.start : exit.fixup);
  as_.jump_to(thunks_.link(mode_.el));
}

// To code that begins with the instruction at which a look for several accesses has failed. Code
// that has been entered there has counted nothing yet; what follows is allowed for.
void Emitter::leave_for_alone(const Jump& jump) {
  const i64 target = block_->offset + 4LL * jump.target;
  const bool counts = as_.counting() && jump.target != 0;
  Fixup fixup = jump.fixup;
  use_own(true);
  if (own_ || counts) {
    as_.bind(fixup);
    if (counts)
      attention_.push_back({.fixup = attend(jump.target), .target = target, .own = own_});
    give_back();
    fixup = as_.jump_forward();
  }
  exits_.push_back({.fixup = fixup, .target = target, .kind = Exit::Kind::kAlone});
}

// To code for the same loop that begins it without looks for all of it: one has failed.
void Emitter::leave_for_plain_loop() {
  use_own(true);
  give_back();
  exits_.push_back(
      {.fixup = as_.jump_forward(), .target = block_->offset, .kind = Exit::Kind::kPlain});
}

void Emitter::emit_detour(const Detour& detour) {
  as_.bind(detour.fixup);
  index_ = detour.index;
  use_own(true);
  if (const int index = block_->index_of(detour.target); index >= 0) {
    count(index_ + 1 - index);
    as_.jump_to(positions_[static_cast<size_t>(index)]);
  } else {
    check_attention(detour.target, is_backward(detour.target, detour.index));
    go_elsewhere(detour.target, Transfer::kJump);
  }
}

void Emitter::emit_branch(const ir::Inst& inst) {
  const bool backward = is_backward(inst.imm, inst.index);
  check_attention(inst.imm, backward, behind_at(inst.imm, backward));
  go(inst.imm);
}

void Emitter::emit_branch_if(const ir::Inst& inst) {
  Cc cc{};
  switch (inst.op) {
  case Op::kBranchIf:
    if (inst.cond >= 14) {
      emit_branch(inst);
      return;
    }
    cc = condition(inst.cond);
    break;
  case Op::kBranchZero:
    if (in_register(inst.a)) {
      const Reg64 a = host_of(inst.a);
      inst.has(ir::kWide) ? as_.test(a, a) : as_.test(a.cvt32(), a.cvt32());
    } else {
      as_.cmp(memory_of(inst.a, inst.has(ir::kWide)), 0);
    }
    cc = inst.has(ir::kNegate) ? Cc::kNe : Cc::kE;
    break;
  default:
    if (inst.shift < 32 && in_register(inst.a)) {
      as_.test(host_of(inst.a).cvt32(), 1U << inst.shift);
      cc = inst.has(ir::kNegate) ? Cc::kNe : Cc::kE;
    } else if (inst.shift < 32) {
      as_.test(memory_of(inst.a, false), 1U << inst.shift);
      cc = inst.has(ir::kNegate) ? Cc::kNe : Cc::kE;
    } else {
      as_.bt(read(inst.a, reg::kScratch0), inst.shift);
      cc = inst.has(ir::kNegate) ? Cc::kB : Cc::kAe;
    }
    break;
  }
  const int index = block_->index_of(inst.imm);
  const bool skips = index != inst.index + 1;
  if (index > inst.index && !(as_.counting() && skips)) {
    jumps_.push_back({as_.jump_forward(cc), static_cast<u16>(index)});
    return;
  }
  const bool backward = is_backward(inst.imm, inst.index);
  const bool inside = inst.imm >= 0 && inst.imm < kPage && options_.chain;
  if ((as_.counting() && !backward) || (own_ && index < 0)) {
    detours_.push_back({as_.jump_forward(cc), inst.imm, inst.index});
    return;
  }
  if (inside && !backward) {
    if (const u32 code = blocks_->find(static_cast<u32>(inst.imm)); code != 0)
      as_.jump_to(cc, code);
    else
      exits_.push_back({.fixup = as_.jump_forward(cc), .target = inst.imm});
    return;
  }
  const HostFlags kept = host_flags_;
  const Fixup not_taken = as_.jump_forward(invert(cc));
  if (index >= 0 && backward && options_.chain && !as_.counting() &&
      !block_options_->count_inside()) {
    go_back_unless_attending(static_cast<u16>(index), inst.imm);
    as_.bind(not_taken);
    host_flags_ = kept;
    return;
  }
  check_attention(inst.imm, backward, behind_at(inst.imm, backward));
  go(inst.imm);
  as_.bind(not_taken);
  host_flags_ = kept;
}

// The address of the instruction behind the call: to X30, and in rcx.
void Emitter::link_register(const ir::Inst& inst) {
  as_.mov(rcx, Assembler::state64(offsetof(CpuCore, code_page)));
  as_.add(rcx, static_cast<int>(block_->offset + 4 * inst.index + 4));
  write(30, rcx);
}

// Calls of the guest are calls of the host, with the guest's return address on the stack as well: a
// return to that address is a return of the host (emit_return). All that could make another place
// of what is at that address empties the stack (thunks.h).
void Emitter::predict_return() {
  as_.cmp(rsp, Assembler::state64(offsetof(CpuCore, returns_limit)));
  const Fixup full = as_.jump_forward(Cc::kBe);
  full_.push_back({.fixup = full, .resume = as_.position()});
  as_.push(rcx);
}

// Where a predicted return comes back to. It has counted.
void Emitter::land(const ir::Inst& call) {
  const u32 next = block_->offset + 4U * call.index + 4;
  as_.pop(rcx);
  as_.sub(rcx, static_cast<int>(next));
  as_.mov(Assembler::state64(offsetof(CpuCore, code_page)), rcx);
  go_elsewhere(next, Transfer::kJump);
}

void Emitter::emit_call(const ir::Inst& inst) {
  link_register(inst);
  check_attention(inst.imm, is_backward(inst.imm, inst.index));
  if (!options_.chain) {
    go_outside(inst.imm, Transfer::kJump);
    return;
  }
  predict_return();
  go_elsewhere(inst.imm, Transfer::kCall);
  land(inst);
}

void Emitter::emit_indirect(const ir::Inst& inst) {
  const bool call = inst.op == Op::kIndirectCall;
  if (inst.op == Op::kReturn && options_.chain) {
    emit_return(inst);
    return;
  }
  if (call && inst.a == 30) {
    as_.mov(rsi, memory_of(30, true));
    link_register(inst);
  } else if (call) {
    link_register(inst);
    read_into(rsi, inst.a);
  } else {
    read_into(rsi, inst.a);
  }
  if (!options_.chain) {
    if (as_.counting())
      count(index_ + 1);
    dispatch(rsi);
    return;
  }
  const Fixup attention = attend(index_ + 1);
  if (call)
    predict_return();
  else
    go_in_page(rsi);
  as_.mov(rcx, rsi);
  const Assembler::CodeLookup lookup = as_.find_code();
  if (call) {
    as_.call(lookup.entry);
    land(inst);
  } else {
    as_.jmp(lookup.entry);
  }
  as_.bind(attention);
  as_.mov(rcx, rsi);
  as_.bind(lookup.miss);
  as_.bind(lookup.no_code);
  dispatch(rcx);
}

// Jump tables stay in their page. Keeps `va` where it leaves it.
void Emitter::go_in_page(const Reg64& va) {
  as_.mov(rcx, va);
  as_.sub(rcx, Assembler::state64(offsetof(CpuCore, code_page)));
  as_.ror(rcx, 2);
  as_.cmp(rcx, static_cast<u32>(kPage / 4 - 1));
  const Fixup elsewhere = as_.jump_forward(Cc::kA);
  as_.mov(rdx, reinterpret_cast<u64>(blocks_->entries()));
  as_.mov(rdx, at(rdx, rcx, 3));
  as_.mov(ecx, va.cvt32());
  as_.jmp(rdx);
  as_.bind(elsewhere);
}

void Emitter::emit_return(const ir::Inst& inst) {
  read_into(rcx, inst.a);
  Fixup used_up = 0;
  if (as_.counting())
    used_up = attend(index_ + 1);
  as_.cmp(Assembler::state32(offsetof(CpuCore, attention)), 0);
  as_.jump_to(Cc::kNe, thunks_.indirect(mode_.el));
  as_.cmp(rcx, at(rsp, 8));
  as_.jump_to(Cc::kNe, thunks_.indirect(mode_.el));
  as_.ret();
  if (as_.counting()) {
    as_.bind(used_up);
    dispatch(rcx);
  }
}

// What the thunk that interprets is told of the instruction's place.
u32 Emitter::interpreted_at(u16 index) const {
  return InstructionPlace{block_->offset + 4U * index, index}.packed();
}

void Emitter::emit_interpret(const ir::Inst& inst) {
  const bool own = own_;
  give_back();
  as_.load_arguments(block_->words[inst.index], interpreted_at(inst.index));
  as_.call_to(thunks_.interpret(mode_.el));
  use_own(own);
  if (own)
    load_own();
  host_flags_ = HostFlags::kNothing;
  stack_aligned_ = false;
}

// Goes on behind itself when that did not help.
void Emitter::emit_refill(const Miss& miss) {
  for (unsigned i = 0; i < miss.count; ++i)
    as_.bind(miss.jumps[i]);
  if (miss.va != reg::kScratch0.getIdx())
    as_.mov(reg::kScratch0, Reg64(miss.va));
  as_.mov(edx, miss.access.encode());
  as_.call_to(thunks_.refill(mode_.el));
  as_.jump_to(Cc::kNe, miss.again);
}

void Emitter::emit_slow_path(const SlowPath& path, std::span<const Fixup> jumps) {
  for (const Fixup jump : jumps)
    as_.bind(jump);
  use_own(true);
  give_back();
  as_.load_arguments(block_->words[path.index], interpreted_at(path.index));
  as_.call_to(thunks_.interpret(mode_.el));
  use_own(true);
  load_own();
  if (path.forward.guest != ir::kNone)
    as_.mov(Reg64(path.forward.host), memory_of(path.forward.guest, true));
  as_.jump_to(path.resume);
}

} // namespace softhv::jit
