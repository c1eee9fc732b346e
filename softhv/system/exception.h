// SPDX-License-Identifier: Apache-2.0
// Exceptions to EL1, exception return, and exits to the host (Arm ARM D1.3, D1.4, D17.2.37).
#pragma once

#include "arch/esr.h"
#include "softhv/core/cpu.h"
#include "softhv/interp/op.h"

namespace softhv {

using kindling::arch::ExceptionClass;

// ESR_ELx for a 32-bit instruction (IL = 1).
constexpr u64 esr(ExceptionClass ec, u32 iss) {
  return kindling::arch::make_esr(ec, iss);
}

// Address of *op, and of the instruction after it.
inline u64 pc_of(const Cpu& cpu, const interp::Op* op) {
  return cpu.block_pc + 4ULL * op->index;
}
inline u64 next_pc(const Cpu& cpu, const interp::Op* op) {
  return pc_of(cpu, op) + 4;
}

// A synchronous exception to take to EL1. For the classes with Lower and Same forms pass Lower; the
// Same form is chosen when the exception comes from EL1.
struct Exception {
  ExceptionClass ec = ExceptionClass::kUnknown;
  u32 iss = 0;
  bool has_far = false;
  u64 far = 0;
};

// Takes the exception with *op as the instruction that caused it: ELR_EL1 is its address (the
// preferred return address for all but SVC, for which it is the next one). Returns nullptr, to be
// returned by the handler.
const interp::Op* raise(Cpu& cpu, const interp::Op* op, const Exception& exception);

// UNDEFINED: EC 0, ISS 0.
const interp::Op* raise_undefined(Cpu& cpu, const interp::Op* op);

// Takes a synchronous exception whose ELR_EL1 is `return_address`; used where no op is running
// (fetch faults, PC alignment, illegal state, breakpoints).
void take_synchronous(Cpu& cpu, u64 return_address, const Exception& exception);

// Takes an IRQ or FIQ with the preferred return address cpu.s.pc.
enum class AsyncException : u8 { kIrq, kFiq, kSerror };
void take_asynchronous(Cpu& cpu, AsyncException which);

// ERET: restores PSTATE and PC from SPSR_EL1 and ELR_EL1, illegal returns included (Arm ARM
// D1.4.4). The caller checks that the current EL is EL1.
void exception_return(Cpu& cpu);

// Leaves hv_vcpu_run with `exit`; the guest resumes at `resume_pc`. Returns nullptr.
const interp::Op* exit_to_host(Cpu& cpu, u64 resume_pc, const VmExit& exit);

// PSTATE in the layout of SPSR_EL1, and back (set_pstate also switches stack pointers and tells the
// MMU and the interrupt logic). Illegal combinations are the caller's to refuse.
u32 pstate_to_spsr(const CpuState& state);
void set_pstate(Cpu& cpu, u32 spsr);

// PSTATE.SP = sp_sel, at EL1.
void set_stack_select(Cpu& cpu, u8 sp_sel);

// SP_EL0 and SP_EL1, wherever they are held at the moment.
u64 stack_pointer(const CpuState& state, unsigned el);
void set_stack_pointer(CpuState& state, unsigned el, u64 value);

} // namespace softhv
