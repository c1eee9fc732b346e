// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/encoder.h"

namespace softhv::jit {
namespace {

bool fits_i8(u32 imm) {
  return static_cast<i32>(imm) == static_cast<i8>(imm);
}

bool fits_i32(u64 imm) {
  return static_cast<i64>(imm) == static_cast<i32>(imm);
}

constexpr u8 kNoRex = 0x40; // not needed: it says nothing

// Only bit 3 of each number matters.
u8 rex_prefix(bool wide, unsigned reg, unsigned index, unsigned base) {
  return static_cast<u8>(kNoRex | (wide ? 8U : 0U) | reg >> 3 << 2 | index >> 3 << 1 | base >> 3);
}

u8 mod_rm(unsigned mod, unsigned reg, unsigned rm) {
  return static_cast<u8>(mod << 6 | (reg & 7) << 3 | (rm & 7));
}

} // namespace

MemoryOperand::operator Xbyak::Address() const {
  const Xbyak::RegExp from = Xbyak::RegExp(Xbyak::Reg64(base)) + displacement;
  const Xbyak::AddressFrame frame(bits);
  return index == kNoIndex ? frame[from] : frame[from + Xbyak::Reg64(index) * (1 << scale)];
}

void Encoder::with_memory(unsigned opcode, bool wide, int reg, MemoryOperand m) {
  const auto r = static_cast<unsigned>(reg);
  if (m.base == Operand::RBP && m.index == MemoryOperand::kNoIndex && opcode <= 0xff) {
    // Most are: fields of the CPU's state.
    const u8 rex = rex_prefix(wide, r, 0, 0);
    const auto displacement = static_cast<u32>(m.displacement);
    const bool small = fits_i8(displacement);
    const unsigned unneeded = rex == kNoRex ? 1 : 0;
    const u64 bytes = u64{rex} | u64{opcode} << 8 |
                      u64{mod_rm(small ? 1 : 2, r, Operand::RBP)} << 16 | u64{displacement} << 24;
    put(bytes >> (8 * unneeded), (small ? 4 : 7) - unneeded);
    return;
  }
  u8* out = top_ + size_;
  const u8 rex = rex_prefix(wide, r, m.index, m.base);
  *out = rex;
  out += rex != kNoRex ? 1 : 0;
  if (opcode > 0xff)
    *out++ = 0x0f;
  *out++ = static_cast<u8>(opcode);
  const unsigned rm = m.base & 7;
  const bool plain = m.displacement == 0 && rm != Operand::RBP;
  const bool small = fits_i8(static_cast<u32>(m.displacement));
  const unsigned mod = plain ? 0 : small ? 1 : 2;
  if (m.index != MemoryOperand::kNoIndex || rm == Operand::RSP) {
    *out++ = mod_rm(mod, r, Operand::RSP);
    *out++ = mod_rm(m.scale, m.index, rm); // SIB
  } else {
    *out++ = mod_rm(mod, r, rm);
  }
  std::memcpy(out, &m.displacement, sizeof m.displacement);
  size_ = static_cast<size_t>(out - top_) + (plain ? 0U : small ? 1U : 4U);
}

void Encoder::registers(unsigned opcode, bool wide, int reg, int rm) {
  const auto r = static_cast<unsigned>(reg);
  const auto other = static_cast<unsigned>(rm);
  u8* out = top_ + size_;
  const u8 rex = rex_prefix(wide, r, 0, other);
  *out = rex;
  out += rex != kNoRex ? 1 : 0;
  out[0] = static_cast<u8>(opcode);
  out[1] = mod_rm(3, r, other);
  size_ = static_cast<size_t>(out + 2 - top_);
}

bool Encoder::immediate(unsigned code, unsigned extension, const Reg& to, u32 imm) {
  if (!is_word(to) || !has_room())
    return false;
  const bool wide = to.isBit(64);
  const bool small = fits_i8(imm);
  if (!small && to.getIdx() == Operand::RAX) {
    if (wide)
      put(rex_prefix(true, 0, 0, 0), 1);
    put(code | 5, 1);
  } else {
    registers(small ? 0x83 : 0x81, wide, static_cast<int>(extension), to.getIdx());
  }
  put_immediate(imm, small);
  return true;
}

bool Encoder::immediate(unsigned extension, const MemoryOperand& to, u32 imm) {
  if (to.bits < 32 || !has_room())
    return false;
  const bool small = fits_i8(imm);
  with_memory(small ? 0x83 : 0x81, to.bits == 64, static_cast<int>(extension), to);
  put_immediate(imm, small);
  return true;
}

bool Encoder::move_constant(const MemoryOperand& to, u64 imm) {
  const bool wide = to.bits == 64;
  const bool fits = fits_i32(imm) || (!wide && imm >> 32 == 0);
  if (to.bits < 32 || !fits || !has_room())
    return false;
  with_memory(0xc7, wide, 0, to);
  put(imm, 4);
  return true;
}

bool Encoder::move_constant(const Reg& to, u64 imm) {
  const bool wide = to.isBit(64);
  const bool whole = imm >> 32 != 0;
  if (!is_word(to) || !has_room() || (!wide && whole))
    return false;
  const int r = to.getIdx();
  if (whole && fits_i32(imm)) { // sign-extended
    registers(0xc7, true, 0, r);
    put(imm, 4);
    return true;
  }
  const auto number = static_cast<unsigned>(r);
  if (const u8 rex = rex_prefix(whole, 0, 0, number); rex != kNoRex)
    put(rex, 1);
  put(0xb8 | (number & 7), 1);
  put(imm, whole ? 8 : 4);
  return true;
}

bool Encoder::shift(unsigned extension, const Reg& to, int amount) {
  if (!is_word(to) || !has_room())
    return false;
  const bool once = amount == 1;
  registers(once ? 0xd1 : 0xc1, to.isBit(64), static_cast<int>(extension), to.getIdx());
  put(static_cast<u8>(amount), once ? 0 : 1);
  return true;
}

// VEX.LZ.F2.0F3A.W1 F0 /r ib
void Encoder::rorx(const Xbyak::Reg64& to, const Xbyak::Reg64& from, u8 amount) {
  if (!has_room()) {
    Base::rorx(to, from, amount);
    return;
  }
  const auto r = static_cast<unsigned>(to.getIdx());
  const auto m = static_cast<unsigned>(from.getIdx());
  const u64 inverted = (r >> 3 << 7 | m >> 3 << 5) ^ 0xe0U; // R, X, B
  const u64 vex = 0xc4 | (inverted | 3) << 8 | u64{0xfb} << 16;
  put(vex | u64{0xf0} << 24 | u64{mod_rm(3, r, m)} << 32 | u64{amount} << 40, 6);
}

} // namespace softhv::jit
