// SPDX-License-Identifier: Apache-2.0
// The architectural state of one AArch64 PE (Arm ARM B1.2, D1): registers, PSTATE and system
// registers. Standard layout, so that every engine (interpreter, JIT) and every saved state
// addresses the same offsets. One thread owns a CpuState at a time.
#pragma once

#include <cstring>
#include <type_traits>

#include "arch/types.h"

namespace softhv {

// A 128-bit SIMD&FP register (V0..V31). Lane 0 is the least significant.
struct alignas(16) Vec {
  u64 d[2] = {0, 0};

  template <typename T>
  [[nodiscard]] T lane(unsigned i) const {
    T value;
    std::memcpy(&value, reinterpret_cast<const char*>(d) + i * sizeof(T), sizeof(T));
    return value;
  }
  template <typename T>
  void set_lane(unsigned i, T value) {
    std::memcpy(reinterpret_cast<char*>(d) + i * sizeof(T), &value, sizeof(T));
  }
  bool operator==(const Vec&) const = default;
};

// Indices into CpuState::x beyond X0..X30. Decoded operands name one of these for register number
// 31, so that semantic functions never test for it.
inline constexpr u8 kRegSp = 31;   // the current stack pointer
inline constexpr u8 kRegZero = 32; // reads as zero, never written
inline constexpr u8 kRegSink = 33; // writes to XZR/WZR land here, never read as an operand

// PSTATE.{N,Z,C,V} where SPSR_EL1 has them.
inline constexpr u32 kFlagN = 1U << 31;
inline constexpr u32 kFlagZ = 1U << 30;
inline constexpr u32 kFlagC = 1U << 29;
inline constexpr u32 kFlagV = 1U << 28;

// PSTATE.{D,A,I,F} where SPSR_EL1 has them.
inline constexpr u32 kDaifD = 1U << 9;
inline constexpr u32 kDaifA = 1U << 8;
inline constexpr u32 kDaifI = 1U << 7;
inline constexpr u32 kDaifF = 1U << 6;

// PSTATE, one field a member (Arm ARM D1.4). nRW is always 0: AArch64 only.
struct Pstate {
  u32 nzcv = 0;                                 // kFlagN..kFlagV
  u32 daif = kDaifD | kDaifA | kDaifI | kDaifF; // kDaifD..kDaifF
  u8 el = 1;                                    // 0 or 1
  u8 sp_sel = 1;                                // 1: SP_ELx, 0: SP_EL0
  u8 pan = 0;
  u8 uao = 0;
  u8 ss = 0;
  u8 il = 0;
  u8 reserved[6] = {};
};

// System registers held as plain values; names are those of the Arm ARM, lower case.
// Timer and GIC registers live with their devices; constant ID registers in the CPU profile.
struct SystemRegisters {
  u64 sctlr_el1 = 0;
  u64 actlr_el1 = 0;
  u64 cpacr_el1 = 0;
  u64 ttbr0_el1 = 0;
  u64 ttbr1_el1 = 0;
  u64 tcr_el1 = 0;
  u64 mair_el1 = 0;
  u64 amair_el1 = 0;
  u64 vbar_el1 = 0;
  u64 esr_el1 = 0;
  u64 far_el1 = 0;
  u64 elr_el1 = 0;
  u64 spsr_el1 = 0;
  u64 afsr0_el1 = 0;
  u64 afsr1_el1 = 0;
  u64 par_el1 = 0;
  u64 contextidr_el1 = 0;
  u64 tpidr_el0 = 0;
  u64 tpidrro_el0 = 0;
  u64 tpidr_el1 = 0;
  u64 csselr_el1 = 0;
  u64 cntkctl_el1 = 0;
  u64 mdscr_el1 = 0;
  u64 mdccint_el1 = 0;
  u64 osdlr_el1 = 0;
  u64 oslsr_el1 = 0;
  u64 dbgclaim = 0;
  u64 mpidr_el1 = 0;
  u64 midr_el1 = 0;
  u64 dbgbvr[16] = {};
  u64 dbgbcr[16] = {};
  u64 dbgwvr[16] = {};
  u64 dbgwcr[16] = {};
  u64 apkey[10] = {}; // storage for the hv_sys_reg_t PAC keys; not visible to the guest
};

struct CpuState {
  u64 x[34] = {}; // X0..X30, current SP, zero, sink
  u64 pc = 0;
  Pstate pstate;
  u32 fpcr = 0;
  u32 fpsr = 0;
  // The stack pointer that is not current: with SP_EL0 in use sp_el[0] is stale and x[kRegSp] holds
  // it, likewise sp_el[1]. See system/exception.h for the switch.
  u64 sp_el[2] = {};
  Vec v[32];
  SystemRegisters sys;

  // Local exclusive monitor (Arm ARM B2.9): the value seen by the last load-exclusive decides
  // whether a store-exclusive succeeds, by compare-and-swap on the host.
  u64 exclusive_va = 0;
  u64 exclusive_data[2] = {};
  u8 exclusive_size = 0; // bytes; 0: the monitor is open
};

static_assert(std::is_standard_layout_v<CpuState>);

} // namespace softhv
