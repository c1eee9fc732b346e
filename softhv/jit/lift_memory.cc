// SPDX-License-Identifier: Apache-2.0
// Loads and stores but for the AdvSIMD structure ones (Arm ARM C4.1.94). The fast path of an access
// is all that is translated: one that cannot take it has the whole instruction interpreted,
// write-back included.
#include "arch/bits.h"
#include "softhv/jit/lift.h"

namespace softhv::jit {
namespace {

using isa::InstId;
using kindling::arch::bit;
using kindling::arch::bits;
using kindling::arch::sign_extend;
using Op = ir::Op;

// What is transferred.
struct Transfer {
  u8 size;  // log2 of the bytes
  u8 flags; // kSigned, kWide, kVectorReg
};

// Of the integer loads and stores of one register, C4.1.94: size and opc.
Transfer integer_transfer(const Lift& l) {
  const auto size = static_cast<u8>(bits(l.word, 31, 30));
  const u64 opc = bits(l.word, 23, 22);
  if (opc < 2)
    return {size, 0};
  return {size, static_cast<u8>(ir::kSigned | (opc == 2 ? ir::kWide : 0))};
}

Transfer vector_transfer(const Lift& l) {
  return {static_cast<u8>(bit(l.word, 23) ? 4 : bits(l.word, 31, 30)), ir::kVectorReg};
}

ir::Inst& add_access(Lift& l, Op op, Transfer transfer) {
  ir::Inst& inst = l.add(op);
  inst.flags = transfer.flags;
  inst.size = transfer.size;
  inst.a = l.o.rn;
  inst.b = ir::kNone;
  return inst;
}

void add_writeback(Lift& l, i64 offset) {
  l.add_wide(Op::kAdd, l.o.rn, l.o.rn, ir::kNone, offset);
}

template <Op kOp, Transfer (*kTransfer)(const Lift&)>
bool unsigned_offset(Lift& l) {
  const Transfer transfer = kTransfer(l);
  add_access(l, kOp, transfer).imm = static_cast<i64>(l.o.imm << transfer.size);
  return true;
}

template <Op kOp, Transfer (*kTransfer)(const Lift&)>
bool unscaled_offset(Lift& l) {
  add_access(l, kOp, kTransfer(l)).imm = sign_extend(l.o.imm, 9);
  return true;
}

template <Op kOp, Transfer (*kTransfer)(const Lift&)>
bool indexed(Lift& l) {
  const bool vector = (kTransfer(l).flags & ir::kVectorReg) != 0;
  if (!vector && l.o.rd == l.o.rn) // CONSTRAINED UNPREDICTABLE
    return false;
  const i64 offset = sign_extend(l.o.imm, 9);
  add_access(l, kOp, kTransfer(l)).imm = bit(l.word, 11) ? offset : 0;
  add_writeback(l, offset);
  return true;
}

template <Op kOp, Transfer (*kTransfer)(const Lift&)>
bool register_offset(Lift& l) {
  const Transfer transfer = kTransfer(l);
  ir::Inst& inst = add_access(l, kOp, transfer);
  inst.b = l.o.rm;
  inst.extend = static_cast<ir::Extend>(bits(l.word, 15, 13));
  inst.shift = bit(l.word, 12) ? transfer.size : 0;
  return true;
}

bool load_literal(Lift& l) {
  const u8 opc = static_cast<u8>(bits(l.word, 31, 30));
  const bool vector = bit(l.word, 26);
  const Transfer transfer = vector     ? Transfer{static_cast<u8>(opc + 2), ir::kVectorReg}
                            : opc == 2 ? Transfer{2, ir::kSigned | ir::kWide}
                                       : Transfer{static_cast<u8>(opc + 2), 0};
  ir::Inst& inst = add_access(l, Op::kPageLoad, transfer);
  inst.a = ir::kNone;
  inst.imm = l.offset() + 4 * sign_extend(l.o.imm, 19);
  return true;
}

// Pairs

Transfer pair_transfer(const Lift& l) {
  const auto opc = static_cast<u8>(bits(l.word, 31, 30));
  if (bit(l.word, 26))
    return {static_cast<u8>(opc + 2), ir::kVectorReg};
  if (opc == 1)
    return {2, ir::kSigned | ir::kWide};
  return {static_cast<u8>(opc == 2 ? 3 : 2), 0};
}

template <Op kOp, bool kIndexed>
bool pair(Lift& l) {
  const Transfer transfer = pair_transfer(l);
  const bool vector = (transfer.flags & ir::kVectorReg) != 0;
  if (kOp == Op::kLoadPair && l.o.rd == l.o.ra && l.o.rd != kRegSink) // CONSTRAINED UNPREDICTABLE
    return false;
  if (kIndexed && !vector && (l.o.rd == l.o.rn || l.o.ra == l.o.rn)) // the same
    return false;
  const i64 offset = sign_extend(l.o.imm, 7) * (1LL << transfer.size);
  ir::Inst& inst = add_access(l, kOp, transfer);
  inst.d2 = l.o.ra;
  inst.imm = kIndexed && !bit(l.word, 24) ? 0 : offset;
  if (kIndexed)
    add_writeback(l, offset);
  return true;
}

// LD1, ST1 and LD1R

void add_structure_writeback(Lift& l, i64 bytes) {
  const u64 rm = bits(l.word, 20, 16);
  l.add_wide(Op::kAdd, l.o.rn, l.o.rn, rm == 31 ? ir::kNone : static_cast<ir::Reg>(rm),
             rm == 31 ? bytes : 0);
}

template <Op kOp, unsigned kRegisters, bool kPost = false>
bool multiple(Lift& l) {
  const auto size = static_cast<u8>(bit(l.word, 30) ? 4 : 3);
  ir::Inst& inst = add_access(l, kOp, {size, ir::kVectorReg});
  inst.shift = kRegisters;
  if (kPost)
    add_structure_writeback(l, kRegisters * (1LL << size));
  return true;
}

template <bool kPost>
bool replicate(Lift& l) {
  const auto size = static_cast<u8>(bits(l.word, 11, 10));
  ir::Inst& inst = add_access(l, Op::kLoadReplicate, {size, ir::kVectorReg});
  if (bit(l.word, 30))
    inst.flags |= ir::kWide;
  if (kPost)
    add_structure_writeback(l, 1LL << size);
  return true;
}

// Ordered and atomic

Transfer sized_transfer(const Lift& l) {
  return {static_cast<u8>(bits(l.word, 31, 30)), 0};
}

template <Op kOp>
bool ordered(Lift& l) {
  add_access(l, kOp, sized_transfer(l));
  return true;
}

template <Op kOp>
bool atomic(Lift& l) {
  add_access(l, kOp, sized_transfer(l)).d2 = l.o.rm;
  return true;
}

// CAS: Rs is compared and written, Rt stored.
bool compare_swap(Lift& l) {
  if (l.o.rm == kRegZero)
    return false;
  ir::Inst& inst = add_access(l, Op::kCompareSwap, sized_transfer(l));
  inst.d = l.o.rm;
  inst.d2 = l.o.rd;
  return true;
}

// CASP: pairs of registers that start with an even one.
bool compare_swap_pair(Lift& l) {
  const auto pair_at = [](u8 r) { return r <= 28; };
  if (kindling::arch::bits(l.word, 30, 30) == 0 || !pair_at(l.o.rm) || !pair_at(l.o.rd))
    return false;
  ir::Inst& inst = add_access(l, Op::kCompareSwapPair, {4, 0});
  inst.d = l.o.rm;
  inst.d2 = l.o.rd;
  return true;
}

bool exclusive_load(Lift& l) {
  add_access(l, Op::kExclusiveLoad, sized_transfer(l));
  return true;
}

bool exclusive_store(Lift& l) {
  ir::Inst& inst = add_access(l, Op::kExclusiveStore, sized_transfer(l));
  inst.d = l.o.rm;
  inst.d2 = l.o.rd;
  return true;
}

bool exclusive_load_pair(Lift& l) {
  if (!bit(l.word, 30))
    return false;
  add_access(l, Op::kExclusiveLoadPair, {3, 0}).d2 = l.o.ra;
  return true;
}

bool exclusive_store_pair(Lift& l) {
  if (!bit(l.word, 30))
    return false;
  ir::Inst& inst = add_access(l, Op::kExclusiveStorePair, {3, 0});
  inst.d = l.o.rm;
  inst.d2 = l.o.rd;
  inst.b = l.o.ra;
  return true;
}

bool prefetch(Lift& /*l*/) {
  return true;
}

constexpr LiftRow kRows[] = {
    {InstId::kStrbUnsigned, unsigned_offset<Op::kStore, integer_transfer>},
    {InstId::kLdrbUnsigned, unsigned_offset<Op::kLoad, integer_transfer>},
    {InstId::kLdrsbUnsigned, unsigned_offset<Op::kLoad, integer_transfer>},
    {InstId::kStrhUnsigned, unsigned_offset<Op::kStore, integer_transfer>},
    {InstId::kLdrhUnsigned, unsigned_offset<Op::kLoad, integer_transfer>},
    {InstId::kLdrshUnsigned, unsigned_offset<Op::kLoad, integer_transfer>},
    {InstId::kStrUnsigned, unsigned_offset<Op::kStore, integer_transfer>},
    {InstId::kLdrUnsigned, unsigned_offset<Op::kLoad, integer_transfer>},
    {InstId::kLdrswUnsigned, unsigned_offset<Op::kLoad, integer_transfer>},
    {InstId::kPrfmUnsigned, prefetch},
    {InstId::kStrFpUnsigned, unsigned_offset<Op::kStore, vector_transfer>},
    {InstId::kLdrFpUnsigned, unsigned_offset<Op::kLoad, vector_transfer>},
    {InstId::kStrbIndexed, indexed<Op::kStore, integer_transfer>},
    {InstId::kLdrbIndexed, indexed<Op::kLoad, integer_transfer>},
    {InstId::kLdrsbIndexed, indexed<Op::kLoad, integer_transfer>},
    {InstId::kStrhIndexed, indexed<Op::kStore, integer_transfer>},
    {InstId::kLdrhIndexed, indexed<Op::kLoad, integer_transfer>},
    {InstId::kLdrshIndexed, indexed<Op::kLoad, integer_transfer>},
    {InstId::kStrIndexed, indexed<Op::kStore, integer_transfer>},
    {InstId::kLdrIndexed, indexed<Op::kLoad, integer_transfer>},
    {InstId::kLdrswIndexed, indexed<Op::kLoad, integer_transfer>},
    {InstId::kStrFpIndexed, indexed<Op::kStore, vector_transfer>},
    {InstId::kLdrFpIndexed, indexed<Op::kLoad, vector_transfer>},
    {InstId::kSturb, unscaled_offset<Op::kStore, integer_transfer>},
    {InstId::kLdurb, unscaled_offset<Op::kLoad, integer_transfer>},
    {InstId::kLdursb, unscaled_offset<Op::kLoad, integer_transfer>},
    {InstId::kSturh, unscaled_offset<Op::kStore, integer_transfer>},
    {InstId::kLdurh, unscaled_offset<Op::kLoad, integer_transfer>},
    {InstId::kLdursh, unscaled_offset<Op::kLoad, integer_transfer>},
    {InstId::kStur, unscaled_offset<Op::kStore, integer_transfer>},
    {InstId::kLdur, unscaled_offset<Op::kLoad, integer_transfer>},
    {InstId::kLdursw, unscaled_offset<Op::kLoad, integer_transfer>},
    {InstId::kPrfum, prefetch},
    {InstId::kSturFp, unscaled_offset<Op::kStore, vector_transfer>},
    {InstId::kLdurFp, unscaled_offset<Op::kLoad, vector_transfer>},
    {InstId::kStrbRegister, register_offset<Op::kStore, integer_transfer>},
    {InstId::kLdrbRegister, register_offset<Op::kLoad, integer_transfer>},
    {InstId::kLdrsbRegister, register_offset<Op::kLoad, integer_transfer>},
    {InstId::kStrhRegister, register_offset<Op::kStore, integer_transfer>},
    {InstId::kLdrhRegister, register_offset<Op::kLoad, integer_transfer>},
    {InstId::kLdrshRegister, register_offset<Op::kLoad, integer_transfer>},
    {InstId::kStrRegister, register_offset<Op::kStore, integer_transfer>},
    {InstId::kLdrRegister, register_offset<Op::kLoad, integer_transfer>},
    {InstId::kLdrswRegister, register_offset<Op::kLoad, integer_transfer>},
    {InstId::kPrfmRegister, prefetch},
    {InstId::kStrFpRegister, register_offset<Op::kStore, vector_transfer>},
    {InstId::kLdrFpRegister, register_offset<Op::kLoad, vector_transfer>},
    {InstId::kSttrb, unscaled_offset<Op::kStoreAsEl0, integer_transfer>},
    {InstId::kLdtrb, unscaled_offset<Op::kLoadAsEl0, integer_transfer>},
    {InstId::kLdtrsb, unscaled_offset<Op::kLoadAsEl0, integer_transfer>},
    {InstId::kSttrh, unscaled_offset<Op::kStoreAsEl0, integer_transfer>},
    {InstId::kLdtrh, unscaled_offset<Op::kLoadAsEl0, integer_transfer>},
    {InstId::kLdtrsh, unscaled_offset<Op::kLoadAsEl0, integer_transfer>},
    {InstId::kSttr, unscaled_offset<Op::kStoreAsEl0, integer_transfer>},
    {InstId::kLdtr, unscaled_offset<Op::kLoadAsEl0, integer_transfer>},
    {InstId::kLdtrsw, unscaled_offset<Op::kLoadAsEl0, integer_transfer>},
    {InstId::kLdrLiteral, load_literal},
    {InstId::kLdrswLiteral, load_literal},
    {InstId::kPrfmLiteral, prefetch},
    {InstId::kLdrFpLiteral, load_literal},
    {InstId::kStpOffset, pair<Op::kStorePair, false>},
    {InstId::kStpIndexed, pair<Op::kStorePair, true>},
    {InstId::kStnp, pair<Op::kStorePair, false>},
    {InstId::kLdpOffset, pair<Op::kLoadPair, false>},
    {InstId::kLdpIndexed, pair<Op::kLoadPair, true>},
    {InstId::kLdnp, pair<Op::kLoadPair, false>},
    {InstId::kLdpswOffset, pair<Op::kLoadPair, false>},
    {InstId::kLdpswIndexed, pair<Op::kLoadPair, true>},
    {InstId::kStpFpOffset, pair<Op::kStorePair, false>},
    {InstId::kStpFpIndexed, pair<Op::kStorePair, true>},
    {InstId::kStnpFp, pair<Op::kStorePair, false>},
    {InstId::kLdpFpOffset, pair<Op::kLoadPair, false>},
    {InstId::kLdpFpIndexed, pair<Op::kLoadPair, true>},
    {InstId::kLdnpFp, pair<Op::kLoadPair, false>},
    {InstId::kLd1OneRegister, multiple<Op::kLoadMultiple, 1>},
    {InstId::kLd1OneRegisterPost, multiple<Op::kLoadMultiple, 1, true>},
    {InstId::kLd1TwoRegisters, multiple<Op::kLoadMultiple, 2>},
    {InstId::kLd1TwoRegistersPost, multiple<Op::kLoadMultiple, 2, true>},
    {InstId::kLd1ThreeRegisters, multiple<Op::kLoadMultiple, 3>},
    {InstId::kLd1ThreeRegistersPost, multiple<Op::kLoadMultiple, 3, true>},
    {InstId::kLd1FourRegisters, multiple<Op::kLoadMultiple, 4>},
    {InstId::kLd1FourRegistersPost, multiple<Op::kLoadMultiple, 4, true>},
    {InstId::kSt1OneRegister, multiple<Op::kStoreMultiple, 1>},
    {InstId::kSt1OneRegisterPost, multiple<Op::kStoreMultiple, 1, true>},
    {InstId::kSt1TwoRegisters, multiple<Op::kStoreMultiple, 2>},
    {InstId::kSt1TwoRegistersPost, multiple<Op::kStoreMultiple, 2, true>},
    {InstId::kSt1ThreeRegisters, multiple<Op::kStoreMultiple, 3>},
    {InstId::kSt1ThreeRegistersPost, multiple<Op::kStoreMultiple, 3, true>},
    {InstId::kSt1FourRegisters, multiple<Op::kStoreMultiple, 4>},
    {InstId::kSt1FourRegistersPost, multiple<Op::kStoreMultiple, 4, true>},
    {InstId::kLd1Replicate, replicate<false>},
    {InstId::kLd1ReplicatePost, replicate<true>},
    {InstId::kStlr, ordered<Op::kStoreRelease>},
    {InstId::kLdar, ordered<Op::kLoadAcquire>},
    {InstId::kLdapr, ordered<Op::kLoadAcquire>},
    {InstId::kCas, compare_swap},
    {InstId::kCasp, compare_swap_pair},
    {InstId::kLdxr, exclusive_load},
    {InstId::kStxr, exclusive_store},
    {InstId::kLdxp, exclusive_load_pair},
    {InstId::kStxp, exclusive_store_pair},
    {InstId::kLdadd, atomic<Op::kAtomicAdd>},
    {InstId::kLdclr, atomic<Op::kAtomicClear>},
    {InstId::kLdeor, atomic<Op::kAtomicXor>},
    {InstId::kLdset, atomic<Op::kAtomicSet>},
    {InstId::kSwp, atomic<Op::kAtomicSwap>},
};

} // namespace

std::span<const LiftRow> memory_rows() {
  return kRows;
}

} // namespace softhv::jit
