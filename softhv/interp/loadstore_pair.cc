// SPDX-License-Identifier: Apache-2.0
// Loads and stores of register pairs (Arm ARM C4.1.94). A pair load into one register twice is
// CONSTRAINED UNPREDICTABLE: it keeps the second value here. With write-back into a transfer
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

// As aligned_read_pointer(), for two elements within one page.
template <unsigned kSize>
const void* pair_read_pointer(Cpu& cpu, u64 va) {
  if ((va & (kTlbPageSize - 1)) > kTlbPageSize - 2ULL * kSize)
    return nullptr;
  return aligned_read_pointer(cpu, va, kSize);
}
template <unsigned kSize>
void* pair_write_pointer(Cpu& cpu, u64 va) {
  if ((va & (kTlbPageSize - 1)) > kTlbPageSize - 2ULL * kSize)
    return nullptr;
  return aligned_write_pointer(cpu, va, kSize);
}

// The general case, out of line so that the fast path below needs no stack frame.
template <typename Register, Mode kMode>
[[gnu::noinline]] const Op* ldp_slow(Cpu& cpu, const Op* op) {
  const u64 base = cpu.s.x[op->rn];
  const u64 va = address_of<kMode>(op, base);
  typename Register::Value first;
  typename Register::Value second;
  if (!load(cpu, op, va, first) || !load(cpu, op, va + Register::kSize, second))
    return nullptr;
  Register::set(cpu, op->rd, first);
  Register::set(cpu, op->ra, second);
  if constexpr (kMode != Mode::kOffset)
    cpu.s.x[op->rn] = base + op->imm;
  return next(cpu, op);
}

template <typename Register, Mode kMode>
const Op* ldp(Cpu& cpu, const Op* op) {
  using Value = typename Register::Value;
  const u64 base = cpu.s.x[op->rn];
  const void* host = pair_read_pointer<Register::kSize>(cpu, address_of<kMode>(op, base));
  if (host == nullptr || (base & op->aux) != 0) [[unlikely]]
    return ldp_slow<Register, kMode>(cpu, op);
  const Value first = read_host<Value>(host);
  const Value second = read_host<Value>(static_cast<const Value*>(host) + 1);
  Register::set(cpu, op->rd, first);
  Register::set(cpu, op->ra, second);
  if constexpr (kMode != Mode::kOffset)
    cpu.s.x[op->rn] = base + op->imm;
  return next(cpu, op);
}

template <typename Register, Mode kMode>
[[gnu::noinline]] const Op* stp_slow(Cpu& cpu, const Op* op) {
  const u64 base = cpu.s.x[op->rn];
  const u64 va = address_of<kMode>(op, base);
  if (!store(cpu, op, va, Register::get(cpu, op->rd)) ||
      !store(cpu, op, va + Register::kSize, Register::get(cpu, op->ra)))
    return nullptr;
  if constexpr (kMode != Mode::kOffset)
    cpu.s.x[op->rn] = base + op->imm;
  return next(cpu, op);
}

template <typename Register, Mode kMode>
const Op* stp(Cpu& cpu, const Op* op) {
  using Value = typename Register::Value;
  const u64 base = cpu.s.x[op->rn];
  void* host = pair_write_pointer<Register::kSize>(cpu, address_of<kMode>(op, base));
  if (host == nullptr || (base & op->aux) != 0) [[unlikely]]
    return stp_slow<Register, kMode>(cpu, op);
  write_host(host, Register::get(cpu, op->rd));
  write_host(static_cast<Value*>(host) + 1, Register::get(cpu, op->ra));
  if constexpr (kMode != Mode::kOffset)
    cpu.s.x[op->rn] = base + op->imm;
  return next(cpu, op);
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
