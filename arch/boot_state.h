// SPDX-License-Identifier: Apache-2.0
// The register state in which a vCPU starts, and the state change of taking an exception to EL1
// from outside of the guest. Values only; an engine's registers are set from them elsewhere.
#pragma once

#include "arch/types.h"

namespace kindling::arch {

// PSTATE as SPSR_EL1 holds it (Arm ARM C5.2.19).
inline constexpr u64 kPstateEl0t = 0x0;
inline constexpr u64 kPstateEl1t = 0x4;
inline constexpr u64 kPstateEl1h = 0x5;
inline constexpr u64 kPstateF = 1ULL << 6;
inline constexpr u64 kPstateI = 1ULL << 7;
inline constexpr u64 kPstateA = 1ULL << 8;
inline constexpr u64 kPstateD = 1ULL << 9;
inline constexpr u64 kPstateDaif = kPstateF | kPstateI | kPstateA | kPstateD;
inline constexpr u64 kPstateIl = 1ULL << 20;
inline constexpr u64 kPstateSs = 1ULL << 21;
inline constexpr u64 kPstatePan = 1ULL << 22;
inline constexpr u64 kPstateUao = 1ULL << 23;

// Registers that differ from their reset values when a vCPU starts.
struct BootState {
  u64 pc = 0;
  u64 x0 = 0;
  u64 pstate = kPstateEl1h | kPstateDaif; // EL1 with its own stack pointer, everything masked
  u64 mpidr = 0;

  bool operator==(const BootState&) const = default;
};

// The vCPU that enters the kernel ("Booting AArch64 Linux", section 4): X0 is the physical address
// of the device tree, X1..X3 are zero, MMU off.
BootState primary_boot_state(u64 entry, u64 dtb);

// A vCPU that PSCI CPU_ON starts (DEN0022 §6.4): X0 is the caller's context id, MMU off.
BootState secondary_boot_state(u64 entry, u64 context_id, unsigned index);

// MPIDR_EL1 of vCPU `index`: 16 to a cluster, as the target list of ICC_SGI1R_EL1 can address them
// without range selector.
constexpr u64 mpidr_of(unsigned index) {
  return 1ULL << 31 | static_cast<u64>(index / 16) << 8 | index % 16;
}

// What taking a synchronous exception to EL1 changes (Arm ARM D1.3.1, AArch64.TakeException).
struct ExceptionEntry {
  u64 pc = 0;
  u64 pstate = 0;
  u64 elr = 0;
  u64 spsr = 0;
};
struct ExceptionSource {
  u64 pc = 0; // of the instruction that takes the exception
  u64 pstate = 0;
  u64 vbar = 0;
  u64 sctlr = 0;
};
ExceptionEntry take_synchronous_exception(const ExceptionSource& from);

// The syndrome and address registers of an external abort on an access to an address where nothing
// answers. `esr` is the syndrome of the stage 2 abort that reported it; classes and flags are
// carried over, the source level is read from `pstate`.
u64 external_abort_syndrome(u64 esr, u64 pstate);

// The syndrome of an instruction that is undefined.
u64 undefined_instruction_syndrome();

} // namespace kindling::arch
