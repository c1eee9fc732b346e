// SPDX-License-Identifier: Apache-2.0
// Loads and stores of register pairs (Arm ARM C4.1.94). A pair load into one register twice is
// CONSTRAINED UNPREDICTABLE: it keeps the first value here. With write-back into a transfer
// register the base's new value stays.
#include "softhv/interp/alu.h"
#include "softhv/interp/handlers.h"
#include "softhv/interp/memory.h"

namespace softhv::interp {
namespace {

enum class Mode : u8 { kOffset, kPreIndex, kPostIndex };

template <Mode kMode>
u64 address_of(const Op* op, u64 base) {
  return kMode == Mode::kPostIndex ? base : base + op->imm;
}

template <typename Register, Mode kMode>
const Op* ldp(Cpu& cpu, const Op* op) {
  const u64 base = cpu.s.x[op->rn];
  typename Register::Value first;
  typename Register::Value second;
  if (!base_aligned(cpu, op, base) ||
      !load_pair(cpu, op, address_of<kMode>(op, base), first, second))
    return nullptr;
  Register::set(cpu, op->ra, second);
  Register::set(cpu, op->rd, first);
  if constexpr (kMode != Mode::kOffset)
    cpu.s.x[op->rn] = base + op->imm;
  return op + 1;
}

template <typename Register, Mode kMode>
const Op* stp(Cpu& cpu, const Op* op) {
  const u64 base = cpu.s.x[op->rn];
  if (!base_aligned(cpu, op, base) ||
      !store_pair(cpu, op, address_of<kMode>(op, base), Register::get(cpu, op->rd),
                  Register::get(cpu, op->ra)))
    return nullptr;
  if constexpr (kMode != Mode::kOffset)
    cpu.s.x[op->rn] = base + op->imm;
  return op + 1;
}

// word<24:23>: 01 post-index, 11 pre-index, else an offset.
template <typename Register>
Handler pick_ldp(Op& op) {
  decode_base(op);
  op.imm = static_cast<u64>(sign_extend(op.imm, 7)) * Register::kSize;
  switch (bits(op.word, 24, 23)) {
  case 1: return ldp<Register, Mode::kPostIndex>;
  case 3: return ldp<Register, Mode::kPreIndex>;
  default: return ldp<Register, Mode::kOffset>;
  }
}

template <typename Register>
Handler pick_stp(Op& op) {
  decode_base(op);
  op.imm = static_cast<u64>(sign_extend(op.imm, 7)) * Register::kSize;
  switch (bits(op.word, 24, 23)) {
  case 1: return stp<Register, Mode::kPostIndex>;
  case 3: return stp<Register, Mode::kPreIndex>;
  default: return stp<Register, Mode::kOffset>;
  }
}

Handler pick_ldp_gpr(Op& op) {
  return is_64bit(op) ? pick_ldp<Gpr<u64, u64>>(op) : pick_ldp<Gpr<u32, u32>>(op);
}

Handler pick_stp_gpr(Op& op) {
  return is_64bit(op) ? pick_stp<Gpr<u64, u64>>(op) : pick_stp<Gpr<u32, u32>>(op);
}

Handler pick_ldp_fpr(Op& op) {
  switch (op.word >> 30) {
  case 0: return pick_ldp<Fpr<u32>>(op);
  case 1: return pick_ldp<Fpr<u64>>(op);
  default: return pick_ldp<Fpr<Vec>>(op);
  }
}

Handler pick_stp_fpr(Op& op) {
  switch (op.word >> 30) {
  case 0: return pick_stp<Fpr<u32>>(op);
  case 1: return pick_stp<Fpr<u64>>(op);
  default: return pick_stp<Fpr<Vec>>(op);
  }
}

} // namespace

Handler translate_kStpOffset(Op& op) {
  return pick_stp_gpr(op);
}
Handler translate_kStpIndexed(Op& op) {
  return pick_stp_gpr(op);
}
Handler translate_kStnp(Op& op) {
  return pick_stp_gpr(op);
}
Handler translate_kLdpOffset(Op& op) {
  return pick_ldp_gpr(op);
}
Handler translate_kLdpIndexed(Op& op) {
  return pick_ldp_gpr(op);
}
Handler translate_kLdnp(Op& op) {
  return pick_ldp_gpr(op);
}
Handler translate_kLdpswOffset(Op& op) {
  return pick_ldp<Gpr<i32, u64>>(op);
}
Handler translate_kLdpswIndexed(Op& op) {
  return pick_ldp<Gpr<i32, u64>>(op);
}

Handler translate_kStpFpOffset(Op& op) {
  return pick_stp_fpr(op);
}
Handler translate_kStpFpIndexed(Op& op) {
  return pick_stp_fpr(op);
}
Handler translate_kStnpFp(Op& op) {
  return pick_stp_fpr(op);
}
Handler translate_kLdpFpOffset(Op& op) {
  return pick_ldp_fpr(op);
}
Handler translate_kLdpFpIndexed(Op& op) {
  return pick_ldp_fpr(op);
}
Handler translate_kLdnpFp(Op& op) {
  return pick_ldp_fpr(op);
}

} // namespace softhv::interp
