// SPDX-License-Identifier: Apache-2.0
// System registers that are plain storage, interrupt masks, barriers and cache operations.
#include <cstddef>

#include "softhv/fp/context.h"
#include "softhv/fp/host_environment.h"
#include "softhv/jit/emitter.h"
#include "softhv/system/id_profile.h"

namespace softhv::jit {

using ir::Op;
using namespace Xbyak::util; // NOLINT(google-build-using-namespace)

void Emitter::emit_system_access(const ir::Inst& inst) {
  const auto offset = static_cast<size_t>(inst.imm);
  if (inst.op == Op::kSysWrite) {
    as_.mov(Assembler::state64(offset), read(inst.a, reg::kScratch0));
    return;
  }
  const Reg64 d = target(inst.d, reg::kScratch0);
  if (inst.has(ir::kWide))
    as_.mov(d, Assembler::state64(offset));
  else
    as_.mov(d.cvt32(), Assembler::state32(offset));
  write(inst.d, d);
}

// fp::raised_on_host().
void Emitter::emit_read_fpsr(const ir::Inst& inst) {
  constexpr u32 kOthers = fp::kFpsrDzc | fp::kFpsrOfc | fp::kFpsrUfc | fp::kFpsrIxc;
  const Address raised = Assembler::state32(offsetof(CpuCore, scratch));
  as_.stmxcsr(raised);
  as_.mov(ecx, raised);
  as_.mov(edx, ecx);
  as_.shr(ecx, 1);
  as_.and_(ecx, kOthers);
  as_.and_(edx, fp::kFpsrIoc);
  as_.or_(ecx, edx);
  as_.or_(ecx, Assembler::state32(offsetof(CpuState, fpsr)));
  write(inst.d, rcx);
}

void Emitter::emit_write_fpsr(const ir::Inst& inst) {
  const Address none_raised = Assembler::state32(offsetof(CpuCore, scratch));
  read_into(rcx, inst.a);
  as_.and_(ecx, fp::kFpsrMask);
  as_.mov(Assembler::state32(offsetof(CpuState, fpsr)), ecx);
  as_.mov(none_raised, fp::kHostControl);
  as_.ldmxcsr(none_raised);
}

// Unmasking with a line high is the interpreter's, and changes of PSTATE.D while the debug unit has
// something to watch for (DebugUnit::state_changed).
void Emitter::emit_interrupt_masks(const ir::Inst& inst) {
  constexpr u32 kMdscrSsMde = 1 << 0 | 1 << 15;
  const Address daif = Assembler::state32(offsetof(CpuState, pstate.daif));
  if (inst.op == Op::kWriteDaif || (inst.imm & kDaifD) != 0) {
    as_.test(Assembler::state32(offsetof(CpuState, sys.mdscr_el1)), kMdscrSsMde);
    to_slow(Cc::kNe);
  }
  if (inst.op == Op::kMaskInterrupts) {
    as_.or_(daif, static_cast<u32>(inst.imm));
    return;
  }
  as_.cmp(Assembler::state32(offsetof(CpuCore, interrupt_lines)), 0);
  to_slow(Cc::kNe);
  if (inst.op == Op::kUnmaskInterrupts) {
    as_.and_(daif, ~static_cast<u32>(inst.imm));
    return;
  }
  read_into(rcx, inst.a);
  as_.and_(ecx, kDaifD | kDaifA | kDaifI | kDaifF);
  as_.mov(daif, ecx);
}

// A locked operation is a full barrier, and faster than MFENCE.
void Emitter::emit_barrier() {
  as_.lock();
  as_.or_(at(rsp).sized(32), 0);
}

void Emitter::emit_complete_barrier() {
  as_.cmp(Assembler::state32(offsetof(CpuCore, shootdowns_posted)), 0);
  to_slow(Cc::kNe);
  emit_barrier();
}

void Emitter::emit_zero_block(const ir::Inst& inst) {
  constexpr u32 kSctlrDze = 1 << 14; // clear: DC ZVA at EL0 is trapped
  if (mode_.el == 0) {
    as_.test(Assembler::state32(offsetof(CpuState, sys.sctlr_el1)), kSctlrDze);
    to_slow(Cc::kE);
  }
  read_into(rcx, inst.a);
  as_.and_(rcx, -static_cast<int>(id::kZvaBytes));
  find_host_address(rcx, 1, Access::kWrite, false);
  as_.pxor(reg::kVectorScratch0, reg::kVectorScratch0);
  for (int at = 0; at < static_cast<int>(id::kZvaBytes); at += 16)
    as_.movaps(xword[rdx + at], reg::kVectorScratch0);
}

void Emitter::emit_cache_check(const ir::Inst& inst) {
  translate(read(inst.a, rcx), 1, Access::kRead, false);
}

// What the guest writes is noticed by itself.
void Emitter::emit_code_cache_check(const ir::Inst& inst) {
  if (options_.host_writes_code)
    emit_interpret(inst);
}

} // namespace softhv::jit
