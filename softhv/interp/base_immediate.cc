// SPDX-License-Identifier: Apache-2.0
// Data processing with an immediate (Arm ARM C4.1.86).
#include "softhv/interp/alu.h"
#include "softhv/interp/handlers.h"
#include "softhv/isa/bitmask.h"

namespace softhv::interp {
namespace {

const Op* adr(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = cpu.block_pc + op->imm;
  return next(cpu, op);
}

const Op* adrp(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = (cpu.block_pc & ~0xfffULL) + op->imm;
  return next(cpu, op);
}

const Op* load_constant(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = op->imm;
  return next(cpu, op);
}

// imm: the new bits in place; the half-word they replace begins at bit aux.
template <typename T>
const Op* movk(Cpu& cpu, const Op* op) {
  const u64 mask = 0xffffULL << op->aux;
  cpu.s.x[op->rd] = static_cast<T>((cpu.s.x[op->rd] & ~mask) | op->imm);
  return next(cpu, op);
}

template <typename T>
const Op* add_imm(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = static_cast<T>(cpu.s.x[op->rn] + op->imm);
  return next(cpu, op);
}

template <typename T>
const Op* adds_imm(Cpu& cpu, const Op* op) {
  const T a = static_cast<T>(cpu.s.x[op->rn]);
  const T b = static_cast<T>(op->imm);
  cpu.s.pstate.nzcv = flags_of_add<T>(a, b);
  cpu.s.x[op->rd] = static_cast<T>(a + b);
  return next(cpu, op);
}

template <typename T>
const Op* subs_imm(Cpu& cpu, const Op* op) {
  const T a = static_cast<T>(cpu.s.x[op->rn]);
  const T b = static_cast<T>(op->imm);
  cpu.s.pstate.nzcv = flags_of_sub<T>(a, b);
  cpu.s.x[op->rd] = static_cast<T>(a - b);
  return next(cpu, op);
}

// The immediate of a 32-bit operation has its upper half clear, so one AND serves both sizes; ORR
// and EOR have to clear the upper half of the other operand.
const Op* and_imm(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = cpu.s.x[op->rn] & op->imm;
  return next(cpu, op);
}

template <typename T>
const Op* orr_imm(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = static_cast<T>(cpu.s.x[op->rn] | op->imm);
  return next(cpu, op);
}

template <typename T>
const Op* eor_imm(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = static_cast<T>(cpu.s.x[op->rn] ^ op->imm);
  return next(cpu, op);
}

template <typename T>
const Op* ands_imm(Cpu& cpu, const Op* op) {
  const T result = static_cast<T>(cpu.s.x[op->rn] & op->imm);
  cpu.s.pstate.nzcv = flags_nz(result);
  cpu.s.x[op->rd] = result;
  return next(cpu, op);
}

// A bitfield move is a shift left that puts the field's top bit at bit 63 (aux) and a shift right
// to its place (aux2); or, unsigned, one shift and a mask (imm).
template <typename T>
const Op* sbfm(Cpu& cpu, const Op* op) {
  const i64 field = static_cast<i64>(cpu.s.x[op->rn] << op->aux);
  cpu.s.x[op->rd] = static_cast<T>(field >> op->aux2);
  return next(cpu, op);
}

const Op* ubfx(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = (cpu.s.x[op->rn] >> op->aux2) & op->imm;
  return next(cpu, op);
}

const Op* ubfiz(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = (cpu.s.x[op->rn] << op->aux2) & op->imm;
  return next(cpu, op);
}

const Op* lsr64(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = cpu.s.x[op->rn] >> op->aux2;
  return next(cpu, op);
}

const Op* lsl64(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = cpu.s.x[op->rn] << op->aux2;
  return next(cpu, op);
}

template <typename T>
const Op* zero_extend(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = static_cast<T>(cpu.s.x[op->rn]);
  return next(cpu, op);
}

template <typename To, typename From>
const Op* sign_extend_to(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = static_cast<To>(static_cast<i64>(static_cast<From>(cpu.s.x[op->rn])));
  return next(cpu, op);
}

template <typename T>
const Op* bfm(Cpu& cpu, const Op* op) {
  const T rotated = std::rotr(static_cast<T>(cpu.s.x[op->rn]), static_cast<int>(op->aux2));
  const T mask = static_cast<T>(op->imm);
  cpu.s.x[op->rd] = static_cast<T>((cpu.s.x[op->rd] & ~mask) | (rotated & mask));
  return next(cpu, op);
}

const Op* extr64(Cpu& cpu, const Op* op) {
  const u128 pair = (static_cast<u128>(cpu.s.x[op->rn]) << 64) | cpu.s.x[op->rm];
  cpu.s.x[op->rd] = static_cast<u64>(pair >> op->imm);
  return next(cpu, op);
}

const Op* extr32(Cpu& cpu, const Op* op) {
  const u64 pair = (cpu.s.x[op->rn] << 32) | static_cast<u32>(cpu.s.x[op->rm]);
  cpu.s.x[op->rd] = static_cast<u32>(pair >> op->imm);
  return next(cpu, op);
}

template <typename T>
const Op* ror_imm(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = std::rotr(static_cast<T>(cpu.s.x[op->rn]), static_cast<int>(op->imm));
  return next(cpu, op);
}

u64 add_sub_immediate(const Op& op) {
  return bit(op.word, 22) ? op.imm << 12 : op.imm;
}

// immlo is above immhi in op.imm.
i64 adr_immediate(const Op& op) {
  return sign_extend((bits(op.imm, 18, 0) << 2) | bits(op.imm, 20, 19), 21);
}

u64 size_mask(const Op& op) {
  return is_64bit(op) ? ~0ULL : 0xffff'ffffULL;
}

u64 logical_immediate(const Op& op) {
  return isa::decode_bitmask(static_cast<u32>(op.imm)).value_or(0) & size_mask(op);
}

struct Bitfield {
  u32 immr;
  u32 imms;
  u32 width; // of the register
  [[nodiscard]] bool extracts() const { return imms >= immr; }
  // Where the field lands, for an insertion.
  [[nodiscard]] u32 lsb() const { return width - immr; }
  [[nodiscard]] u64 mask() const {
    const u32 length = extracts() ? imms - immr + 1 : imms + 1;
    const u64 ones = ~0ULL >> (64 - length);
    return extracts() ? ones : ones << lsb();
  }
};

Bitfield bitfield_of(const Op& op) {
  return {.immr = static_cast<u32>(bits(op.word, 21, 16)),
          .imms = static_cast<u32>(bits(op.word, 15, 10)),
          .width = is_64bit(op) ? 64U : 32U};
}

} // namespace

Handler translate_kAdr(Op& op) {
  op.imm = static_cast<u64>(adr_immediate(op)) + 4ULL * op.index;
  return adr;
}

Handler translate_kAdrp(Op& op) {
  op.imm = static_cast<u64>(adr_immediate(op)) << 12;
  return adrp;
}

Handler translate_kAddImm(Op& op) {
  op.imm = add_sub_immediate(op);
  return by_size(op, add_imm<u32>, add_imm<u64>);
}

Handler translate_kAddsImm(Op& op) {
  op.imm = add_sub_immediate(op);
  return by_size(op, adds_imm<u32>, adds_imm<u64>);
}

Handler translate_kSubImm(Op& op) {
  op.imm = -add_sub_immediate(op);
  return by_size(op, add_imm<u32>, add_imm<u64>);
}

Handler translate_kSubsImm(Op& op) {
  op.imm = add_sub_immediate(op);
  return by_size(op, subs_imm<u32>, subs_imm<u64>);
}

Handler translate_kAndImm(Op& op) {
  op.imm = logical_immediate(op);
  return and_imm;
}

Handler translate_kOrrImm(Op& op) {
  op.imm = logical_immediate(op);
  return op.rn == kRegZero ? load_constant : by_size(op, orr_imm<u32>, orr_imm<u64>);
}

Handler translate_kEorImm(Op& op) {
  op.imm = logical_immediate(op);
  return by_size(op, eor_imm<u32>, eor_imm<u64>);
}

Handler translate_kAndsImm(Op& op) {
  op.imm = logical_immediate(op);
  return by_size(op, ands_imm<u32>, ands_imm<u64>);
}

Handler translate_kMovn(Op& op) {
  op.imm = ~(op.imm << (16 * bits(op.word, 22, 21))) & size_mask(op);
  return load_constant;
}

Handler translate_kMovz(Op& op) {
  op.imm <<= 16 * bits(op.word, 22, 21);
  return load_constant;
}

Handler translate_kMovk(Op& op) {
  op.aux = static_cast<u16>(16 * bits(op.word, 22, 21));
  op.imm <<= op.aux;
  return by_size(op, movk<u32>, movk<u64>);
}

Handler translate_kSbfm(Op& op) {
  const Bitfield f = bitfield_of(op);
  if (f.immr == 0 && f.imms == 31 && is_64bit(op))
    return sign_extend_to<u64, i32>;
  if (f.immr == 0 && f.imms == 15)
    return by_size(op, sign_extend_to<u32, i16>, sign_extend_to<u64, i16>);
  if (f.immr == 0 && f.imms == 7)
    return by_size(op, sign_extend_to<u32, i8>, sign_extend_to<u64, i8>);
  op.aux = static_cast<u16>(63 - f.imms);
  op.aux2 = f.extracts() ? 63 - f.imms + f.immr : 63 - f.imms - f.lsb();
  return by_size(op, sbfm<u32>, sbfm<u64>);
}

Handler translate_kBfm(Op& op) {
  const Bitfield f = bitfield_of(op);
  op.imm = f.mask();
  op.aux2 = f.immr;
  return by_size(op, bfm<u32>, bfm<u64>);
}

Handler translate_kUbfm(Op& op) {
  const Bitfield f = bitfield_of(op);
  op.imm = f.mask();
  if (f.extracts()) {
    op.aux2 = f.immr;
    if (f.immr == 0 && f.imms == 7)
      return zero_extend<u8>;
    if (f.immr == 0 && f.imms == 15)
      return zero_extend<u16>;
    return f.imms == 63 ? lsr64 : ubfx;
  }
  op.aux2 = f.lsb();
  return f.width == 64 && f.imms + 1 == f.immr ? lsl64 : ubfiz;
}

Handler translate_kExtr(Op& op) {
  if (op.rn == op.rm)
    return by_size(op, ror_imm<u32>, ror_imm<u64>);
  return by_size(op, extr32, extr64);
}

} // namespace softhv::interp
