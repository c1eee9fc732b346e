// SPDX-License-Identifier: Apache-2.0
#include "softhv/gic/bank.h"

#include <cstring>

namespace softhv::gic {
namespace {

// ICFGR has two bits for each of 16 INTIDs; the upper one says edge-triggered.
u32 config_word(u32 edge, u32 word) {
  u32 value = 0;
  for (u32 i = 0; i < 16; ++i)
    if ((edge >> (16 * word + i) & 1) != 0)
      value |= 2U << (2 * i);
  return value;
}

u32 edge_bits(u32 config, u32 word) {
  u32 edge = 0;
  for (u32 i = 0; i < 16; ++i)
    if ((config >> (2 * i) & 2) != 0)
      edge |= 1U << (16 * word + i);
  return edge;
}

void write_config(Bank& bank, u32 word, u32 value, const BankLimits& limits) {
  const u32 mask = 0xffffU << (16 * word) & limits.implemented & ~limits.fixed_edge;
  bank.edge = (bank.edge & ~mask) | (edge_bits(value, word) & mask);
}

void write_priorities(Bank& bank, u32 word, u32 value, u32 implemented) {
  for (u32 i = 0; i < 4; ++i)
    if ((implemented >> (4 * word + i) & 1) != 0)
      bank.priority[4 * word + i] = static_cast<u8>(value >> (8 * i)) & kPriorityMask;
}

} // namespace

BankOffset decode_bank_offset(u32 offset) {
  constexpr BankRegister kBitRegisters[] = {BankRegister::kGroup,        BankRegister::kSetEnable,
                                            BankRegister::kClearEnable,  BankRegister::kSetPending,
                                            BankRegister::kClearPending, BankRegister::kSetActive,
                                            BankRegister::kClearActive};
  const u32 index = (offset & 0x7f) / 4;
  if (offset >= 0x80 && offset < 0x400)
    return {.reg = kBitRegisters[offset / 0x80 - 1], .bank = index, .word = 0};
  if (offset >= 0x400 && offset < 0x800)
    return {.reg = BankRegister::kPriority,
            .bank = (offset - 0x400) / 32,
            .word = (offset - 0x400) / 4 % 8};
  if (offset >= 0xc00 && offset < 0xd00)
    return {.reg = BankRegister::kConfig,
            .bank = (offset - 0xc00) / 8,
            .word = (offset - 0xc00) / 4 % 2};
  return {};
}

u32 read_bank(const Bank& bank, BankOffset at, View view) {
  switch (at.reg) {
  case BankRegister::kNone: return 0;
  case BankRegister::kGroup: return bank.group;
  case BankRegister::kSetEnable:
  case BankRegister::kClearEnable: return bank.enabled;
  case BankRegister::kSetPending:
  case BankRegister::kClearPending: return view == View::kHost ? bank.latched : bank.pending();
  case BankRegister::kSetActive:
  case BankRegister::kClearActive: return bank.active;
  case BankRegister::kPriority: {
    u32 value;
    std::memcpy(&value, &bank.priority[size_t{4} * at.word], sizeof value);
    return value;
  }
  case BankRegister::kConfig: return config_word(bank.edge, at.word);
  }
  return 0;
}

void write_bank(Bank& bank, BankOffset at, u32 value, const BankLimits& limits) {
  const u32 bits = value & limits.implemented;
  switch (at.reg) {
  case BankRegister::kNone: break;
  case BankRegister::kGroup: bank.group = (bank.group & ~limits.implemented) | bits; break;
  case BankRegister::kSetEnable: bank.enabled |= bits; break;
  case BankRegister::kClearEnable: bank.enabled &= ~bits; break;
  case BankRegister::kSetPending: bank.latched |= bits; break;
  case BankRegister::kClearPending: bank.latched &= ~bits; break;
  case BankRegister::kSetActive: bank.active |= bits; break;
  case BankRegister::kClearActive: bank.active &= ~bits; break;
  case BankRegister::kPriority: write_priorities(bank, at.word, value, limits.implemented); break;
  case BankRegister::kConfig: write_config(bank, at.word, value, limits); break;
  }
}

} // namespace softhv::gic
