// SPDX-License-Identifier: Apache-2.0
// Branches (Arm ARM C4.1.89). The target of a direct branch is kept in op.imm relative to the start
// of the block, which is all that depends on where the code is mapped. A conditional branch that is
// not taken goes on in its block.
#include "softhv/interp/alu.h"
#include "softhv/interp/handlers.h"

namespace softhv::interp {
namespace {

const Op* jump(Cpu& cpu, const Op* op) {
  cpu.last = op;
  cpu.s.pc = cpu.block_pc + op->imm;
  return nullptr;
}

const Op* branch(Cpu& cpu, const Op* op) {
  return jump(cpu, op);
}

const Op* branch_link(Cpu& cpu, const Op* op) {
  cpu.s.x[30] = next_pc(cpu, op);
  return jump(cpu, op);
}

template <unsigned kCondition>
const Op* branch_cond(Cpu& cpu, const Op* op) {
  return condition_holds<kCondition>(cpu.s.pstate.nzcv) ? jump(cpu, op) : next(cpu, op);
}

template <typename T>
const Op* cbz(Cpu& cpu, const Op* op) {
  return static_cast<T>(cpu.s.x[op->rd]) == 0 ? jump(cpu, op) : next(cpu, op);
}

template <typename T>
const Op* cbnz(Cpu& cpu, const Op* op) {
  return static_cast<T>(cpu.s.x[op->rd]) != 0 ? jump(cpu, op) : next(cpu, op);
}

// aux: the number of the bit.
const Op* tbz(Cpu& cpu, const Op* op) {
  return bit(cpu.s.x[op->rd], op->aux) ? next(cpu, op) : jump(cpu, op);
}

const Op* tbnz(Cpu& cpu, const Op* op) {
  return bit(cpu.s.x[op->rd], op->aux) ? jump(cpu, op) : next(cpu, op);
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

Handler translate_kB(Op& op) {
  decode_target(op, 26);
  return branch;
}

Handler translate_kBl(Op& op) {
  decode_target(op, 26);
  return branch_link;
}

Handler translate_kBCond(Op& op) {
  constexpr Handler kHandlers[] = {
      branch_cond<0>,  branch_cond<1>,  branch_cond<2>,  branch_cond<3>,
      branch_cond<4>,  branch_cond<5>,  branch_cond<6>,  branch_cond<7>,
      branch_cond<8>,  branch_cond<9>,  branch_cond<10>, branch_cond<11>,
      branch_cond<12>, branch_cond<13>, branch_cond<14>, branch_cond<15>};
  decode_target(op, 19);
  return kHandlers[bits(op.word, 3, 0)];
}

Handler translate_kCbz(Op& op) {
  decode_target(op, 19);
  return by_size(op, cbz<u32>, cbz<u64>);
}

Handler translate_kCbnz(Op& op) {
  decode_target(op, 19);
  return by_size(op, cbnz<u32>, cbnz<u64>);
}

Handler translate_kTbz(Op& op) {
  decode_test(op);
  return tbz;
}

Handler translate_kTbnz(Op& op) {
  decode_test(op);
  return tbnz;
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
