// SPDX-License-Identifier: Apache-2.0
#include "softhv/system/exception.h"

#include <utility>

#include "arch/bits.h"
#include "softhv/core/interrupts.h"
#include "softhv/core/wait.h"
#include "softhv/mmu/mmu.h"
#include "softhv/system/debug.h"

namespace softhv {
namespace {

constexpr unsigned kSpsrUao = 23;
constexpr unsigned kSpsrPan = 22;
constexpr unsigned kSpsrSs = 21;
constexpr unsigned kSpsrIl = 20;
constexpr u32 kNzcvMask = 0xf000'0000;
constexpr u32 kDaifMask = 0x3c0;
constexpr unsigned kSctlrSpan = 23;

constexpr u64 kVectorSync = 0x000;
constexpr u64 kVectorIrq = 0x080;
constexpr u64 kVectorFiq = 0x100;
constexpr u64 kVectorSerror = 0x180;

unsigned current_sp(const Pstate& p) {
  return p.el != 0 && p.sp_sel != 0 ? 1 : 0;
}

void switch_mode(CpuState& s, u8 el, u8 sp_sel) {
  s.sp_el[current_sp(s.pstate)] = s.x[kRegSp];
  s.pstate.el = el;
  s.pstate.sp_sel = sp_sel;
  s.x[kRegSp] = s.sp_el[current_sp(s.pstate)];
}

// The class as it is reported for an exception from `el`.
ExceptionClass class_from(ExceptionClass ec, u8 el) {
  switch (ec) {
  case ExceptionClass::kInstructionAbortLower:
  case ExceptionClass::kDataAbortLower:
  case ExceptionClass::kBreakpointLower:
  case ExceptionClass::kSoftwareStepLower:
  case ExceptionClass::kWatchpointLower:
    return static_cast<ExceptionClass>(static_cast<u8>(ec) + (el != 0 ? 1 : 0));
  default: return ec;
  }
}

void enter_el1(Cpu& cpu, u64 return_address, u64 vector) {
  CpuState& s = cpu.s;
  s.sys.spsr_el1 = pstate_to_spsr(s);
  s.sys.elr_el1 = return_address;
  vector += s.pstate.el == 0 ? 0x400 : s.pstate.sp_sel != 0 ? 0x200 : 0;
  switch_mode(s, 1, 1);
  s.pstate.daif = kDaifMask;
  s.pstate.ss = 0;
  s.pstate.il = 0;
  s.pstate.uao = 0;
  if (!bit(s.sys.sctlr_el1, kSctlrSpan))
    s.pstate.pan = 1;
  s.pc = s.sys.vbar_el1 + vector;
  cpu.debug->exception_taken();
  cpu.mmu->regime_changed();
}

// Arm ARM, IllegalExceptionReturn(): there is no EL2, EL3 or AArch32.
bool illegal_return(u32 spsr) {
  const bool aarch32 = bit(spsr, 4);
  const u32 mode = spsr & 0xf;
  return aarch32 || (mode != 0 && mode != 4 && mode != 5);
}

} // namespace

u32 pstate_to_spsr(const CpuState& state) {
  const Pstate& p = state.pstate;
  return p.nzcv | p.daif | static_cast<u32>(p.uao) << kSpsrUao |
         static_cast<u32>(p.pan) << kSpsrPan | static_cast<u32>(p.ss) << kSpsrSs |
         static_cast<u32>(p.il) << kSpsrIl | static_cast<u32>(p.el) << 2 |
         (p.el != 0 ? p.sp_sel : 0U);
}

void set_pstate(Cpu& cpu, u32 spsr) {
  CpuState& s = cpu.s;
  switch_mode(s, static_cast<u8>(bits(spsr, 3, 2)), static_cast<u8>(spsr & 1));
  s.pstate.nzcv = spsr & kNzcvMask;
  s.pstate.daif = spsr & kDaifMask;
  s.pstate.uao = bit(spsr, kSpsrUao) ? 1 : 0;
  s.pstate.pan = bit(spsr, kSpsrPan) ? 1 : 0;
  s.pstate.ss = bit(spsr, kSpsrSs) ? 1 : 0;
  s.pstate.il = bit(spsr, kSpsrIl) ? 1 : 0;
  cpu.mmu->regime_changed();
  cpu.debug->state_changed();
  interrupt_mask_changed(cpu);
}

void set_stack_select(Cpu& cpu, u8 sp_sel) {
  switch_mode(cpu.s, cpu.s.pstate.el, sp_sel);
}

u64 stack_pointer(const CpuState& state, unsigned el) {
  return current_sp(state.pstate) == el ? state.x[kRegSp] : state.sp_el[el];
}

void set_stack_pointer(CpuState& state, unsigned el, u64 value) {
  (current_sp(state.pstate) == el ? state.x[kRegSp] : state.sp_el[el]) = value;
}

const interp::Op* raise(Cpu& cpu, const interp::Op* op, const Exception& exception) {
  cpu.last = op;
  const bool svc = exception.ec == ExceptionClass::kSvc64;
  if (svc)
    cpu.debug->step_advance();
  take_synchronous(cpu, svc ? next_pc(cpu, op) : pc_of(cpu, op), exception);
  return nullptr;
}

const interp::Op* raise_undefined(Cpu& cpu, const interp::Op* op) {
  return raise(cpu, op, {});
}

void take_synchronous(Cpu& cpu, u64 return_address, const Exception& exception) {
  cpu.s.sys.esr_el1 = esr(class_from(exception.ec, cpu.s.pstate.el), exception.iss);
  if (exception.has_far)
    cpu.s.sys.far_el1 = exception.far;
  cpu.statistics.exceptions.add();
  enter_el1(cpu, return_address, kVectorSync);
}

void take_asynchronous(Cpu& cpu, AsyncException which) {
  cpu.statistics.interrupts.add();
  switch (which) {
  case AsyncException::kIrq: enter_el1(cpu, cpu.s.pc, kVectorIrq); break;
  case AsyncException::kFiq: enter_el1(cpu, cpu.s.pc, kVectorFiq); break;
  case AsyncException::kSerror:
    cpu.s.sys.esr_el1 = esr(ExceptionClass::kSError, 0);
    enter_el1(cpu, cpu.s.pc, kVectorSerror);
    break;
  }
}

void exception_return(Cpu& cpu) {
  CpuState& s = cpu.s;
  auto spsr = static_cast<u32>(s.sys.spsr_el1);
  const bool illegal = illegal_return(spsr);
  const u8 target = illegal ? s.pstate.el : static_cast<u8>(bits(spsr, 3, 2));
  const bool ss = cpu.debug->step_on_return(spsr, target);
  spsr = (spsr & ~(1U << kSpsrSs)) | (ss ? 1U << kSpsrSs : 0);
  if (illegal)
    spsr = (spsr & ~0xfU) | 1U << kSpsrIl | static_cast<u32>(s.pstate.el) << 2 | s.pstate.sp_sel;
  s.pc = s.sys.elr_el1;
  s.exclusive_size = 0;
  send_event_local(cpu);
  cpu.debug->exception_returned();
  set_pstate(cpu, spsr);
}

const interp::Op* exit_to_host(Cpu& cpu, u64 resume_pc, const VmExit& exit) {
  cpu.s.pc = resume_pc;
  cpu.exit = exit;
  cpu.exit_pending = true;
  cpu.debug->exited_to_host();
  return nullptr;
}

} // namespace softhv
