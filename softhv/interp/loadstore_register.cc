// SPDX-License-Identifier: Apache-2.0
// Loads and stores of one register (Arm ARM C4.1.94): every addressing mode is an instance of
// load_to or store_from.
//
// A load or store with write-back whose base is also the transfer register is CONSTRAINED
// UNPREDICTABLE: here a store stores the old value and the base's new value stays in the register.
#include "softhv/interp/alu.h"
#include "softhv/interp/handlers.h"
#include "softhv/interp/memory.h"

namespace softhv::interp {

namespace {

// Addressing modes: what is added to the base for the access, and whether the base is changed.
struct Offset {
  static constexpr bool kWriteback = false;
  static u64 address(const Cpu& /*cpu*/, const Op* op, u64 base) { return base + op->imm; }
};
struct PreIndex {
  static constexpr bool kWriteback = true;
  static u64 address(const Cpu& /*cpu*/, const Op* op, u64 base) { return base + op->imm; }
};
struct PostIndex {
  static constexpr bool kWriteback = true;
  static u64 address(const Cpu& /*cpu*/, const Op* /*op*/, u64 base) { return base; }
};
template <unsigned kOption, unsigned kShift>
struct RegisterOffset {
  static constexpr bool kWriteback = false;
  static u64 address(const Cpu& cpu, const Op* op, u64 base) {
    return base + (extend<kOption>(cpu.s.x[op->rm]) << kShift);
  }
};

// The general case, out of line so that the fast path below needs no stack frame.
template <typename Register, typename Mode>
[[gnu::noinline]] const Op* load_to_slow(Cpu& cpu, const Op* op) {
  const u64 base = cpu.s.x[op->rn];
  typename Register::Value value;
  if (!load(cpu, op, Mode::address(cpu, op, base), value))
    return nullptr;
  Register::set(cpu, op->rd, value);
  if constexpr (Mode::kWriteback)
    cpu.s.x[op->rn] = base + op->imm;
  return next(cpu, op);
}

template <typename Register, typename Mode>
const Op* load_to(Cpu& cpu, const Op* op) {
  const u64 base = cpu.s.x[op->rn];
  const u64 va = Mode::address(cpu, op, base);
  const void* host = aligned_read_pointer(cpu, va, Register::kSize);
  if (host == nullptr || (base & op->aux) != 0) [[unlikely]]
    return load_to_slow<Register, Mode>(cpu, op);
  Register::set(cpu, op->rd, read_host<typename Register::Value>(host));
  if constexpr (Mode::kWriteback)
    cpu.s.x[op->rn] = base + op->imm;
  return next(cpu, op);
}

template <typename Register, typename Mode>
[[gnu::noinline]] const Op* store_from_slow(Cpu& cpu, const Op* op) {
  const u64 base = cpu.s.x[op->rn];
  const typename Register::Value value = Register::get(cpu, op->rd);
  if (!store(cpu, op, Mode::address(cpu, op, base), value))
    return nullptr;
  if constexpr (Mode::kWriteback)
    cpu.s.x[op->rn] = base + op->imm;
  return next(cpu, op);
}

template <typename Register, typename Mode>
const Op* store_from(Cpu& cpu, const Op* op) {
  const u64 base = cpu.s.x[op->rn];
  const u64 va = Mode::address(cpu, op, base);
  void* host = aligned_write_pointer(cpu, va, Register::kSize);
  if (host == nullptr || (base & op->aux) != 0) [[unlikely]]
    return store_from_slow<Register, Mode>(cpu, op);
  write_host(host, Register::get(cpu, op->rd));
  if constexpr (Mode::kWriteback)
    cpu.s.x[op->rn] = base + op->imm;
  return next(cpu, op);
}

template <typename Register>
const Op* load_literal(Cpu& cpu, const Op* op) {
  typename Register::Value value;
  if (!load(cpu, op, cpu.block_pc + op->imm, value))
    return nullptr;
  Register::set(cpu, op->rd, value);
  return next(cpu, op);
}

template <typename Register>
const Op* load_as_el0(Cpu& cpu, const Op* op) {
  const u64 base = cpu.s.x[op->rn];
  typename Register::Value value;
  if (!base_aligned(cpu, op, base) || !load_unprivileged(cpu, op, base + op->imm, value))
    return nullptr;
  Register::set(cpu, op->rd, value);
  return next(cpu, op);
}

template <typename Register>
const Op* store_as_el0(Cpu& cpu, const Op* op) {
  const u64 base = cpu.s.x[op->rn];
  if (!base_aligned(cpu, op, base) ||
      !store_unprivileged(cpu, op, base + op->imm, Register::get(cpu, op->rd)))
    return nullptr;
  return next(cpu, op);
}

const Op* prefetch(Cpu& cpu, const Op* op) {
  return next(cpu, op);
}

// Picks the handler for an addressing mode; a Kind is Load or Store.
struct Load {
  template <typename Register, typename Mode>
  static constexpr Handler kHandler = load_to<Register, Mode>;
  template <typename Register>
  static constexpr Handler kUnprivileged = load_as_el0<Register>;
};
struct Store {
  template <typename Register, typename Mode>
  static constexpr Handler kHandler = store_from<Register, Mode>;
  template <typename Register>
  static constexpr Handler kUnprivileged = store_as_el0<Register>;
};

struct Unsigned {
  template <typename Kind, typename Register>
  static Handler pick(Op& op) {
    decode_base(op);
    op.imm *= Register::kSize;
    return Kind::template kHandler<Register, Offset>;
  }
};

struct Unscaled {
  template <typename Kind, typename Register>
  static Handler pick(Op& op) {
    decode_base(op);
    op.imm = static_cast<u64>(sign_extend(op.imm, 9));
    return Kind::template kHandler<Register, Offset>;
  }
};

struct Indexed {
  template <typename Kind, typename Register>
  static Handler pick(Op& op) {
    decode_base(op);
    op.imm = static_cast<u64>(sign_extend(op.imm, 9));
    return bit(op.word, 11) ? Kind::template kHandler<Register, PreIndex>
                            : Kind::template kHandler<Register, PostIndex>;
  }
};

struct Unprivileged {
  template <typename Kind, typename Register>
  static Handler pick(Op& op) {
    decode_base(op);
    op.imm = static_cast<u64>(sign_extend(op.imm, 9));
    return Kind::template kUnprivileged<Register>;
  }
};

struct ByRegister {
  template <typename Kind, typename Register>
  static Handler pick(Op& op) {
    decode_base(op);
    return bit(op.word, 12) ? pick_extension<Kind, Register, log2(Register::kSize)>(op)
                            : pick_extension<Kind, Register, 0>(op);
  }

private:
  static constexpr unsigned log2(unsigned size) { return std::bit_width(size) - 1; }

