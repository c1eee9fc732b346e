// SPDX-License-Identifier: Apache-2.0
// The state of 32 consecutive INTIDs, and the registers through which GICD and GICR show it
// (IHI0069, 12.9 and 12.11). Guarded by the Gic's mutex.
#pragma once

#include <array>

#include "arch/types.h"

namespace softhv::gic {

inline constexpr u8 kPriorityMask = 0xf8; // 5 bits of priority: 32 levels

struct Bank {
  // One bit for each INTID.
  u32 group = ~0U; // 1: Group 1. All are after reset, as firmware leaves them for a Non-secure VM
  u32 enabled = 0;
  u32 latched = 0; // pending by edge, message, SGI or a write to ISPENDR
  u32 line = 0;    // level of the input
  u32 active = 0;
  u32 edge = 0; // 1: edge-triggered, 0: level-sensitive
  std::array<u8, 32> priority{};

  [[nodiscard]] u32 pending() const { return latched | (line & ~edge); }

  // Drives an input; an edge-triggered interrupt becomes pending with every rise.
  void drive(u32 bit, bool high) {
    if (!high) {
      line &= ~bit;
      return;
    }
    line |= bit;
    if ((edge & bit) != 0)
      latched |= bit;
  }
  bool operator==(const Bank&) const = default;
};

enum class BankRegister : u8 {
  kNone,
  kGroup,
  kSetEnable,
  kClearEnable,
  kSetPending,
  kClearPending,
  kSetActive,
  kClearActive,
  kPriority,
  kConfig,
};

// Register `reg` of bank `bank`; `word` counts its 32-bit words (kPriority has 8, kConfig 2).
struct BankOffset {
  BankRegister reg = BankRegister::kNone;
  u32 bank = 0;
  u32 word = 0;
};

// Decodes the offset of a word in the range 0x80..0xcff, which GICD and the SGI frame of GICR
// share.
BankOffset decode_bank_offset(u32 offset);

// What looks at a register. The host sees and changes the pending latch alone (hv_gic.h).
enum class View : u8 { kGuest, kHost };

u32 read_bank(const Bank& bank, BankOffset at, View view);

// `implemented` has a bit for each INTID of the bank that exists, `fixed_edge` for those whose
// configuration cannot be changed.
struct BankLimits {
  u32 implemented = ~0U;
  u32 fixed_edge = 0;
};
void write_bank(Bank& bank, BankOffset at, u32 value, const BankLimits& limits);

} // namespace softhv::gic
