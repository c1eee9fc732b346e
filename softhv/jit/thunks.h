// SPDX-License-Identifier: Apache-2.0
// The routines that translated code shares, as offsets in code memory, and how one enters it.
#pragma once

#include "softhv/core/cpu.h"
#include "softhv/jit/assembler.h"
#include "softhv/mmu/tlb.h"

namespace softhv::jit {

// In the offset given to RuntimeCalls::link, which is in the page then; more than any branch's
// distance.
inline constexpr i32 kLinkAlone = 1 << 30; // to code in which no accesses share a look into the TLB
inline constexpr i32 kLinkLoop = 1 << 29;  // to code for a loop that has made many rounds
inline constexpr i32 kLinkPlain = 1 << 28; // the same, without looks that are made before the loop

// An access that the TLB did not allow.
struct RefillAccess {
  u16 bytes = 0;
  bool read = false;
  bool write = false;
  bool aligned = false;      // it has to be
  bool unprivileged = false; // LDTR, STTR

  [[nodiscard]] u32 encode() const {
    return bytes | (read ? 1U << 16 : 0) | (write ? 1U << 17 : 0) | (aligned ? 1U << 18 : 0) |
           (unprivileged ? 1U << 19 : 0);
  }
  static RefillAccess decode(u32 code) {
    return {.bytes = static_cast<u16>(code),
            .read = (code >> 16 & 1) != 0,
            .write = (code >> 17 & 1) != 0,
            .aligned = (code >> 18 & 1) != 0,
            .unprivileged = (code >> 19 & 1) != 0};
  }
  // Whether it can be done in one piece within a page.
  [[nodiscard]] bool is_simple(u64 va) const {
    return (va & (kTlbPageSize - 1)) + bytes <= kTlbPageSize &&
           (!aligned || (va & (bytes - 1U)) == 0);
  }
};

// Where an instruction is, in a register: bytes from the start of its page, and its position in
// its block.
struct InstructionPlace {
  u32 offset = 0;
  u32 index = 0;

  static constexpr unsigned kOffsetBits = 16;
  static constexpr InstructionPlace unpack(u32 packed) {
    return {packed & ((1U << kOffsetBits) - 1), packed >> kOffsetBits};
  }
  [[nodiscard]] constexpr u32 packed() const { return index << kOffsetBits | offset; }
};

// Functions that the routines call, with all of the guest's state in CpuCore. What they return is
// where to go on.
struct RuntimeCalls {
  // Interprets the instruction `word`, at an InstructionPlace in the code page. nullptr: translated
  // code goes on with the next instruction.
  const void* (*interpret)(CpuCore* cpu, u32 word, u32 place);
  // Fills the TLB for the access that `refill` describes. False: that is not enough for it.
  bool (*refill)(CpuCore* cpu, u64 va, u32 access);
  // The code for CpuState::pc.
  const void* (*next)(CpuCore* cpu);
  // The same for `offset` bytes from the start of the code page, to where the jump that ends at
  // `fixup` in code memory may lead directly from now on, or one that is written there (kLinkLoop).
  // With one of kLink... added to an offset in the page: the code of that kind that begins there.
  const void* (*link)(CpuCore* cpu, i32 offset, u32 fixup);
};

struct Thunks {
  u32 enter = 0;         // void(CpuCore*, const void* code): runs until `leave`
  u32 leave = 0;         // makes enter() return; to be returned by a runtime call
  u32 interpret_el1 = 0; // called with kScratch0 = word, kScratch1 = place; returns when it goes on
  u32 interpret_el0 = 0;
  // Called with kScratch0 = address, kScratch1 = a RefillAccess, encoded; returns with NZ when the
  // TLB has been filled for it. Keeps all guest registers and kScratch0.
  u32 refill_el1 = 0;
  u32 refill_el0 = 0;
  u32 dispatch_el1 = 0; // jumped to with CpuState::pc set
  u32 dispatch_el0 = 0;
  u32 link_el1 = 0; // jumped to with kScratch0 = offset, kScratch1 = fixup
  u32 link_el0 = 0;
  u32 untranslated_el1 = 0; // jumped to with the offset in the low bits of kScratch0
  u32 untranslated_el0 = 0;
  u32 indirect_el1 = 0; // jumped to with kScratch0 = address: goes there
  u32 indirect_el0 = 0;
  u32 outside_el1 = 0; // reached with kScratch0 = offset, kScratch1 = fixup: as link, or goes there
  u32 outside_el0 = 0;

  [[nodiscard]] u32 interpret(u8 el) const { return el == 0 ? interpret_el0 : interpret_el1; }
  [[nodiscard]] u32 refill(u8 el) const { return el == 0 ? refill_el0 : refill_el1; }
  [[nodiscard]] u32 dispatch(u8 el) const { return el == 0 ? dispatch_el0 : dispatch_el1; }
  [[nodiscard]] u32 link(u8 el) const { return el == 0 ? link_el0 : link_el1; }
  [[nodiscard]] u32 indirect(u8 el) const { return el == 0 ? indirect_el0 : indirect_el1; }
  [[nodiscard]] u32 outside(u8 el) const { return el == 0 ? outside_el0 : outside_el1; }
  [[nodiscard]] u32 untranslated(u8 el) const {
    return el == 0 ? untranslated_el0 : untranslated_el1;
  }
};

Thunks emit_thunks(Assembler& as, const RuntimeCalls& calls);

} // namespace softhv::jit
