// SPDX-License-Identifier: Apache-2.0
// Encoder: Xbyak, with the instructions that most code consists of encoded in fewer steps. The
// names and the bytes are Xbyak's; a form not covered here is Xbyak's to encode.
#pragma once

#include <cstring>

#include <xbyak/xbyak.h>

#include "arch/types.h"

namespace softhv::jit {

class Encoder : public Xbyak::CodeGenerator {
  using Base = Xbyak::CodeGenerator;
  using Operand = Xbyak::Operand;
  using Address = Xbyak::Address;
  using Reg = Xbyak::Reg;

public:
  using Base::Base;

  using Base::mov;
  void mov(const Operand& to, const Operand& from) {
    if (!two(0x88, to, from))
      Base::mov(to, from);
  }
  void mov(const Operand& to, u64 imm) {
    if (!move_constant(to, imm))
      Base::mov(to, imm);
  }

// op r/m, r and r, r/m have opcodes from CODE on; op r/m, imm has EXTENSION.
#define SOFTHV_JIT_ARITHMETIC(NAME, CODE, EXTENSION)                                               \
  using Base::NAME;                                                                                \
  void NAME(const Operand& to, const Operand& from) {                                              \
    if (!two(CODE, to, from))                                                                      \
      Base::NAME(to, from);                                                                        \
  }                                                                                                \
  void NAME(const Operand& to, u32 imm) {                                                          \
    if (!immediate(CODE, EXTENSION, to, imm))                                                      \
      Base::NAME(to, imm);                                                                         \
  }
  SOFTHV_JIT_ARITHMETIC(add, 0x00, 0)
  SOFTHV_JIT_ARITHMETIC(or_, 0x08, 1)
  SOFTHV_JIT_ARITHMETIC(and_, 0x20, 4)
  SOFTHV_JIT_ARITHMETIC(sub, 0x28, 5)
  SOFTHV_JIT_ARITHMETIC(xor_, 0x30, 6)
  SOFTHV_JIT_ARITHMETIC(cmp, 0x38, 7)
#undef SOFTHV_JIT_ARITHMETIC

#define SOFTHV_JIT_SHIFT(NAME, EXTENSION)                                                          \
  using Base::NAME;                                                                                \
  void NAME(const Operand& to, int amount) {                                                       \
    if (!shift(EXTENSION, to, amount))                                                             \
      Base::NAME(to, amount);                                                                      \
  }
  SOFTHV_JIT_SHIFT(shl, 4)
  SOFTHV_JIT_SHIFT(shr, 5)
  SOFTHV_JIT_SHIFT(sar, 7)
#undef SOFTHV_JIT_SHIFT

  using Base::test;
  void test(const Operand& a, const Reg& b) {
    if (!a.isREG() || !two(0x84, a, b))
      Base::test(a, b);
  }
  void lea(const Reg& to, const Address& from) {
    if (!to.isBit(32 | 64) || !with_memory(0x8d, to.isBit(64), to.getIdx(), from))
      Base::lea(to, from);
  }
  void movzx(const Reg& to, const Operand& from) {
    if (!to.isREG(32) || !from.isMEM(8 | 16) ||
        !with_memory(from.isBit(8) ? 0x0fb6 : 0x0fb7, false, to.getIdx(), from.getAddress()))
      Base::movzx(to, from);
  }

protected:
  // As db(): the `length` low bytes of `bytes`.
  void write(u64 bytes, unsigned length) {
    if (!has_room()) {
      db(bytes, length);
      return;
    }
    std::memcpy(top_ + size_, &bytes, sizeof bytes);
    size_ += length;
  }

private:
  // Each writes the instruction, or returns false where it is one for Xbyak.
  bool two(unsigned code, const Operand& to, const Operand& from);
  bool immediate(unsigned code, unsigned extension, const Operand& to, u32 imm);
  bool move_constant(const Operand& to, u64 imm);
  bool shift(unsigned extension, const Operand& to, int amount);
  // REX, `opcode` of one or two bytes and ModRM, with `reg` in its reg field.
  bool with_memory(unsigned opcode, bool wide, int reg, const Address& address);
  void registers(unsigned opcode, bool wide, int reg, int rm);

  // An instruction of up to 15 bytes fits.
  [[nodiscard]] bool has_room() const {
    return maxSize_ - size_ >= 16;
  }
  template <typename T>
  void put(T value);
};

} // namespace softhv::jit
