// SPDX-License-Identifier: Apache-2.0
// Exception generation and return, hints and barriers (Arm ARM C4.1.66, C6.2).
#include <atomic>

#include "arch/bits.h"
#include "softhv/core/shootdown.h"
#include "softhv/core/wait.h"
#include "softhv/interp/handlers.h"
#include "softhv/system/debug.h"

namespace softhv::interp {
namespace {

constexpr unsigned kSctlrNtwi = 16;
constexpr unsigned kSctlrNtwe = 18;

const Op* undefined(Cpu& cpu, const Op* op) {
  return raise_undefined(cpu, op);
}

const Op* svc(Cpu& cpu, const Op* op) {
  return raise(cpu, op, {.ec = ExceptionClass::kSvc64, .iss = static_cast<u32>(op->imm)});
}

VmExit call_exit(ExceptionClass ec, const Op* op) {
  return {.reason = ExitReason::kException, .syndrome = esr(ec, static_cast<u32>(op->imm))};
}

const Op* hvc(Cpu& cpu, const Op* op) {
  if (cpu.s.pstate.el == 0)
    return raise_undefined(cpu, op);
  cpu.debug->step_advance();
  return exit_to_host(cpu, next_pc(cpu, op), call_exit(ExceptionClass::kHvc64, op));
}

// The host sees the address of the SMC itself and moves on from it, as with a trapped instruction.
const Op* smc(Cpu& cpu, const Op* op) {
  if (cpu.s.pstate.el == 0)
    return raise_undefined(cpu, op);
  return exit_to_host(cpu, pc_of(cpu, op), call_exit(ExceptionClass::kSmc64, op));
}

const Op* brk(Cpu& cpu, const Op* op) {
  return cpu.debug->software_breakpoint(op, static_cast<u16>(op->imm));
}

const Op* eret(Cpu& cpu, const Op* op) {
  if (cpu.s.pstate.el == 0)
    return raise_undefined(cpu, op);
  exception_return(cpu);
  return nullptr;
}

const Op* nop(Cpu& /*cpu*/, const Op* op) {
  return op + 1;
}

const Op* yield(Cpu& cpu, const Op* op) {
  yield_core(cpu);
  return op + 1;
}

// ISS of a trapped WFI or WFE: CV = 1, COND = 0b1110, TI.
bool wait_trapped(const Cpu& cpu, unsigned control) {
  return cpu.s.pstate.el == 0 && !bit(cpu.s.sys.sctlr_el1, control);
}
const Op* trap_wait(Cpu& cpu, const Op* op, u32 ti) {
  return raise(cpu, op, {.ec = ExceptionClass::kWfx, .iss = 1U << 24 | 0xeU << 20 | ti});
}

const Op* wfi(Cpu& cpu, const Op* op) {
  return wait_trapped(cpu, kSctlrNtwi) ? trap_wait(cpu, op, 0) : wait_for_interrupt(cpu, op);
}

const Op* wfe(Cpu& cpu, const Op* op) {
  return wait_trapped(cpu, kSctlrNtwe) ? trap_wait(cpu, op, 1) : wait_for_event(cpu, op);
}

const Op* sev(Cpu& cpu, const Op* op) {
  send_event(cpu.vm);
  return op + 1;
}

const Op* sevl(Cpu& cpu, const Op* op) {
  send_event_local(cpu);
  return op + 1;
}

const Op* clrex(Cpu& cpu, const Op* op) {
  cpu.s.exclusive_size = 0;
  return op + 1;
}

const Op* dmb(Cpu& /*cpu*/, const Op* op) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return op + 1;
}

const Op* dsb(Cpu& cpu, const Op* op) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  shootdown_wait(&cpu);
  return op + 1;
}

} // namespace

Handler translate_kUdf(Op& /*op*/) {
  return undefined;
}
Handler translate_kSvc(Op& /*op*/) {
  return svc;
}
Handler translate_kHvc(Op& /*op*/) {
  return hvc;
}
Handler translate_kSmc(Op& /*op*/) {
  return smc;
}
Handler translate_kBrk(Op& /*op*/) {
  return brk;
}
// Outside of Debug state, which SoftHV never enters, these three are UNDEFINED.
Handler translate_kHlt(Op& /*op*/) {
  return undefined;
}
Handler translate_kDcps(Op& /*op*/) {
  return undefined;
}
Handler translate_kDrps(Op& /*op*/) {
  return undefined;
}
Handler translate_kEret(Op& /*op*/) {
  return eret;
}
Handler translate_kHint(Op& /*op*/) {
  return nop;
}
Handler translate_kYield(Op& /*op*/) {
  return yield;
}
Handler translate_kWfe(Op& /*op*/) {
  return wfe;
}
Handler translate_kWfi(Op& /*op*/) {
  return wfi;
}
Handler translate_kSev(Op& /*op*/) {
  return sev;
}
Handler translate_kSevl(Op& /*op*/) {
  return sevl;
}
Handler translate_kClrex(Op& /*op*/) {
  return clrex;
}
Handler translate_kDsb(Op& /*op*/) {
  return dsb;
}
Handler translate_kDmb(Op& /*op*/) {
  return dmb;
}
// The block ends here: what follows is fetched anew, in the context that holds then.
Handler translate_kIsb(Op& /*op*/) {
  return dmb;
}

} // namespace softhv::interp
