// SPDX-License-Identifier: Apache-2.0
#include "arch/boot_state.h"

#include "arch/bits.h"
#include "arch/esr.h"

namespace kindling::arch {

namespace {

constexpr u64 kSctlrSpan = 1ULL << 23;
// PSTATE fields that an exception entry leaves alone: N, Z, C, V, PAN and DIT.
constexpr u64 kPstateKept = 0xf000'0000 | kPstatePan | 1ULL << 24;

bool from_el0(u64 pstate) {
  return bits(pstate, 3, 2) == 0;
}

} // namespace

BootState primary_boot_state(u64 entry, u64 dtb) {
  BootState state;
  state.pc = entry;
  state.x0 = dtb;
  state.mpidr = mpidr_of(0);
  return state;
}

BootState secondary_boot_state(u64 entry, u64 context_id, unsigned index) {
  BootState state;
  state.pc = entry;
  state.x0 = context_id;
  state.mpidr = mpidr_of(index);
  return state;
}

ExceptionEntry take_synchronous_exception(const ExceptionSource& from) {
  ExceptionEntry entry;
  u64 offset = 0; // current EL with SP_EL0
  if (from_el0(from.pstate)) {
    offset = 0x400;
  } else if (bit(from.pstate, 0)) {
    offset = 0x200;
  }
  entry.pc = align_down(from.vbar, 0x800) + offset;
  entry.elr = from.pc;
  entry.spsr = from.pstate;
  entry.pstate = (from.pstate & kPstateKept) | kPstateEl1h | kPstateDaif;
  if ((from.sctlr & kSctlrSpan) == 0) {
    entry.pstate |= kPstatePan;
  }
  return entry;
}

u64 external_abort_syndrome(u64 esr, u64 pstate) {
  const ExceptionClass ec = exception_class(esr);
  const bool instruction =
      ec == ExceptionClass::kInstructionAbortLower || ec == ExceptionClass::kInstructionAbortSame;
  if (instruction) {
    return make_esr(from_el0(pstate) ? ExceptionClass::kInstructionAbortLower
                                     : ExceptionClass::kInstructionAbortSame,
                    kFaultSynchronousExternal);
  }
  // A stage 1 syndrome has no valid ISV..AR: keep only CM and WnR. Table walks name no level here,
  // for the stage 2 syndrome does not tell at which level of stage 1 the walk was; level 3 is
  // reported, where most descriptors live.
  const DataAbort abort = decode_data_abort(esr);
  const u64 status = abort.table_walk ? 0x17 : kFaultSynchronousExternal;
  const u64 iss =
      (abort.cache_maintenance ? 1ULL << 8 : 0) | (abort.write ? 1ULL << 6 : 0) | status;
  return make_esr(
      from_el0(pstate) ? ExceptionClass::kDataAbortLower : ExceptionClass::kDataAbortSame, iss);
}

u64 undefined_instruction_syndrome() {
  return make_esr(ExceptionClass::kUnknown, 0);
}

} // namespace kindling::arch
