// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/assembler.h"

#include <cstring>

namespace softhv::jit {

Assembler::Assembler(u8* memory, size_t size, size_t constants_size, const HostFeatures& features)
    : CodeGenerator(size, memory), host(features), constants_size_(constants_size) {
  setSize(constants_size);
}

Assembler::Fixup Assembler::jump_forward(Cc cc) {
  db(0x0f);
  db(0x80 + static_cast<int>(cc));
  dd(0);
  return position();
}

Assembler::Fixup Assembler::jump_forward() {
  db(0xe9);
  dd(0);
  return position();
}

void Assembler::bind_to(Fixup fixup, u32 target) {
  rewrite(fixup - 4, static_cast<u32>(target - fixup), 4);
}

void Assembler::jump_to(u32 target) {
  bind_to(jump_forward(), target);
}

void Assembler::jump_to(Cc cc, u32 target) {
  bind_to(jump_forward(cc), target);
}

void Assembler::call_to(u32 target) {
  db(0xe8);
  dd(0);
  bind_to(position(), target);
}

void Assembler::move_if(Cc cc, const Xbyak::Reg64& to, const Xbyak::Reg64& from) {
  db(0x48 | (to.getIdx() >> 3 << 2) | from.getIdx() >> 3);
  db(0x0f);
  db(0x40 + static_cast<int>(cc));
  db(0xc0 | ((to.getIdx() & 7) << 3) | (from.getIdx() & 7));
}

Xbyak::Address Assembler::constant(u64 low, u64 high) {
  const auto [it, inserted] = constants_.try_emplace({low, high}, 0U);
  if (inserted) {
    if (constants_used_ + 16 > constants_size_) {
      constants_full_ = true;
      constants_.erase(it);
      return xword[rip + static_cast<const void*>(getCode())];
    }
    it->second = static_cast<u32>(constants_used_);
    constants_used_ += 16;
    rewrite(it->second, low, 8);
    rewrite(it->second + 8, high, 8);
  }
  return xword[rip + static_cast<const void*>(getCode() + it->second)];
}

void Assembler::restart(u32 keep) {
  constants_.clear();
  constants_used_ = 0;
  constants_full_ = false;
  setSize(keep);
}

} // namespace softhv::jit
