// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/encoder.h"

#include <cstring>
#include <limits>

namespace softhv::jit {
namespace {

using Xbyak::Operand;

constexpr int kWord = 32 | 64;

bool fits_i8(u32 imm) {
  return static_cast<i32>(imm) == static_cast<i8>(imm);
}

bool fits_i32(u64 imm) {
  return static_cast<i64>(imm) == static_cast<i32>(imm);
}

// REX, or 0 where the instruction needs none. Only bit 3 of each number matters.
u8 rex_prefix(bool wide, int reg, int index, int base) {
  const int bits = (wide ? 8 : 0) | (reg >> 3 << 2) | (index >> 3 << 1) | base >> 3;
  return bits == 0 ? u8{0} : static_cast<u8>(0x40 | bits);
}

u8 mod_rm(int mod, int reg, int rm) {
  return static_cast<u8>(mod << 6 | (reg & 7) << 3 | (rm & 7));
}

int scale_bits(int scale) {
  return scale == 8 ? 3 : scale >> 1;
}

} // namespace

template <typename T>
void Encoder::put(T value) {
  std::memcpy(top_ + size_, &value, sizeof value);
  size_ += sizeof value;
}

bool Encoder::with_memory(unsigned opcode, bool wide, int reg, const Address& address) {
  if (address.getMode() != Address::M_ModRM || !has_room())
    return false;
  const Xbyak::RegExp e = address.getRegExp(false);
  const u64 offset = e.getDisp();
  const int index_bits = e.getIndex().getBit();
  if (!e.getBase().isBit(64) || (index_bits != 0 && index_bits != 64) || !fits_i32(offset))
    return false;
  const auto displacement = static_cast<u32>(offset);
  const int base = e.getBase().getIdx();
  const int index = index_bits != 0 ? e.getIndex().getIdx() : Operand::RSP; // RSP: none
  if (const u8 prefix = rex_prefix(wide, reg, index, base); prefix != 0)
    put(prefix);
  if (opcode > 0xff)
    put(static_cast<u8>(opcode >> 8));
  put(static_cast<u8>(opcode));
  const bool plain = displacement == 0 && (base & 7) != Operand::RBP;
  const int mod = plain ? 0 : fits_i8(displacement) ? 1 : 2;
  if (index_bits != 0 || (base & 7) == Operand::RSP) {
    put(mod_rm(mod, reg, Operand::RSP));
    put(mod_rm(index_bits != 0 ? scale_bits(e.getScale()) : 0, index, base)); // SIB
  } else {
    put(mod_rm(mod, reg, base));
  }
  if (mod == 1)
    put(static_cast<u8>(displacement));
  else if (mod == 2)
    put(displacement);
  return true;
}

void Encoder::registers(unsigned opcode, bool wide, int reg, int rm) {
  if (const u8 prefix = rex_prefix(wide, reg, 0, rm); prefix != 0)
    put(prefix);
  put(static_cast<u8>(opcode));
  put(mod_rm(3, reg, rm));
}

bool Encoder::two(unsigned code, const Operand& to, const Operand& from) {
  if (to.isREG(kWord)) {
    if (from.isMEM())
      return with_memory(code | 3, to.isBit(64), to.getIdx(), from.getAddress());
    if (!from.isREG(to.getBit()) || !has_room())
      return false;
    registers(code | 1, to.isBit(64), from.getIdx(), to.getIdx());
    return true;
  }
  return to.isMEM() && from.isREG(kWord) &&
         with_memory(code | 1, from.isBit(64), from.getIdx(), to.getAddress());
}

bool Encoder::immediate(unsigned code, unsigned extension, const Operand& to, u32 imm) {
  if (!to.isBit(kWord) || !has_room())
    return false;
  const bool wide = to.isBit(64);
  const bool small = fits_i8(imm);
  const unsigned opcode = small ? 0x83 : 0x81;
  if (to.isREG()) {
    if (!small && to.getIdx() == Operand::RAX) {
      if (wide)
        put(rex_prefix(true, 0, 0, 0));
      put(static_cast<u8>(code | 5));
    } else {
      registers(opcode, wide, static_cast<int>(extension), to.getIdx());
    }
  } else if (!to.isMEM() ||
             !with_memory(opcode, wide, static_cast<int>(extension), to.getAddress())) {
    return false;
  }
  if (small)
    put(static_cast<u8>(imm));
  else
    put(imm);
  return true;
}

bool Encoder::move_constant(const Operand& to, u64 imm) {
  if (!to.isBit(kWord) || !has_room())
    return false;
  const bool wide = to.isBit(64);
  if (to.isMEM()) {
    const bool fits = wide ? fits_i32(imm) : fits_i32(imm) || imm >> 32 == 0;
    if (!fits || !with_memory(0xc7, wide, 0, to.getAddress()))
      return false;
    put(static_cast<u32>(imm));
    return true;
  }
  if (!to.isREG() || (!wide && imm >> 32 != 0))
    return false;
  const int r = to.getIdx();
  const bool sign_extended = wide && imm >> 32 != 0 && fits_i32(imm);
  if (sign_extended) {
    registers(0xc7, true, 0, r);
    put(static_cast<u32>(imm));
    return true;
  }
  const bool whole = imm >> 32 != 0;
  if (const u8 prefix = rex_prefix(whole, 0, 0, r); prefix != 0)
    put(prefix);
  put(static_cast<u8>(0xb8 | (r & 7)));
  if (whole)
    put(imm);
  else
    put(static_cast<u32>(imm));
  return true;
}

bool Encoder::shift(unsigned extension, const Operand& to, int amount) {
  if (!to.isREG(kWord) || !has_room())
    return false;
  registers(amount == 1 ? 0xd1 : 0xc1, to.isBit(64), static_cast<int>(extension), to.getIdx());
  if (amount != 1)
    put(static_cast<u8>(amount));
  return true;
}

} // namespace softhv::jit
