// SPDX-License-Identifier: Apache-2.0
// Encoder: Xbyak, with the instructions that most code consists of encoded in fewer steps. The
// names and the bytes are Xbyak's; a form not covered here is Xbyak's to encode.
#pragma once

#include <array>
#include <cstring>
#include <span>

#include <xbyak/xbyak.h>

#include "arch/types.h"

namespace softhv::jit {

// A memory operand: what is at base + index * 2^scale + displacement, `bits` wide (0: as wide as
// the other operand). Eight bytes, where Xbyak's Address has forty and is checked at each step.
struct MemoryOperand {
  static constexpr u8 kNoIndex = Xbyak::Operand::RSP;

  u8 base;
  u8 index = kNoIndex;
  u8 scale = 0;
  u8 bits = 0;
  i32 displacement = 0;

  [[nodiscard]] constexpr MemoryOperand sized(unsigned width) const {
    MemoryOperand m = *this;
    m.bits = static_cast<u8>(width);
    return m;
  }
  [[nodiscard]] constexpr MemoryOperand plus(i32 offset) const {
    MemoryOperand m = *this;
    m.displacement += offset;
    return m;
  }
  operator Xbyak::Address() const; // NOLINT(google-explicit-constructor): wherever Xbyak takes one
};

inline MemoryOperand at(const Xbyak::Reg64& base, i32 displacement = 0) {
  return {.base = static_cast<u8>(base.getIdx()), .displacement = displacement};
}
// `scale`: 0 to 3. The index is not RSP.
inline MemoryOperand at(const Xbyak::Reg64& base, const Xbyak::Reg64& index, unsigned scale = 0,
                        i32 displacement = 0) {
  return {.base = static_cast<u8>(base.getIdx()),
          .index = static_cast<u8>(index.getIdx()),
          .scale = static_cast<u8>(scale),
          .displacement = displacement};
}

class Encoder : public Xbyak::CodeGenerator {
  using Base = Xbyak::CodeGenerator;
  using Address = Xbyak::Address;
  using Operand = Xbyak::Operand;
  using Reg = Xbyak::Reg;
  using Xmm = Xbyak::Xmm;

public:
  using Base::Base;

