// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/emitter.h"

#include <cstddef>
#include <utility>

#include "softhv/jit/passes.h"
#include "softhv/jit/registers.h"

namespace softhv::jit {

using ir::Op;

Emitter::Emitter(Assembler& assembler, const Thunks& thunks, EmitOptions options)
    : as_(assembler), thunks_(thunks), options_(options) {}

void Emitter::emit(const ir::Block& block, Mode mode, const BlockFinder& blocks,
                   const BlockOptions& options) {
  mode_ = mode;
  blocks_ = &blocks;
  block_options_ = &options;
  emit_block(block);
  if (alone_.empty())
    return;
  const std::vector<Jump> failed = std::exchange(alone_, {});
  const ir::Block alone = without_looks(block);
  forwards_ = false; // it is entered in the middle
  emit_block(alone);
  forwards_ = true;
  for (const Jump& jump : failed)
    as_.bind_to(jump.fixup, positions_[jump.target]);
}

void Emitter::emit_block(const ir::Block& block) {
  block_ = &block;
  positions_.assign(block.words.size(), 0);
  host_flags_ = HostFlags::kNothing;
  stack_aligned_ = false;
  look_at_hand_ = 0;
  forward_ = {};
  take_own();
  make_hoisted_looks();
  close_windows();

  size_t next = 0;
  const auto length = static_cast<u16>(block.words.size());
  for (u16 index = 0; index < length; ++index) {
    index_ = index;
    if (block.is_entered(index)) {
      host_flags_ = HostFlags::kNothing;
      stack_aligned_ = false;
      look_at_hand_ = 0;
      forward_ = {};
    }
    forget_rounds(index);
    positions_[index] = as_.position();
    take_round(index);
    for (; next < block.insts.size() && block.insts[next].index == index; ++next)
      emit_inst(block.insts[next]);
    if (miss_ || !as_.slow().empty())
      finish_instruction(index);
  }
  if (block.falls_through) {
    check_attention(block.end(), false);
    go(block.end());
  }
  emit_aside();
}

// What is seldom run, behind the block.
void Emitter::emit_aside() {
  use_own(true);
  for (const Jump& jump : jumps_)
    as_.bind_to(jump.fixup, positions_[jump.target]);
  for (const Miss& miss : hoisted_misses_) {
    emit_refill(miss);
    leave_for_plain_loop();
  }
  for (const AheadLook& ahead : looks_ahead_)
    emit_look_ahead(ahead);
  for (const Miss& miss : alone_misses_) {
    emit_refill(miss);
    alone_.push_back({as_.jump_forward(), miss.index});
  }
  const Fixup* jumps = slow_jumps_.data();
  auto miss = misses_.begin();
  for (const SlowPath& path : slow_paths_) {
    if (path.missed)
      emit_refill(*miss++);
    emit_slow_path(path, {jumps, path.jumps});
    jumps += path.jumps;
  }
  for (const Detour& detour : detours_)
    emit_detour(detour);
  if (options_.chain) {
    for (const Jump& jump : alone_)
      leave_for_alone(jump);
    alone_.clear();
  }
  for (const Jump& round : rounds_)
    emit_round(round);
  for (const Exit& exit : attention_)
    emit_attention(exit);
  for (size_t i = 0; i < exits_.size(); ++i) { // more may come
    const Exit exit = exits_[i];
    emit_exit(exit);
  }
  for (const FullStack& full : full_) {
    as_.bind(full.fixup);
    as_.mov(Xbyak::util::rsp, Assembler::state64(offsetof(CpuCore, returns_base)));
    as_.jump_to(full.resume);
  }
  use_own(false);
  full_.clear();
  jumps_.clear();
  misses_.clear();
  alone_misses_.clear();
  looks_ahead_.clear();
  hoisted_misses_.clear();
  slow_jumps_.clear();
  slow_paths_.clear();
  detours_.clear();
  rounds_.clear();
  attention_.clear();
  exits_.clear();
}

// What the instruction left for the interpreter comes back behind it.
void Emitter::finish_instruction(u16 index) {
  const std::span<const Fixup> jumps = as_.slow();
  host_flags_ = HostFlags::kNothing;
  slow_jumps_.insert(slow_jumps_.end(), jumps.begin(), jumps.end());
  slow_paths_.push_back({.jumps = static_cast<u32>(jumps.size()),
                         .resume = as_.position(),
                         .forward = forward_,
                         .index = index,
                         .missed = miss_.has_value()});
  as_.clear_slow();
  if (miss_)
    misses_.push_back(*miss_);
  miss_.reset();
}

// Whether the code for `inst`, which is no access with a look, leaves kScratch1 alone.
bool Emitter::keeps_look(const ir::Inst& inst) {
  return inst.op == Op::kMove ||
         ((inst.op == Op::kAdd || inst.op == Op::kSub) && keeps_host_flags(inst));
}

void Emitter::emit_inst(const ir::Inst& inst) {
  if (inst.look == 0 && !keeps_look(inst))
    look_at_hand_ = 0;
  written_ = {};
  if (own_ && leaves(inst))
    give_back();
  inst_start_ = as_.position();
  switch (inst.op) {
  case Op::kMove: emit_move(inst); break;
  case Op::kPageOf: emit_page_of(inst); break;
  case Op::kAdd:
  case Op::kSub: emit_add_sub(inst); break;
  case Op::kAdc:
  case Op::kSbc: emit_carry(inst); break;
  case Op::kAnd:
  case Op::kAndNot:
  case Op::kOr:
  case Op::kOrNot:
  case Op::kXor:
  case Op::kXorNot: emit_logic(inst); break;
  case Op::kShl:
  case Op::kShr:
  case Op::kSar:
  case Op::kRor: emit_shift(inst); break;
  case Op::kExtract: emit_extract(inst); break;
  case Op::kExtend: emit_extend(inst); break;
  case Op::kUbfx:
  case Op::kSbfx:
  case Op::kUbfiz:
  case Op::kSbfiz: emit_bitfield(inst); break;
  case Op::kInsert:
  case Op::kInsertLow: emit_insert(inst); break;
  case Op::kMul:
  case Op::kMulHighU:
  case Op::kMulHighS:
  case Op::kMulLongU:
  case Op::kMulLongS: emit_multiply(inst); break;
  case Op::kDivU:
  case Op::kDivS: emit_divide(inst); break;
  case Op::kCountZeros:
  case Op::kCountSigns: emit_count(inst); break;
  case Op::kReverseBits: emit_reverse_bits(inst); break;
  case Op::kReverse: emit_reverse(inst); break;
  case Op::kCrc32: emit_crc32(inst); break;
  case Op::kCrc32c: emit_crc32c(inst); break;
  case Op::kSelect:
  case Op::kSelectInc:
  case Op::kSelectInvert:
  case Op::kSelectNegate: emit_select(inst); break;
  case Op::kCompareIf:
  case Op::kCompareNegatedIf: emit_compare_if(inst); break;
  case Op::kReadFlags: emit_read_flags(inst); break;
  case Op::kWriteFlags: emit_write_flags(inst); break;
  case Op::kReadFpsr: emit_read_fpsr(inst); break;
  case Op::kWriteFpsr: emit_write_fpsr(inst); break;
  case Op::kLoad:
  case Op::kLoadAsEl0:
  case Op::kLoadAcquire:
  case Op::kPageLoad: emit_load(inst); break;
  case Op::kStore:
  case Op::kStoreAsEl0:
  case Op::kStoreRelease: emit_store(inst); break;
  case Op::kLoadPair: emit_load_pair(inst); break;
  case Op::kStorePair: emit_store_pair(inst); break;
  case Op::kAtomicAdd:
  case Op::kAtomicClear:
  case Op::kAtomicXor:
  case Op::kAtomicSet:
  case Op::kAtomicSwap: emit_atomic(inst); break;
  case Op::kCompareSwap: emit_compare_swap(inst); break;
  case Op::kLoadMultiple:
  case Op::kStoreMultiple: emit_multiple(inst); break;
  case Op::kLoadReplicate: emit_replicate(inst); break;
  case Op::kCompareSwapPair: emit_compare_swap_pair(inst); break;
  case Op::kExclusiveLoad: emit_exclusive_load(inst); break;
  case Op::kExclusiveStore: emit_exclusive_store(inst); break;
  case Op::kExclusiveLoadPair: emit_exclusive_load_pair(inst); break;
  case Op::kExclusiveStorePair: emit_exclusive_store_pair(inst); break;
  case Op::kZeroBlock: emit_zero_block(inst); break;
  case Op::kCacheCheck: emit_cache_check(inst); break;
  case Op::kCodeCacheCheck: emit_code_cache_check(inst); break;
  case Op::kBarrier: emit_barrier(); break;
  case Op::kCompleteBarrier: emit_complete_barrier(); break;
  case Op::kSynchronize: synchronize(inst); break;
  case Op::kMaskInterrupts:
  case Op::kUnmaskInterrupts:
  case Op::kWriteDaif: emit_interrupt_masks(inst); break;
  case Op::kVector: emit_vector(inst); break;
  case Op::kSysRead:
  case Op::kSysWrite: emit_system_access(inst); break;
  case Op::kBranch: emit_branch(inst); break;
  case Op::kBranchIf:
  case Op::kBranchZero:
  case Op::kBranchBit: emit_branch_if(inst); break;
  case Op::kCall: emit_call(inst); break;
  case Op::kIndirect:
  case Op::kIndirectCall:
  case Op::kReturn: emit_indirect(inst); break;
  case Op::kInterpret:
  case Op::kInterpretAndLeave: emit_interpret(inst); break;
  }
  use_own(true);
  if (inst.d == kRegSp &&
      !(inst.op == Op::kAdd && inst.a == kRegSp && inst.b == ir::kNone && inst.imm % 16 == 0) &&
      !(inst.op == Op::kSub && inst.a == kRegSp && inst.b == ir::kNone && inst.imm % 16 == 0))
    stack_aligned_ = false;
  if (!inst.has(ir::kSetsFlags) && !keeps_host_flags(inst))
    host_flags_ = HostFlags::kNothing;
  if (written_.guest != ir::kNone && written_end_ == as_.position())
    forward_ = written_;
  else if (as_.position() != inst_start_)
    forward_ = {};
}

// Operands

// Leaves the host's flags alone.
void Emitter::read_into(const Reg64& to, ir::Reg r, bool wide) {
  if (r == kRegZero || r == ir::kNone)
    as_.mov(to.cvt32(), 0);
  else if (forward_.guest == r && as_.position() == inst_start_)
    move(to, Reg64(forward_.host), wide);
  else if (in_register(r))
    move(to, host_of(r), wide);
  else if (wide)
    as_.mov(to, memory_of(r, true));
  else
    as_.mov(to.cvt32(), memory_of(r, false));
}

// r = from. Leaves the host's flags alone.
void Emitter::write(ir::Reg r, const Reg64& from) {
  if (r == kRegSink)
    return;
  if (in_register(r)) {
    move(host_of(r), from, true);
    return;
  }
  as_.mov(memory_of(r, true), from);
  if (forwards_ &&
      (same(from, reg::kScratch0) || same(from, reg::kScratch1) || same(from, reg::kScratch2))) {
    written_ = {.guest = r, .host = static_cast<u8>(from.getIdx())};
    written_end_ = as_.position();
  }
}

void Emitter::load_constant(const Reg64& to, u64 value) {
  if (value == static_cast<u32>(value))
    as_.mov(to.cvt32(), static_cast<u32>(value));
  else
    as_.mov(to, value);
}

} // namespace softhv::jit
