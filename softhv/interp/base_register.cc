// SPDX-License-Identifier: Apache-2.0
// Data processing, register: logical, add and subtract, carry and flag manipulation
// (Arm ARM C4.1.93).
#include "softhv/interp/alu.h"
#include "softhv/interp/handlers.h"

namespace softhv::interp {
namespace {

// What to do with the operands a and b; each stores its flags, if it has any.
struct And {
  template <typename T>
  static T apply(Cpu& /*cpu*/, T a, T b) {
    return a & b;
  }
};
struct Bic {
  template <typename T>
  static T apply(Cpu& /*cpu*/, T a, T b) {
    return a & ~b;
  }
};
struct Orr {
  template <typename T>
  static T apply(Cpu& /*cpu*/, T a, T b) {
    return a | b;
  }
};
struct Orn {
  template <typename T>
  static T apply(Cpu& /*cpu*/, T a, T b) {
    return a | ~b;
  }
};
struct Eor {
  template <typename T>
  static T apply(Cpu& /*cpu*/, T a, T b) {
    return a ^ b;
  }
};
struct Eon {
  template <typename T>
  static T apply(Cpu& /*cpu*/, T a, T b) {
    return a ^ ~b;
  }
};
struct Ands {
  template <typename T>
  static T apply(Cpu& cpu, T a, T b) {
    cpu.s.pstate.nzcv = flags_nz<T>(a & b);
    return a & b;
  }
};
struct Bics {
  template <typename T>
  static T apply(Cpu& cpu, T a, T b) {
    return Ands::apply<T>(cpu, a, ~b);
  }
};
struct Add {
  template <typename T>
  static T apply(Cpu& /*cpu*/, T a, T b) {
    return a + b;
  }
};
struct Adds {
  template <typename T>
  static T apply(Cpu& cpu, T a, T b) {
    cpu.s.pstate.nzcv = flags_of_add<T>(a, b);
    return a + b;
  }
};
struct Sub {
  template <typename T>
  static T apply(Cpu& /*cpu*/, T a, T b) {
    return a - b;
  }
};
struct Subs {
  template <typename T>
  static T apply(Cpu& cpu, T a, T b) {
    cpu.s.pstate.nzcv = flags_of_sub<T>(a, b);
    return a - b;
  }
};

template <typename T, typename Action, typename Shift>
const Op* shifted(Cpu& cpu, const Op* op) {
  const T a = static_cast<T>(cpu.s.x[op->rn]);
  const T b = Shift::apply(static_cast<T>(cpu.s.x[op->rm]), static_cast<unsigned>(op->imm));
  cpu.s.x[op->rd] = Action::apply(cpu, a, b);
  return next(cpu, op);
}

template <typename Action, typename Shift>
Handler shifted_by_size(const Op& op) {
  return by_size(op, shifted<u32, Action, Shift>, shifted<u64, Action, Shift>);
}

template <typename Action>
Handler pick_arithmetic_shift(const Op& op) {
  if (op.imm == 0)
    return shifted_by_size<Action, ShiftNone>(op);
  switch (bits(op.word, 23, 22)) {
  case 0: return shifted_by_size<Action, ShiftLsl>(op);
  case 1: return shifted_by_size<Action, ShiftLsr>(op);
  default: return shifted_by_size<Action, ShiftAsr>(op);
  }
}

template <typename Action>
Handler pick_logical_shift(const Op& op) {
  if (op.imm != 0 && bits(op.word, 23, 22) == 3)
    return shifted_by_size<Action, ShiftRor>(op);
  return pick_arithmetic_shift<Action>(op);
}

template <typename T>
const Op* move(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = static_cast<T>(cpu.s.x[op->rm]);
  return next(cpu, op);
}

template <typename T, typename Action, unsigned kOption>
const Op* extended(Cpu& cpu, const Op* op) {
  const T a = static_cast<T>(cpu.s.x[op->rn]);
  const T b = static_cast<T>(extend<kOption>(cpu.s.x[op->rm]) << op->imm);
  cpu.s.x[op->rd] = Action::apply(cpu, a, b);
  return next(cpu, op);
}

template <typename Action, unsigned kOption>
Handler extended_by_size(const Op& op) {
  return by_size(op, extended<u32, Action, kOption>, extended<u64, Action, kOption>);
}

template <typename Action>
Handler pick_extension(const Op& op) {
  switch (bits(op.word, 15, 13)) {
  case 0: return extended_by_size<Action, 0>(op);
  case 1: return extended_by_size<Action, 1>(op);
  case 2: return extended_by_size<Action, 2>(op);
  case 4: return extended_by_size<Action, 4>(op);
  case 5: return extended_by_size<Action, 5>(op);
  case 6: return extended_by_size<Action, 6>(op);
  default: return extended_by_size<Action, 3>(op);
  }
}

// ADC and, with the second operand inverted, SBC.
template <typename T, bool kInvert, bool kSetFlags>
const Op* with_carry(Cpu& cpu, const Op* op) {
  const T a = static_cast<T>(cpu.s.x[op->rn]);
  const T m = static_cast<T>(cpu.s.x[op->rm]);
  const T b = kInvert ? static_cast<T>(~m) : m;
  const bool carry = carry_of(cpu);
  if constexpr (kSetFlags)
    cpu.s.pstate.nzcv = flags_of_adc<T>(a, b, carry);
  cpu.s.x[op->rd] = static_cast<T>(a + b + static_cast<T>(carry));
  return next(cpu, op);
}

template <bool kInvert, bool kSetFlags>
Handler with_carry_by_size(const Op& op) {
  return by_size(op, with_carry<u32, kInvert, kSetFlags>, with_carry<u64, kInvert, kSetFlags>);
}

// aux2: the flags to replace, where PSTATE has them.
const Op* rmif(Cpu& cpu, const Op* op) {
  const u64 rotated = std::rotr(cpu.s.x[op->rn], static_cast<int>(op->imm));
  const u32 flags = static_cast<u32>(rotated << 28);
  cpu.s.pstate.nzcv = (cpu.s.pstate.nzcv & ~op->aux2) | (flags & op->aux2);
  return next(cpu, op);
}

// N is the value's top bit, V whether the bit above differs; C is kept.
template <unsigned kWidth>
const Op* setf(Cpu& cpu, const Op* op) {
  const u32 value = static_cast<u32>(cpu.s.x[op->rn]);
  const u32 n = bit(value, kWidth - 1) ? kFlagN : 0;
  const u32 z = bits(value, kWidth - 1, 0) == 0 ? kFlagZ : 0;
  const u32 v = bit(value, kWidth) != bit(value, kWidth - 1) ? kFlagV : 0;
  cpu.s.pstate.nzcv = (cpu.s.pstate.nzcv & kFlagC) | n | z | v;
  return next(cpu, op);
}

const Op* cfinv(Cpu& cpu, const Op* op) {
  cpu.s.pstate.nzcv ^= kFlagC;
  return next(cpu, op);
}

} // namespace

Handler translate_kAndReg(Op& op) {
  return pick_logical_shift<And>(op);
}
Handler translate_kBicReg(Op& op) {
  return pick_logical_shift<Bic>(op);
}
Handler translate_kOrrReg(Op& op) {
  if (op.rn == kRegZero && op.imm == 0)
    return by_size(op, move<u32>, move<u64>);
  return pick_logical_shift<Orr>(op);
}
Handler translate_kOrnReg(Op& op) {
  return pick_logical_shift<Orn>(op);
}
Handler translate_kEorReg(Op& op) {
  return pick_logical_shift<Eor>(op);
}
Handler translate_kEonReg(Op& op) {
  return pick_logical_shift<Eon>(op);
}
Handler translate_kAndsReg(Op& op) {
  return pick_logical_shift<Ands>(op);
}
Handler translate_kBicsReg(Op& op) {
  return pick_logical_shift<Bics>(op);
}

Handler translate_kAddReg(Op& op) {
  return pick_arithmetic_shift<Add>(op);
}
Handler translate_kAddsReg(Op& op) {
  return pick_arithmetic_shift<Adds>(op);
}
Handler translate_kSubReg(Op& op) {
  return pick_arithmetic_shift<Sub>(op);
}
Handler translate_kSubsReg(Op& op) {
  return pick_arithmetic_shift<Subs>(op);
}

Handler translate_kAddExt(Op& op) {
  return pick_extension<Add>(op);
}
Handler translate_kAddsExt(Op& op) {
  return pick_extension<Adds>(op);
}
Handler translate_kSubExt(Op& op) {
  return pick_extension<Sub>(op);
}
Handler translate_kSubsExt(Op& op) {
  return pick_extension<Subs>(op);
}

Handler translate_kAdc(Op& op) {
  return with_carry_by_size<false, false>(op);
}
Handler translate_kAdcs(Op& op) {
  return with_carry_by_size<false, true>(op);
}
Handler translate_kSbc(Op& op) {
  return with_carry_by_size<true, false>(op);
}
Handler translate_kSbcs(Op& op) {
  return with_carry_by_size<true, true>(op);
}

Handler translate_kRmif(Op& op) {
  op.aux2 = static_cast<u32>(bits(op.word, 3, 0) << 28);
  return rmif;
}
Handler translate_kSetf(Op& op) {
  return bit(op.word, 14) ? setf<16> : setf<8>;
}
Handler translate_kCfinv(Op& /*op*/) {
  return cfinv;
}

} // namespace softhv::interp
