// SPDX-License-Identifier: Apache-2.0
// What a vCPU does at a block boundary when Cpu::attention is set.
#pragma once

#include "softhv/core/cpu.h"

namespace softhv {

enum class AttentionResult : u8 {
  kContinue, // look at attention again, then run blocks
  kStep,     // exactly one instruction next (interp::step)
};

// Serves shootdowns, records a requested exit, delivers an interrupt that is pending and unmasked,
// and applies debug state (breakpoints, software step; Arm ARM D2). While debug state is armed
// kAttentionDebug stays set and every instruction comes through here.
AttentionResult serve_attention(Cpu& cpu);

} // namespace softhv
