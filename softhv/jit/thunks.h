// SPDX-License-Identifier: Apache-2.0
// The routines that translated code shares, as offsets in code memory, and how one enters it.
#pragma once

#include "softhv/core/cpu.h"
#include "softhv/jit/assembler.h"

namespace softhv::jit {

inline constexpr u32 kLinkAlone = 1U << 31;

// Functions that the routines call, with all of the guest's state in CpuCore. What they return is
// where to go on.
struct RuntimeCalls {
  // Interprets the instruction `word`, `offset` bytes into the code page. nullptr: translated code
  // goes on with the next instruction.
  const void* (*interpret)(CpuCore* cpu, u32 word, u32 offset);
  // The code for CpuState::pc.
  const void* (*next)(CpuCore* cpu);
  // The same for `offset` bytes into the code page, to where the jump that ends at `fixup` in code
  // memory may lead directly from now on. With kLinkAlone in the offset: code that begins there and
  // in which no accesses share a look into the TLB.
  const void* (*link)(CpuCore* cpu, u32 offset, u32 fixup);
};

struct Thunks {
  u32 enter = 0; // void(CpuCore*, const void* code): runs until `leave`
  u32 leave = 0; // makes enter() return; to be returned by a runtime call
  u32 interpret_el1 =
      0; // called with kScratch0 = word, kScratch1 = offset; returns when it goes on
  u32 interpret_el0 = 0;
  u32 dispatch_el1 = 0; // jumped to with CpuState::pc set
  u32 dispatch_el0 = 0;
  u32 link_el1 = 0; // jumped to with kScratch0 = offset, kScratch1 = fixup
  u32 link_el0 = 0;
  u32 untranslated_el1 = 0; // jumped to with kScratch0 = offset
  u32 untranslated_el0 = 0;

  [[nodiscard]] u32 interpret(u8 el) const { return el == 0 ? interpret_el0 : interpret_el1; }
  [[nodiscard]] u32 dispatch(u8 el) const { return el == 0 ? dispatch_el0 : dispatch_el1; }
  [[nodiscard]] u32 link(u8 el) const { return el == 0 ? link_el0 : link_el1; }
  [[nodiscard]] u32 untranslated(u8 el) const {
    return el == 0 ? untranslated_el0 : untranslated_el1;
  }
};

Thunks emit_thunks(Assembler& as, const RuntimeCalls& calls);

} // namespace softhv::jit
