// SPDX-License-Identifier: Apache-2.0
// The system registers (Arm ARM D17): one table of names, encodings, access rights, storage and
// side effects. Encodings are packed as op0<<14 | op1<<11 | CRn<<7 | CRm<<3 | op2. Used by the
// vCPU's thread only.
#pragma once

#include "softhv/core/cpu.h"

namespace softhv {

// The host's view (hv_vcpu_get_sys_reg, hv_vcpu_set_sys_reg): no Exception level checks, and values
// that the guest cannot write, such as MIDR_EL1 and MPIDR_EL1, can be set. False: there is no such
// register, or it cannot be set to this value.
bool read_system_register(Cpu& cpu, u32 encoding, u64& value);
bool write_system_register(Cpu& cpu, u32 encoding, u64 value);

// The values of a cold reset. MPIDR_EL1 follows from Cpu::index, sixteen vCPUs to an Aff1.
void reset_system_registers(Cpu& cpu);

// The guest's view: one row of the table.
struct SystemRegister {
  using Read = bool (*)(Cpu& cpu, u32 encoding, u64& value); // false: UNDEFINED
  using Write = bool (*)(Cpu& cpu, u32 encoding, u64 value);
  using Trap = bool (*)(const Cpu& cpu, bool write); // whether an access from EL0 is trapped

  static constexpr u8 kEl1Read = 1 << 0;
  static constexpr u8 kEl1Write = 1 << 1;
  static constexpr u8 kEl0Read = 1 << 2;
  static constexpr u8 kEl0Write = 1 << 3;
  static constexpr u8 kDebug = 1 << 4; // hv_vcpu_set_trap_debug_reg_accesses applies

  u32 encoding = 0;
  u8 access = 0;
  u64 SystemRegisters::*field = nullptr; // storage, unless read and write are set
  u64 mask = ~0ULL;                      // of the bits that can be written; the others stay
  Read read = nullptr;
  Write write = nullptr; // in place of storing
  Trap trap = nullptr;
  void (*changed)(Cpu& cpu) = nullptr; // after a store
};

// The register that MRS or MSR with this encoding accesses, or nullptr: UNDEFINED. The pointer
// stays good for ever.
const SystemRegister* find_system_register(u32 encoding);

// Access without checks. False: UNDEFINED.
bool read_register(Cpu& cpu, const SystemRegister& reg, u32 encoding, u64& value);
bool write_register(Cpu& cpu, const SystemRegister& reg, u32 encoding, u64 value);

} // namespace softhv
