// SPDX-License-Identifier: Apache-2.0
// Branches (Arm ARM C4.1.89). The target of a direct branch is kept in op.imm relative to the start
// of the block, which is all that depends on where the code is mapped. A conditional branch that is
// not taken goes on in its block, and one whose target is in its block stays there: link_branch().
#include "softhv/core/budget.h"
#include "softhv/interp/alu.h"
#include "softhv/interp/code_cache.h"
#include "softhv/interp/handlers.h"
#include "softhv/interp/translator.h"

namespace softhv::interp {
namespace {

// What the branches test.
struct Always {
  static bool holds(const Cpu& /*cpu*/, const Op* /*op*/) { return true; }
};
template <unsigned kCondition>
struct Flags {
  static bool holds(const Cpu& cpu, const Op* /*op*/) {
    return condition_holds<kCondition>(cpu.s.pstate.nzcv);
  }
};
template <typename T>
struct Zero {
  static bool holds(const Cpu& cpu, const Op* op) { return static_cast<T>(cpu.s.x[op->rd]) == 0; }
};
struct BitClear { // aux: the number of the bit
  static bool holds(const Cpu& cpu, const Op* op) { return !bit(cpu.s.x[op->rd], op->aux); }
};
template <typename Test>
struct Not {
  static bool holds(const Cpu& cpu, const Op* op) { return !Test::holds(cpu, op); }
};

const Op* jump(Cpu& cpu, const Op* op) {
  cpu.last = op;
  cpu.s.pc = cpu.block_pc + op->imm;
  return nullptr;
}

// How far the target of a linked branch is, in ops. execute() takes the ops of a block to have run
// in sequence; the branch makes up for it.
i64 distance(const Op* op) {
  return static_cast<i64>(op->rm) - op->index;
}

const Op* move_forward(Cpu& cpu, const Op* op) {
  const i64 n = distance(op);
  cpu.retired += static_cast<u64>(1 - n);
  return op[n].fn(cpu, op + n);
}

// Leaves the block all the same when the run loop has something to do, the code has changed, or
// the budget may not last for another round.
const Op* move_back(Cpu& cpu, const Op* op) {
  if (cpu.attention.load(std::memory_order_relaxed) != 0 ||
      cpu.code_info->load(std::memory_order_acquire) != op->aux2 ||
      budget(cpu) - op->index <= CodeCache::kMaxBlock) [[unlikely]]
    return jump(cpu, op);
  const i64 n = distance(op);
  cpu.retired += static_cast<u64>(1 - n);
  return op + n;
}

using Take = const Op* (*)(Cpu&, const Op*);

template <typename Test, Take kTake>
const Op* branch_if(Cpu& cpu, const Op* op) {
  return Test::holds(cpu, op) ? kTake(cpu, op) : next(cpu, op);
}

template <typename Test>
constexpr Handler kBranch = branch_if<Test, jump>;

// The forms of a branch: to another block, forward and back within its block.
struct Forms {
  Handler far;
  Handler forward;
  Handler back;
};
template <typename Test>
constexpr Forms kForms = {branch_if<Test, jump>, branch_if<Test, move_forward>,
                          branch_if<Test, move_back>};

constexpr Forms kAllForms[] = {
    kForms<Always>,    kForms<Flags<0>>,       kForms<Flags<1>>,      kForms<Flags<2>>,
    kForms<Flags<3>>,  kForms<Flags<4>>,       kForms<Flags<5>>,      kForms<Flags<6>>,
    kForms<Flags<7>>,  kForms<Flags<8>>,       kForms<Flags<9>>,      kForms<Flags<10>>,
    kForms<Flags<11>>, kForms<Flags<12>>,      kForms<Flags<13>>,     kForms<Flags<14>>,
    kForms<Flags<15>>, kForms<Zero<u32>>,      kForms<Zero<u64>>,     kForms<Not<Zero<u32>>>,
    kForms<BitClear>,  kForms<Not<Zero<u64>>>, kForms<Not<BitClear>>,
};

const Op* branch_link(Cpu& cpu, const Op* op) {
  cpu.s.x[30] = next_pc(cpu, op);
  return jump(cpu, op);
}

const Op* branch_register(Cpu& cpu, const Op* op) {
  cpu.s.pc = cpu.s.x[op->rn];
  return nullptr;
}

const Op* branch_link_register(Cpu& cpu, const Op* op) {
  cpu.s.pc = cpu.s.x[op->rn];
  cpu.s.x[30] = next_pc(cpu, op);
  return nullptr;
}

void decode_target(Op& op, unsigned width) {
  op.imm = (static_cast<u64>(sign_extend(op.imm, width)) + op.index) * 4;
}

void decode_test(Op& op) {
  decode_target(op, 14);
  op.aux = static_cast<u16>((bits(op.word, 31, 31) << 5) | bits(op.word, 23, 19));
}

} // namespace

void link_branch(Op& op, u32 size, u32 generation) {
  if (bits(op.word, 28, 26) != 0b101) // branches, exceptions, system
    return;
  const u64 target = op.imm / 4;
  if (target >= size)
    return;
  for (const Forms& forms : kAllForms) {
    if (op.fn != forms.far && op.fn != forms.back)
      continue;
    const bool back = target <= op.index;
    op.fn = back ? forms.back : forms.forward;
    op.rm = static_cast<u8>(target);
    if (back)
      op.aux2 = generation;
    return;
  }
}

Handler translate_kB(Op& op) {
  decode_target(op, 26);
  return kBranch<Always>;
}

Handler translate_kBl(Op& op) {
  decode_target(op, 26);
  return branch_link;
}

Handler translate_kBCond(Op& op) {
  constexpr Handler kHandlers[] = {
      kBranch<Flags<0>>,  kBranch<Flags<1>>,  kBranch<Flags<2>>,  kBranch<Flags<3>>,
      kBranch<Flags<4>>,  kBranch<Flags<5>>,  kBranch<Flags<6>>,  kBranch<Flags<7>>,
      kBranch<Flags<8>>,  kBranch<Flags<9>>,  kBranch<Flags<10>>, kBranch<Flags<11>>,
      kBranch<Flags<12>>, kBranch<Flags<13>>, kBranch<Flags<14>>, kBranch<Flags<15>>};
  decode_target(op, 19);
  return kHandlers[bits(op.word, 3, 0)];
}

Handler translate_kCbz(Op& op) {
  decode_target(op, 19);
  return by_size(op, kBranch<Zero<u32>>, kBranch<Zero<u64>>);
}

Handler translate_kCbnz(Op& op) {
  decode_target(op, 19);
  return by_size(op, kBranch<Not<Zero<u32>>>, kBranch<Not<Zero<u64>>>);
}

Handler translate_kTbz(Op& op) {
  decode_test(op);
  return kBranch<BitClear>;
}

Handler translate_kTbnz(Op& op) {
  decode_test(op);
  return kBranch<Not<BitClear>>;
}

Handler translate_kBr(Op& /*op*/) {
  return branch_register;
}

Handler translate_kBlr(Op& /*op*/) {
  return branch_link_register;
}

Handler translate_kRet(Op& /*op*/) {
  return branch_register;
}

} // namespace softhv::interp
