// SPDX-License-Identifier: Apache-2.0
// Integer data processing (Arm ARM C4.1.86, C4.1.93).
#include "arch/bits.h"
#include "softhv/isa/bitmask.h"
#include "softhv/jit/lift.h"

namespace softhv::jit {
namespace {

using isa::InstId;
using kindling::arch::bit;
using kindling::arch::bits;
using kindling::arch::sign_extend;
using Op = ir::Op;

u32 width(const Lift& l) {
  return l.wide() ? 64 : 32;
}

u64 size_mask(const Lift& l) {
  return l.wide() ? ~0ULL : 0xffff'ffffULL;
}

// d = imm
ir::Inst& add_constant(Lift& l, u64 value) {
  ir::Inst& inst = l.add(Op::kMove);
  inst.flags = ir::kWide;
  inst.a = ir::kNone;
  inst.b = ir::kNone;
  inst.imm = static_cast<i64>(value);
  return inst;
}

// PC-relative addresses

bool adr(Lift& l) {
  const u64 raw = (bits(l.o.imm, 18, 0) << 2) | bits(l.o.imm, 20, 19);
  const i64 imm = sign_extend(raw, 21);
  const bool page = isa::InstId::kAdrp == static_cast<InstId>(&l.row - isa::rows().data());
  l.add_wide(Op::kPageOf, l.o.rd, ir::kNone, ir::kNone, page ? imm * 4096 : imm + l.offset());
  return true;
}

// Add, subtract, logical: immediate

template <Op kOp, bool kFlags>
bool arithmetic_immediate(Lift& l) {
  ir::Inst& inst = l.add(kOp);
  inst.b = ir::kNone;
  inst.imm = static_cast<i64>(bit(l.word, 22) ? l.o.imm << 12 : l.o.imm);
  if (kFlags)
    inst.flags |= ir::kSetsFlags;
  return true;
}

// d = the low half of a
bool add_low_half(Lift& l) {
  ir::Inst& inst = l.add(Op::kMove);
  inst.flags = 0;
  inst.b = ir::kNone;
  return true;
}

template <Op kOp, bool kFlags = false>
bool logical_immediate(Lift& l) {
  const u64 mask = isa::decode_bitmask(static_cast<u32>(l.o.imm)).value_or(0) & size_mask(l);
  if (kOp == Op::kOr && l.o.rn == kRegZero) {
    add_constant(l, mask);
    return true;
  }
  if (kOp == Op::kAnd && !kFlags && mask == 0xffff'ffff)
    return add_low_half(l);
  ir::Inst& inst = l.add(kOp);
  inst.b = ir::kNone;
  inst.imm = static_cast<i64>(mask);
  if (kFlags)
    inst.flags |= ir::kSetsFlags;
  return true;
}

bool movz(Lift& l) {
  add_constant(l, l.o.imm << (16 * bits(l.word, 22, 21)));
  return true;
}

bool movn(Lift& l) {
  add_constant(l, ~(l.o.imm << (16 * bits(l.word, 22, 21))) & size_mask(l));
  return true;
}

// After a constant for the same register see fold_constants().
bool movk(Lift& l) {
  const u64 shift = 16 * bits(l.word, 22, 21);
  const u64 hole = ~(0xffffULL << shift);
  const u64 value = l.o.imm << shift;
  ir::Inst& keep = l.add(Op::kAnd);
  keep.a = l.o.rd == kRegSink ? kRegZero : l.o.rd;
  keep.b = ir::kNone;
  keep.imm = static_cast<i64>(hole & size_mask(l));
  ir::Inst& set = l.add(Op::kOr);
  set.a = l.o.rd == kRegSink ? kRegZero : l.o.rd;
  set.b = ir::kNone;
  set.imm = static_cast<i64>(value);
  return true;
}

// Bit fields

void add_bitfield(Lift& l, Op op, u32 imm, u32 length) {
  ir::Inst& inst = l.add(op);
  inst.b = ir::kNone;
  inst.imm = imm;
  inst.shift = static_cast<u8>(length);
}

struct Bitfield {
  u32 immr;
  u32 imms;
};
Bitfield bitfield_of(const Lift& l) {
  return {.immr = static_cast<u32>(bits(l.word, 21, 16)),
          .imms = static_cast<u32>(bits(l.word, 15, 10))};
}

bool ubfm(Lift& l) {
  const auto [immr, imms] = bitfield_of(l);
  if (immr == 0 && imms == 31)
    return add_low_half(l);
  if (imms >= immr)
    add_bitfield(l, Op::kUbfx, immr, imms - immr + 1);
  else
    add_bitfield(l, Op::kUbfiz, width(l) - immr, imms + 1);
  return true;
}

bool sbfm(Lift& l) {
  const auto [immr, imms] = bitfield_of(l);
  if (imms >= immr)
    add_bitfield(l, Op::kSbfx, immr, imms - immr + 1);
  else
    add_bitfield(l, Op::kSbfiz, width(l) - immr, imms + 1);
  return true;
}

bool bfm(Lift& l) {
  if (l.o.rd == kRegSink)
    return true;
  const auto [immr, imms] = bitfield_of(l);
  if (imms >= immr)
    add_bitfield(l, Op::kInsertLow, immr, imms - immr + 1);
  else
    add_bitfield(l, Op::kInsert, width(l) - immr, imms + 1);
  return true;
}

bool extr(Lift& l) {
  ir::Inst& inst = l.add(l.o.rn == l.o.rm ? Op::kRor : Op::kExtract);
  inst.imm = static_cast<i64>(l.o.imm);
  if (l.o.rn == l.o.rm)
    inst.b = ir::kNone;
  return true;
}

// Shifted and extended registers

constexpr Op kShifts[] = {Op::kShl, Op::kShr, Op::kSar, Op::kRor};

// The register m as the instruction shifts it.
ir::Reg shifted(Lift& l) {
  const auto amount = static_cast<i64>(bits(l.word, 15, 10));
  if (amount == 0)
    return l.o.rm;
  ir::Inst& inst = l.add(kShifts[bits(l.word, 23, 22)]);
  inst.d = ir::kTemp0;
  inst.a = l.o.rm;
  inst.b = ir::kNone;
  inst.imm = amount;
  return ir::kTemp0;
}

template <Op kOp, bool kFlags = false>
bool shifted_register(Lift& l) {
  const ir::Reg m = shifted(l);
  if (kOp == Op::kOr && l.o.rn == kRegZero) { // MOV, LSL...
    ir::Inst& move = l.add(Op::kMove);
    move.a = m;
    move.b = ir::kNone;
    return true;
  }
  ir::Inst& inst = l.add(kOp);
  inst.b = m;
  if (kFlags)
    inst.flags |= ir::kSetsFlags;
  return true;
}

template <Op kOp, bool kFlags>
bool extended_register(Lift& l) {
  const auto extend = static_cast<ir::Extend>(bits(l.word, 15, 13));
  const bool plain = l.o.imm == 0 && (extend == ir::Extend::kUxtx || extend == ir::Extend::kSxtx ||
                                      (extend == ir::Extend::kUxtw && !l.wide()) ||
                                      (extend == ir::Extend::kSxtw && !l.wide()));
  ir::Reg m = l.o.rm;
  if (!plain) {
    ir::Inst& inst = l.add(Op::kExtend);
    inst.d = m = ir::kTemp0;
    inst.a = l.o.rm;
    inst.b = ir::kNone;
    inst.extend = extend;
    inst.imm = static_cast<i64>(l.o.imm);
  }
  ir::Inst& inst = l.add(kOp);
  inst.b = m;
  if (kFlags)
    inst.flags |= ir::kSetsFlags;
  return true;
}

// Two or three registers

template <Op kOp, bool kFlags = false>
bool registers(Lift& l) {
  ir::Inst& inst = l.add(kOp);
  if (kFlags)
    inst.flags |= ir::kSetsFlags;
  return true;
}

template <Op kOp>
bool one_register(Lift& l) {
  l.add(kOp).b = ir::kNone;
  return true;
}

template <unsigned kBits>
bool reverse(Lift& l) {
  ir::Inst& inst = l.add(Op::kReverse);
  inst.b = ir::kNone;
  inst.shift = kBits;
  return true;
}

template <Op kOp>
bool crc(Lift& l) {
  ir::Inst& inst = l.add(kOp);
  inst.size = static_cast<u8>(bits(l.word, 11, 10));
  return true;
}

template <Op kMultiply, Op kCombine>
bool multiply_add(Lift& l) {
  ir::Inst& product = l.add(kMultiply);
  if (l.o.ra == kRegZero && kCombine == Op::kAdd)
    return true;
  product.d = ir::kTemp0;
  ir::Inst& sum = l.add(kCombine);
  sum.a = l.o.ra;
  sum.b = ir::kTemp0;
  return true;
}

// Conditional select and compare

template <Op kOp>
bool select(Lift& l) {
  l.add(kOp).cond = static_cast<u8>(bits(l.word, 15, 12));
  return true;
}

template <Op kOp, bool kImmediate>
bool compare_if(Lift& l) {
  ir::Inst& inst = l.add(kOp);
  inst.flags |= ir::kSetsFlags;
  inst.d = kRegSink;
  inst.cond = static_cast<u8>(bits(l.word, 15, 12));
  inst.nzcv = static_cast<u8>(bits(l.word, 3, 0));
  if (kImmediate) {
    inst.b = ir::kNone;
    inst.imm = static_cast<i64>(l.o.imm);
  }
  return true;
}

constexpr LiftRow kRows[] = {
    {InstId::kAdr, adr},
    {InstId::kAdrp, adr},
    {InstId::kAddImm, arithmetic_immediate<Op::kAdd, false>},
    {InstId::kAddsImm, arithmetic_immediate<Op::kAdd, true>},
    {InstId::kSubImm, arithmetic_immediate<Op::kSub, false>},
    {InstId::kSubsImm, arithmetic_immediate<Op::kSub, true>},
    {InstId::kAndImm, logical_immediate<Op::kAnd>},
    {InstId::kOrrImm, logical_immediate<Op::kOr>},
    {InstId::kEorImm, logical_immediate<Op::kXor>},
    {InstId::kAndsImm, logical_immediate<Op::kAnd, true>},
    {InstId::kMovn, movn},
    {InstId::kMovz, movz},
    {InstId::kMovk, movk},
    {InstId::kSbfm, sbfm},
    {InstId::kBfm, bfm},
    {InstId::kUbfm, ubfm},
    {InstId::kExtr, extr},
    {InstId::kAndReg, shifted_register<Op::kAnd>},
    {InstId::kBicReg, shifted_register<Op::kAndNot>},
    {InstId::kOrrReg, shifted_register<Op::kOr>},
    {InstId::kOrnReg, shifted_register<Op::kOrNot>},
    {InstId::kEorReg, shifted_register<Op::kXor>},
    {InstId::kEonReg, shifted_register<Op::kXorNot>},
    {InstId::kAndsReg, shifted_register<Op::kAnd, true>},
    {InstId::kBicsReg, shifted_register<Op::kAndNot, true>},
    {InstId::kAddReg, shifted_register<Op::kAdd>},
    {InstId::kAddsReg, shifted_register<Op::kAdd, true>},
    {InstId::kSubReg, shifted_register<Op::kSub>},
    {InstId::kSubsReg, shifted_register<Op::kSub, true>},
    {InstId::kAddExt, extended_register<Op::kAdd, false>},
    {InstId::kAddsExt, extended_register<Op::kAdd, true>},
    {InstId::kSubExt, extended_register<Op::kSub, false>},
    {InstId::kSubsExt, extended_register<Op::kSub, true>},
    {InstId::kAdc, registers<Op::kAdc>},
    {InstId::kAdcs, registers<Op::kAdc, true>},
    {InstId::kSbc, registers<Op::kSbc>},
    {InstId::kSbcs, registers<Op::kSbc, true>},
    {InstId::kCcmnReg, compare_if<Op::kCompareNegatedIf, false>},
    {InstId::kCcmpReg, compare_if<Op::kCompareIf, false>},
    {InstId::kCcmnImm, compare_if<Op::kCompareNegatedIf, true>},
    {InstId::kCcmpImm, compare_if<Op::kCompareIf, true>},
    {InstId::kCsel, select<Op::kSelect>},
    {InstId::kCsinc, select<Op::kSelectInc>},
    {InstId::kCsinv, select<Op::kSelectInvert>},
    {InstId::kCsneg, select<Op::kSelectNegate>},
    {InstId::kRbit, one_register<Op::kReverseBits>},
    {InstId::kRev16, reverse<16>},
    {InstId::kRev32, reverse<32>},
    {InstId::kRev64, reverse<64>},
    {InstId::kClz, one_register<Op::kCountZeros>},
    {InstId::kCls, one_register<Op::kCountSigns>},
    {InstId::kUdiv, registers<Op::kDivU>},
    {InstId::kSdiv, registers<Op::kDivS>},
    {InstId::kLslv, registers<Op::kShl>},
    {InstId::kLsrv, registers<Op::kShr>},
    {InstId::kAsrv, registers<Op::kSar>},
    {InstId::kRorv, registers<Op::kRor>},
    {InstId::kCrc32, crc<Op::kCrc32>},
    {InstId::kCrc32c, crc<Op::kCrc32c>},
    {InstId::kMadd, multiply_add<Op::kMul, Op::kAdd>},
    {InstId::kMsub, multiply_add<Op::kMul, Op::kSub>},
    {InstId::kSmaddl, multiply_add<Op::kMulLongS, Op::kAdd>},
    {InstId::kSmsubl, multiply_add<Op::kMulLongS, Op::kSub>},
    {InstId::kSmulh, registers<Op::kMulHighS>},
    {InstId::kUmaddl, multiply_add<Op::kMulLongU, Op::kAdd>},
    {InstId::kUmsubl, multiply_add<Op::kMulLongU, Op::kSub>},
    {InstId::kUmulh, registers<Op::kMulHighU>},
};

} // namespace

std::span<const LiftRow> data_rows() {
  return kRows;
}

} // namespace softhv::jit
