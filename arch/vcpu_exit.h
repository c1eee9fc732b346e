// SPDX-License-Identifier: Apache-2.0
// Why a vCPU stopped executing guest code: what every engine reports to the monitor, in one shape.
//
// An exit that asks for something leaves the vCPU *pending* until it is completed: with the value
// of a load, with the return value of a call, or with an exception. Completing writes the registers
// and steps over the instruction where that is due, so that a vCPU whose last exit is completed is
// at an instruction boundary and can be saved.
#pragma once

#include <string>
#include <variant>

#include "arch/esr.h"
#include "arch/types.h"

namespace kindling::arch {

// A load from, or a store to, guest physical memory that is not RAM.
struct MmioRead {
  u64 address = 0;
  u8 size = 0; // bytes: 1, 2, 4, 8
};
struct MmioWrite {
  u64 address = 0;
  u8 size = 0;
  u64 value = 0; // the low `size` bytes; the rest is zero
};

// A store, or another instruction that writes, to memory that the guest may only read at present.
// Nothing is pending: the vCPU executes the instruction again.
struct WriteRefused {
  u64 address = 0; // guest physical
};

// A call out of the guest with its immediate. The PC is or will be behind it.
struct Hvc {
  u16 immediate = 0;
};
struct Smc {
  u16 immediate = 0;
};

// Another thread asked the vCPU to leave.
struct Canceled {};

// The virtual timer fired with no interrupt controller to take it.
struct VtimerActivated {};

// WFI or WFE with nothing to wait for inside the engine.
struct WaitForInterrupt {
  bool event = false; // WFE
};

// A system register that the engine leaves to the monitor.
struct SystemRegister {
  SystemRegisterTrap trap;
  u64 value = 0; // to write
};

// An access that nobody can carry out: an instruction fetch from where there is no memory, or a
// load or store that the syndrome does not describe.
struct UnserviceableAccess {
  u64 syndrome = 0;
  u64 virtual_address = 0;
  u64 physical_address = 0;
};

// Anything else; the text is for a person.
struct Unhandled {
  u64 syndrome = 0;
  std::string text;
};

using VcpuExit =
    std::variant<MmioRead, MmioWrite, WriteRefused, Hvc, Smc, Canceled, VtimerActivated,
                 WaitForInterrupt, SystemRegister, UnserviceableAccess, Unhandled>;

} // namespace kindling::arch
