// SPDX-License-Identifier: Apache-2.0
// MSR and MRS (Arm ARM C6.2, D17.1).
#include "softhv/core/budget.h"
#include "softhv/core/interrupts.h"
#include "softhv/interp/handlers.h"
#include "softhv/interp/system_trap.h"
#include "softhv/mmu/mmu.h"
#include "softhv/system/debug.h"
#include "softhv/system/fp_trap.h"
#include "softhv/system/sysreg.h"

namespace softhv::interp {
namespace {

constexpr unsigned kSctlrUma = 9;
constexpr u32 kFpcr = 0xda20;
constexpr u32 kFpsr = 0xda21;

u32 encoding_of(const Op* op) {
  return static_cast<u32>(bits(op->word, 20, 5));
}

const Op* undefined(Cpu& cpu, const Op* op) {
  return raise_undefined(cpu, op);
}

const SystemRegister& register_of(const Op* op) {
  return *reinterpret_cast<const SystemRegister*>(op->imm);
}

// Whether the access may go on; otherwise *result is what the handler returns.
template <bool kWrite>
bool permitted(Cpu& cpu, const Op* op, const SystemRegister& reg, const Op*& result) {
  const bool el0 = cpu.s.pstate.el == 0;
  constexpr u8 kEl0 = kWrite ? SystemRegister::kEl0Write : SystemRegister::kEl0Read;
  constexpr u8 kEl1 = kWrite ? SystemRegister::kEl1Write : SystemRegister::kEl1Read;
  if ((reg.access & (el0 ? kEl0 : kEl1)) == 0) {
    result = raise_undefined(cpu, op);
    return false;
  }
  if (el0 && reg.trap != nullptr && reg.trap(cpu, kWrite)) {
    result =
        raise(cpu, op, {.ec = ExceptionClass::kSysReg, .iss = system_access_syndrome(op->word)});
    return false;
  }
  if ((reg.access & SystemRegister::kDebug) != 0 && cpu.debug->trap_reg_accesses) {
    cpu.last = op;
    result =
        exit_to_host(cpu, pc_of(cpu, op),
                     {.reason = ExitReason::kException,
                      .syndrome = esr(ExceptionClass::kSysReg, system_access_syndrome(op->word))});
    return false;
  }
  return true;
}

const Op* mrs(Cpu& cpu, const Op* op) {
  const SystemRegister& reg = register_of(op);
  const Op* result;
  if (!permitted<false>(cpu, op, reg, result))
    return result;
  u64 value;
  bool known;
  {
    const ExactCount count(cpu, op);
    known = read_register(cpu, reg, encoding_of(op), value);
  }
  if (!known)
    return raise_undefined(cpu, op);
  cpu.s.x[op->rd] = value;
  return op + 1;
}

const Op* msr(Cpu& cpu, const Op* op) {
  const SystemRegister& reg = register_of(op);
  const Op* result;
  if (!permitted<true>(cpu, op, reg, result))
    return result;
  bool known;
  {
    const ExactCount count(cpu, op);
    known = write_register(cpu, reg, encoding_of(op), cpu.s.x[op->rd]);
  }
  return known ? op + 1 : raise_undefined(cpu, op);
}

// FPCR and FPSR trap like floating-point instructions.
template <Handler kAccess>
const Op* fp_access(Cpu& cpu, const Op* op) {
  if (fp_access_trapped(cpu.s))
    return raise(cpu, op, {.ec = ExceptionClass::kFpAccess, .iss = 1U << 24 | 0xeU << 20});
  return kAccess(cpu, op);
}

template <Handler kAccess>
Handler access_handler(Op& op) {
  const u32 encoding = encoding_of(&op);
  const SystemRegister* reg = find_system_register(encoding);
  if (reg == nullptr)
    return undefined;
  op.imm = reinterpret_cast<u64>(reg);
  return encoding == kFpcr || encoding == kFpsr ? fp_access<kAccess> : kAccess;
}

const Op* msr_nzcv(Cpu& cpu, const Op* op) {
  cpu.s.pstate.nzcv = static_cast<u32>(cpu.s.x[op->rd]) & (kFlagN | kFlagZ | kFlagC | kFlagV);
  return op + 1;
}

const Op* mrs_nzcv(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = cpu.s.pstate.nzcv;
  return op + 1;
}

const Op* mrs_fpcr(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = cpu.s.fpcr;
  return op + 1;
}

const Op* mrs_fpsr(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = cpu.s.fpsr;
  return op + 1;
}

const Op* msr_pan(Cpu& cpu, const Op* op) {
  if (cpu.s.pstate.el == 0)
    return raise_undefined(cpu, op);
  cpu.s.pstate.pan = op->imm & 1;
  cpu.mmu->regime_changed();
  return op + 1;
}

const Op* msr_uao(Cpu& cpu, const Op* op) {
  if (cpu.s.pstate.el == 0)
    return raise_undefined(cpu, op);
  cpu.s.pstate.uao = op->imm & 1;
  cpu.mmu->regime_changed();
  return op + 1;
}

const Op* msr_spsel(Cpu& cpu, const Op* op) {
  if (cpu.s.pstate.el == 0)
    return raise_undefined(cpu, op);
  set_stack_select(cpu, op->imm & 1);
  return op + 1;
}

bool daif_trapped(const Cpu& cpu) {
  return cpu.s.pstate.el == 0 && !bit(cpu.s.sys.sctlr_el1, kSctlrUma);
}
const Op* trap_daif(Cpu& cpu, const Op* op) {
  return raise(cpu, op, {.ec = ExceptionClass::kSysReg, .iss = system_access_syndrome(op->word)});
}

const Op* msr_daif_set(Cpu& cpu, const Op* op) {
  if (daif_trapped(cpu))
    return trap_daif(cpu, op);
  cpu.s.pstate.daif |= static_cast<u32>(op->imm) << 6;
  cpu.debug->state_changed();
  return op + 1;
}

const Op* msr_daif_clr(Cpu& cpu, const Op* op) {
  if (daif_trapped(cpu))
    return trap_daif(cpu, op);
  cpu.s.pstate.daif &= ~(static_cast<u32>(op->imm) << 6);
  interrupt_mask_changed(cpu);
  cpu.debug->state_changed();
  return op + 1;
}

} // namespace

Handler translate_kMrs(Op& op) {
  return access_handler<mrs>(op);
}
Handler translate_kMsr(Op& op) {
  return access_handler<msr>(op);
}
Handler translate_kMsrNzcv(Op& /*op*/) {
  return msr_nzcv;
}
Handler translate_kMrsNzcv(Op& /*op*/) {
  return mrs_nzcv;
}
Handler translate_kMrsFpcr(Op& /*op*/) {
  return mrs_fpcr;
}
Handler translate_kMrsFpsr(Op& /*op*/) {
  return mrs_fpsr;
}
Handler translate_kMsrPan(Op& /*op*/) {
  return msr_pan;
}
Handler translate_kMsrUao(Op& /*op*/) {
  return msr_uao;
}
Handler translate_kMsrSpSel(Op& /*op*/) {
  return msr_spsel;
}
Handler translate_kMsrDaifSet(Op& /*op*/) {
  return msr_daif_set;
}
Handler translate_kMsrDaifClr(Op& /*op*/) {
  return msr_daif_clr;
}

} // namespace softhv::interp