  template <typename Kind, typename Register, unsigned kShift>
  static Handler pick_extension(const Op& op) {
    switch (bits(op.word, 15, 13)) {
    case 2: return Kind::template kHandler<Register, RegisterOffset<2, kShift>>;
    case 6: return Kind::template kHandler<Register, RegisterOffset<6, kShift>>;
    default: return Kind::template kHandler<Register, RegisterOffset<3, kShift>>;
    }
  }
};

struct Literal {
  template <typename Kind, typename Register>
  static Handler pick(Op& op) {
    op.imm = (static_cast<u64>(sign_extend(op.imm, 19)) + op.index) * 4;
    return load_literal<Register>;
  }
};

// Transfers of a fixed size, by addressing mode.
template <typename Mode>
Handler strb(Op& op) {
  return Mode::template pick<Store, Gpr<u8, u32>>(op);
}
template <typename Mode>
Handler ldrb(Op& op) {
  return Mode::template pick<Load, Gpr<u8, u32>>(op);
}
template <typename Mode>
Handler strh(Op& op) {
  return Mode::template pick<Store, Gpr<u16, u32>>(op);
}
template <typename Mode>
Handler ldrh(Op& op) {
  return Mode::template pick<Load, Gpr<u16, u32>>(op);
}
template <typename Mode>
Handler ldrsw(Op& op) {
  return Mode::template pick<Load, Gpr<i32, u64>>(op);
}

// opc<0>, word<22>: extend to 32 bits.
template <typename Mode>
Handler ldrsb(Op& op) {
  return bit(op.word, 22) ? Mode::template pick<Load, Gpr<i8, u32>>(op)
                          : Mode::template pick<Load, Gpr<i8, u64>>(op);
}
template <typename Mode>
Handler ldrsh(Op& op) {
  return bit(op.word, 22) ? Mode::template pick<Load, Gpr<i16, u32>>(op)
                          : Mode::template pick<Load, Gpr<i16, u64>>(op);
}

// 32 or 64 bits by word<30>.
template <typename Mode, typename Kind>
Handler word_or_doubleword(Op& op) {
  return bit(op.word, 30) ? Mode::template pick<Kind, Gpr<u64, u64>>(op)
                          : Mode::template pick<Kind, Gpr<u32, u32>>(op);
}
template <typename Mode>
Handler str(Op& op) {
  return word_or_doubleword<Mode, Store>(op);
}
template <typename Mode>
Handler ldr(Op& op) {
  return word_or_doubleword<Mode, Load>(op);
}

// 8 to 64 bits by size, 128 when opc<1> is set.
template <typename Mode, typename Kind>
Handler fp_transfer(Op& op) {
  if (bit(op.word, 23))
    return Mode::template pick<Kind, Fpr<Vec>>(op);
  switch (op.word >> 30) {
  case 0: return Mode::template pick<Kind, Fpr<u8>>(op);
  case 1: return Mode::template pick<Kind, Fpr<u16>>(op);
  case 2: return Mode::template pick<Kind, Fpr<u32>>(op);
  default: return Mode::template pick<Kind, Fpr<u64>>(op);
  }
}

} // namespace

Handler translate_kStrbUnsigned(Op& op) {
  return strb<Unsigned>(op);
}
Handler translate_kLdrbUnsigned(Op& op) {
  return ldrb<Unsigned>(op);
}
Handler translate_kLdrsbUnsigned(Op& op) {
  return ldrsb<Unsigned>(op);
}
Handler translate_kStrhUnsigned(Op& op) {
  return strh<Unsigned>(op);
}
Handler translate_kLdrhUnsigned(Op& op) {
  return ldrh<Unsigned>(op);
}
Handler translate_kLdrshUnsigned(Op& op) {
  return ldrsh<Unsigned>(op);
}
Handler translate_kStrUnsigned(Op& op) {
  return str<Unsigned>(op);
}
Handler translate_kLdrUnsigned(Op& op) {
  return ldr<Unsigned>(op);
}
Handler translate_kLdrswUnsigned(Op& op) {
  return ldrsw<Unsigned>(op);
}
Handler translate_kStrFpUnsigned(Op& op) {
  return fp_transfer<Unsigned, Store>(op);
}
Handler translate_kLdrFpUnsigned(Op& op) {
  return fp_transfer<Unsigned, Load>(op);
}
Handler translate_kPrfmUnsigned(Op& /*op*/) {
  return prefetch;
}

Handler translate_kStrbIndexed(Op& op) {
  return strb<Indexed>(op);
}
Handler translate_kLdrbIndexed(Op& op) {
  return ldrb<Indexed>(op);
}
Handler translate_kLdrsbIndexed(Op& op) {
  return ldrsb<Indexed>(op);
}
Handler translate_kStrhIndexed(Op& op) {
  return strh<Indexed>(op);
}
Handler translate_kLdrhIndexed(Op& op) {
  return ldrh<Indexed>(op);
}
Handler translate_kLdrshIndexed(Op& op) {
  return ldrsh<Indexed>(op);
}
Handler translate_kStrIndexed(Op& op) {
  return str<Indexed>(op);
}
Handler translate_kLdrIndexed(Op& op) {
  return ldr<Indexed>(op);
}
Handler translate_kLdrswIndexed(Op& op) {
  return ldrsw<Indexed>(op);
}
Handler translate_kStrFpIndexed(Op& op) {
  return fp_transfer<Indexed, Store>(op);
}
Handler translate_kLdrFpIndexed(Op& op) {
  return fp_transfer<Indexed, Load>(op);
}

Handler translate_kSturb(Op& op) {
  return strb<Unscaled>(op);
}
Handler translate_kLdurb(Op& op) {
  return ldrb<Unscaled>(op);
}
Handler translate_kLdursb(Op& op) {
  return ldrsb<Unscaled>(op);
}
Handler translate_kSturh(Op& op) {
  return strh<Unscaled>(op);
}
Handler translate_kLdurh(Op& op) {
  return ldrh<Unscaled>(op);
}
Handler translate_kLdursh(Op& op) {
  return ldrsh<Unscaled>(op);
}
Handler translate_kStur(Op& op) {
  return str<Unscaled>(op);
}
Handler translate_kLdur(Op& op) {
  return ldr<Unscaled>(op);
}
Handler translate_kLdursw(Op& op) {
  return ldrsw<Unscaled>(op);
}
Handler translate_kSturFp(Op& op) {
  return fp_transfer<Unscaled, Store>(op);
}
Handler translate_kLdurFp(Op& op) {
  return fp_transfer<Unscaled, Load>(op);
}
Handler translate_kPrfum(Op& /*op*/) {
  return prefetch;
}

Handler translate_kSttrb(Op& op) {
  return strb<Unprivileged>(op);
}
Handler translate_kLdtrb(Op& op) {
  return ldrb<Unprivileged>(op);
}
Handler translate_kLdtrsb(Op& op) {
  return ldrsb<Unprivileged>(op);
}
Handler translate_kSttrh(Op& op) {
  return strh<Unprivileged>(op);
}
Handler translate_kLdtrh(Op& op) {
  return ldrh<Unprivileged>(op);
}
Handler translate_kLdtrsh(Op& op) {
  return ldrsh<Unprivileged>(op);
}
Handler translate_kSttr(Op& op) {
  return str<Unprivileged>(op);
}
Handler translate_kLdtr(Op& op) {
  return ldr<Unprivileged>(op);
}
Handler translate_kLdtrsw(Op& op) {
  return ldrsw<Unprivileged>(op);
}

Handler translate_kStrbRegister(Op& op) {
  return strb<ByRegister>(op);
}
Handler translate_kLdrbRegister(Op& op) {
  return ldrb<ByRegister>(op);
}
Handler translate_kLdrsbRegister(Op& op) {
  return ldrsb<ByRegister>(op);
}
Handler translate_kStrhRegister(Op& op) {
  return strh<ByRegister>(op);
}
Handler translate_kLdrhRegister(Op& op) {
  return ldrh<ByRegister>(op);
}
Handler translate_kLdrshRegister(Op& op) {
  return ldrsh<ByRegister>(op);
}
Handler translate_kStrRegister(Op& op) {
  return str<ByRegister>(op);
}
Handler translate_kLdrRegister(Op& op) {
  return ldr<ByRegister>(op);
}
Handler translate_kLdrswRegister(Op& op) {
  return ldrsw<ByRegister>(op);
}
Handler translate_kStrFpRegister(Op& op) {
  return fp_transfer<ByRegister, Store>(op);
}
Handler translate_kLdrFpRegister(Op& op) {
  return fp_transfer<ByRegister, Load>(op);
}
Handler translate_kPrfmRegister(Op& /*op*/) {
  return prefetch;
}

Handler translate_kLdrLiteral(Op& op) {
  return word_or_doubleword<Literal, Load>(op);
}
Handler translate_kLdrswLiteral(Op& op) {
  return ldrsw<Literal>(op);
}
Handler translate_kPrfmLiteral(Op& /*op*/) {
  return prefetch;
}
Handler translate_kLdrFpLiteral(Op& op) {
  switch (op.word >> 30) {
  case 0: return Literal::pick<Load, Fpr<u32>>(op);
  case 1: return Literal::pick<Load, Fpr<u64>>(op);
  default: return Literal::pick<Load, Fpr<Vec>>(op);
  }
}

} // namespace softhv::interp
