// SPDX-License-Identifier: Apache-2.0
// Counting instructions, and stopping at a count: what an engine owes a VM whose time is its
// instructions (core/turns.h). Two engines that keep these rules run a guest to the same state, the
// same counts and the same time, however each of them cuts blocks.
//
//  1. What counts. Every instruction that is begun counts as one, also one that takes an exception
//     or leaves to the host, and so does a fetch that takes an exception. Interrupts, breakpoint
//     and software step exceptions, and exceptions for an illegal PSTATE count nothing.
//  2. When Cpu::retired is exact: whenever the engine's run function has returned, when
//     serve_attention() is called, and while a helper runs that may look at the time: MRS and MSR
//     of any system register, WFI and WFE. There it tells the instructions before the present one
//     (ExactCount). Helpers may change it, so what an engine holds elsewhere it stores before and
//     loads after.
//  3. The limit. An engine begins no instruction while retired == retire_limit: its run function
//     returns then. retired never passes retire_limit, so a block is entered only when all of it is
//     sure to fit, and interp::step() does the rest one by one; a loop that stays in a block looks
//     again on each way back. A helper may lower the limit, down to the instructions then retired
//     and the present one: the engine loads it anew after MSR, WFI and WFE, which end their blocks.
//  4. Interrupts come between two instructions, never later than the instruction that made them
//     deliverable. On a vCPU that runs alone those are MSR, ERET, exceptions and stores to the
//     interrupt controller. The first three end their blocks; the store asks to be done alone
//     (interp::step) when it finds itself in a block that goes on (kAttentionAlone). So an engine
//     has nothing to do but to look at Cpu::attention between blocks.
//
// A VM that does not count leaves retire_limit at its greatest value, and an engine need not keep
// `retired` then.
#pragma once

#include "softhv/core/cpu.h"
#include "softhv/interp/op.h"

namespace softhv {

// Whether there is a limit at all.
inline bool counts_instructions(const Cpu& cpu) {
  return cpu.retire_limit != kNoRetireLimit;
}

// How many instructions may be begun.
inline u64 budget(const Cpu& cpu) {
  return cpu.retire_limit - cpu.retired;
}

// Makes Cpu::retired exact for as long as it lives, in the middle of a block that the interpreter
// runs. An engine whose count is exact already passes an op with index 0.
class ExactCount {
public:
  ExactCount(Cpu& cpu, const interp::Op* op) : cpu_(cpu), ahead_(op->index) {
    cpu_.retired += ahead_;
  }
  ~ExactCount() { cpu_.retired -= ahead_; }
  ExactCount(const ExactCount&) = delete;
  ExactCount& operator=(const ExactCount&) = delete;

private:
  Cpu& cpu_;
  const u64 ahead_;
};

} // namespace softhv
