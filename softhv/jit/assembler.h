// SPDX-License-Identifier: Apache-2.0
// Assembler: an encoder over a piece of code memory, with what all emitters share: the register
// conventions of translated code, constants, and jumps whose targets come later.
//
// Translated code is written through one mapping of its memory and runs from another: addresses
// inside it may be used relative to each other only, as every jump and constant here does.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "arch/types.h"
#include "softhv/jit/encoder.h"
#include "softhv/jit/host_features.h"

namespace softhv::jit {

// Condition codes as x86 jumps, SETcc and CMOVcc encode them.
enum class Cc : u8 { kO, kNo, kB, kAe, kE, kNe, kBe, kA, kS, kNs, kP, kNp, kL, kGe, kLe, kG };
constexpr Cc invert(Cc cc) {
  return static_cast<Cc>(static_cast<u8>(cc) ^ 1);
}

// Registers of translated code.
namespace reg {
// NZCV as LAHF and SETO leave them: AH bit 7 N, bit 6 Z, bit 0 NOT C; AL 1 for V, else 0. When
// instructions are counted bits 63:16 are the allowance, a signed number of instructions; nothing
// but the counting changes it.
inline const Xbyak::Reg64 kFlags{Xbyak::Operand::RAX};
inline constexpr unsigned kAllowanceShift = 16;
// Any emitter may overwrite these.
inline const Xbyak::Reg64 kScratch0{Xbyak::Operand::RCX};
inline const Xbyak::Reg64 kScratch1{Xbyak::Operand::RDX};
inline const Xbyak::Reg64 kScratch2{Xbyak::Operand::RSI};
// Holds the address of CpuState::x[16].
inline const Xbyak::Reg64 kState{Xbyak::Operand::RBP};
// Working registers of vector emitters; xmm3 to xmm5 may hold operands.
inline const Xbyak::Xmm kVectorScratch0{0};
inline const Xbyak::Xmm kVectorScratch1{1};
inline const Xbyak::Xmm kVectorScratch2{2};
} // namespace reg

inline bool same(const Xbyak::Reg64& a, const Xbyak::Reg64& b) {
  return a.getIdx() == b.getIdx();
}

// The register as an operand of 64 bits, or of 32.
inline Xbyak::Reg32e sized(const Xbyak::Reg64& r, bool wide) {
  return wide ? static_cast<Xbyak::Reg32e>(r) : static_cast<Xbyak::Reg32e>(r.cvt32());
}

class Assembler : public Encoder {
public:
  // Writes to `memory`. The first `constants_size` bytes are kept for constants.
  Assembler(u8* memory, size_t size, size_t constants_size, const HostFeatures& host);

  const HostFeatures host;

  // A jump whose target is not known yet: where its displacement ends.
  using Fixup = u32;
  Fixup jump_forward(Cc cc) { return jump(0x800f + (static_cast<u32>(cc) << 8), 2); }
  Fixup jump_forward() { return jump(0xe9, 1); }
  // Makes the jump lead to the current position, or to `target`, an offset in the memory.
  void bind(Fixup fixup) { bind_to(fixup, static_cast<u32>(getSize())); }
  void bind_to(Fixup fixup, u32 target);
  // Writes one over what stands at `position`, five bytes long.
  void write_jump(u32 position, u32 target);
  // To an offset in the memory that is known.
  void jump_to(u32 target) { jump(0xe9, 1, target); }
  void jump_to(Cc cc, u32 target) { jump(0x800f + (static_cast<u32>(cc) << 8), 2, target); }
  void call_to(u32 target) { jump(0xe8, 1, target); }
  Fixup call_forward() { return jump(0xe8, 1); }

  // Whether reg::kFlags holds an allowance.
  void set_counting(bool counting) { counting_ = counting; }
  [[nodiscard]] bool counting() const { return counting_; }
  // The register as wide as may be moved to reg::kFlags: all of it, or what leaves an allowance.
  [[nodiscard]] Xbyak::Reg as_flags(const Xbyak::Reg64& r) const {
    return counting_ ? static_cast<Xbyak::Reg>(r.cvt16()) : static_cast<Xbyak::Reg>(r.cvt32());
  }

  // Arguments of a thunk: ecx and edx.
  void load_arguments(u32 first, u32 second) {
    write(0xb9 | u64{first} << 8, 5);
    write(0xba | u64{second} << 8, 5);
  }

  // CMOVcc.
  void move_if(Cc cc, const Xbyak::Reg64& to, const Xbyak::Reg64& from);

  // Leaves in kScratch1 the address of the TLB entry that may be for `va`. Keeps `va`.
  // `unprivileged`: of what LDTR and STTR use.
  void find_tlb_entry(const Xbyak::Reg64& va, bool unprivileged = false);

  // Where the TLB leads for the code at an address that is in kScratch0 and kScratch2: to be jumped
  // to or called by the memory operand, with the target's page as the code page. The jumps are for
  // when the TLB does not know, with the address still in kScratch0.
  struct CodeLookup {
    Fixup miss;
    Fixup no_code;
    MemoryOperand entry;
  };
  CodeLookup find_code();

  [[nodiscard]] u32 position() const { return static_cast<u32>(getSize()); }

  // A 16-byte aligned constant in memory. When there is no more room for another one, full() holds
  // and the address is that of some other: whoever translates starts over with empty memory.
  Xbyak::Address constant(u64 low, u64 high);
  Xbyak::Address constant(u64 both) { return constant(both, both); }
  [[nodiscard]] bool constants_full() const { return constants_full_; }
  // Forgets the constants and everything else that was written from `keep` on.
  void restart(u32 keep);

  // Leaves the straight way when `cc` holds: the instruction being translated is interpreted
  // instead, from its unchanged operands. So every such jump comes before the emitter has changed
  // a guest register. Flags raised in MXCSR until then must be flags the instruction raises.
  void to_interpreter(Cc cc) { slow_.push_back(jump_forward(cc)); }
  // The jumps of to_interpreter() since the last clear_slow().
  [[nodiscard]] std::span<const Fixup> slow() const { return slow_; }
  void clear_slow() { slow_.clear(); }

  // A field of CpuState, by its offset (offsetof(CpuState, ...)).
  static constexpr MemoryOperand state8(size_t offset) { return state(offset, 8); }
  static constexpr MemoryOperand state32(size_t offset) { return state(offset, 32); }
  static constexpr MemoryOperand state64(size_t offset) { return state(offset, 64); }
  static constexpr MemoryOperand state128(size_t offset) { return state(offset, 128); }

private:
  // With an opcode of `length` bytes, the first one lowest.
  Fixup jump(u32 opcode, unsigned length) {
    write(opcode, length + 4);
    return position();
  }
  void jump(u32 opcode, unsigned length, u32 target) {
    const u32 displacement = target - (position() + length + 4);
    write(opcode | u64{displacement} << (8 * length), length + 4);
  }
  static constexpr MemoryOperand state(size_t offset, u8 bits) {
    return {.base = Xbyak::Operand::RBP,
            .bits = bits,
            .displacement = static_cast<i32>(offset) - 16 * 8};
  }

  struct Pair {
    u64 low, high;
    bool operator==(const Pair&) const = default;
  };
  struct Hash {
    size_t operator()(const Pair& p) const { return p.low * 0x9e37'79b9'7f4a'7c15 ^ p.high; }
  };

  bool counting_ = false;
  const size_t constants_size_;
  size_t constants_used_ = 0;
  bool constants_full_ = false;
  std::unordered_map<Pair, u32, Hash> constants_;
  std::vector<Fixup> slow_;
};

} // namespace softhv::jit