  using Base::mov;
  void mov(const Reg& to, const Reg& from) {
    if (!two(0x88, to, from))
      Base::mov(to, from);
  }
  void mov(const Reg& to, const MemoryOperand& from) {
    if (!load(0x88, to, from))
      Base::mov(to, Address(from));
  }
  void mov(const MemoryOperand& to, const Reg& from) {
    if (!store(0x88, to, from))
      Base::mov(Address(to), from);
  }
  void mov(const Reg& to, u64 imm) {
    if (is_word(to) && to.getIdx() < 8 && imm >> 32 == 0 && has_room())
      put(static_cast<u64>(0xb8 | to.getIdx()) | imm << 8, 5);
    else if (!move_constant(to, imm))
      Base::mov(to, imm);
  }
  void mov(const MemoryOperand& to, u64 imm) {
    if (!move_constant(to, imm))
      Base::mov(Address(to), imm);
  }

// op r/m, r and r, r/m have opcodes from CODE on; op r/m, imm has EXTENSION.
#define SOFTHV_JIT_ARITHMETIC(NAME, CODE, EXTENSION)                                               \
  using Base::NAME;                                                                                \
  void NAME(const Reg& to, const Reg& from) {                                                      \
    if (!two(CODE, to, from))                                                                      \
      Base::NAME(to, from);                                                                        \
  }                                                                                                \
  void NAME(const Reg& to, const MemoryOperand& from) {                                            \
    if (!load(CODE, to, from))                                                                     \
      Base::NAME(to, Address(from));                                                               \
  }                                                                                                \
  void NAME(const MemoryOperand& to, const Reg& from) {                                            \
    if (!store(CODE, to, from))                                                                    \
      Base::NAME(Address(to), from);                                                               \
  }                                                                                                \
  void NAME(const Reg& to, u32 imm) {                                                              \
    if (!immediate(CODE, EXTENSION, to, imm))                                                      \
      Base::NAME(to, imm);                                                                         \
  }                                                                                                \
  void NAME(const MemoryOperand& to, u32 imm) {                                                    \
    if (!immediate(EXTENSION, to, imm))                                                            \
      Base::NAME(Address(to), imm);                                                                \
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
  void NAME(const Reg& to, int amount) {                                                           \
    if (!shift(EXTENSION, to, amount))                                                             \
      Base::NAME(to, amount);                                                                      \
  }
  SOFTHV_JIT_SHIFT(shl, 4)
  SOFTHV_JIT_SHIFT(shr, 5)
  SOFTHV_JIT_SHIFT(sar, 7)
#undef SOFTHV_JIT_SHIFT

  using Base::test;
  void test(const Reg& a, const Reg& b) {
    if (!two(0x84, a, b))
      Base::test(a, b);
  }
  using Base::lea;
  void lea(const Reg& to, const MemoryOperand& from) {
    if (!is_word(to) || !has_room())
      Base::lea(to, Address(from));
    else
      with_memory(0x8d, to.isBit(64), to.getIdx(), from);
  }
  using Base::movzx;
  void movzx(const Reg& to, const MemoryOperand& from) {
    if (!to.isREG(32) || (from.bits != 8 && from.bits != 16) || !has_room())
      Base::movzx(to, Address(from));
    else
      with_memory(from.bits == 8 ? 0x0fb6 : 0x0fb7, false, to.getIdx(), from);
  }
  using Base::rorx;
  void rorx(const Xbyak::Reg64& to, const Xbyak::Reg64& from, u8 amount);

#define SOFTHV_JIT_MOVE_VECTOR(NAME, CODE)                                                         \
  using Base::NAME;                                                                                \
  void NAME(const Xmm& to, const MemoryOperand& from) {                                            \
    if (!has_room() || to.getIdx() > 15)                                                           \
      Base::NAME(to, Address(from));                                                               \
    else                                                                                           \
      with_memory(CODE, false, to.getIdx(), from);                                                 \
  }                                                                                                \
  void NAME(const MemoryOperand& to, const Xmm& from) {                                            \
    if (!has_room() || from.getIdx() > 15)                                                         \
      Base::NAME(Address(to), from);                                                               \
    else                                                                                           \
      with_memory((CODE) + 1, false, from.getIdx(), to);                                           \
  }
  SOFTHV_JIT_MOVE_VECTOR(movups, 0x0f10)
  SOFTHV_JIT_MOVE_VECTOR(movaps, 0x0f28)
#undef SOFTHV_JIT_MOVE_VECTOR

  // What has been written from `position` on.
  [[nodiscard]] std::span<const u8> code_since(size_t position) const {
    return {top_ + position, size_ - position};
  }
  // The first `length` bytes of `code`, which may stand anywhere.
  template <size_t kSize>
  void append(const std::array<u8, kSize>& code, size_t length) {
    if (maxSize_ - size_ < kSize) {
      db(code.data(), length);
      return;
    }
    std::memcpy(top_ + size_, code.data(), kSize);
    size_ += length;
  }

protected:
  // As db(): the `length` low bytes of `bytes`.
  void write(u64 bytes, unsigned length) {
    if (!has_room()) {
      db(bytes, length);
      return;
    }
    put(bytes, length);
  }

private:
  // Each writes the instruction, or returns false where it is one for Xbyak.
  bool two(unsigned code, const Reg& to, const Reg& from) {
    if (!is_word(to) || !from.isREG(static_cast<int>(to.getBit())) || !has_room())
      return false;
    registers(code | 1, to.isBit(64), from.getIdx(), to.getIdx());
    return true;
  }
  bool load(unsigned code, const Reg& to, const MemoryOperand& from) {
    if (!is_word(to) || !has_room())
      return false;
    with_memory(code | 3, to.isBit(64), to.getIdx(), from);
    return true;
  }
  bool store(unsigned code, const MemoryOperand& to, const Reg& from) {
    if (!is_word(from) || !has_room())
      return false;
    with_memory(code | 1, from.isBit(64), from.getIdx(), to);
    return true;
  }
  bool immediate(unsigned code, unsigned extension, const Reg& to, u32 imm);
  bool immediate(unsigned extension, const MemoryOperand& to, u32 imm);
  bool move_constant(const Reg& to, u64 imm);
  bool move_constant(const MemoryOperand& to, u64 imm);
  bool shift(unsigned extension, const Reg& to, int amount);

  // REX where it is needed, `opcode` of one byte or, from 0x0f00 on, two, and ModRM with `reg` in
  // its reg field.
  void with_memory(unsigned opcode, bool wide, int reg, MemoryOperand m);
  void registers(unsigned opcode, bool wide, int reg, int rm);
  void put_immediate(u32 imm, bool small) {
    put(imm, small ? 1 : 4);
  }

  static bool is_word(const Reg& r) {
    return r.isREG(32 | 64);
  }
  // An instruction of up to 15 bytes fits, and what put() writes behind it.
  [[nodiscard]] bool has_room() const {
    return maxSize_ - size_ >= 24;
  }
  void put(u64 bytes, unsigned length) {
    std::memcpy(top_ + size_, &bytes, sizeof bytes);
    size_ += length;
  }
};

} // namespace softhv::jit
