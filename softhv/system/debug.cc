// SPDX-License-Identifier: Apache-2.0
#include "softhv/system/debug.h"

#include <cstring>

#include "arch/bits.h"
#include "softhv/core/vm.h"
#include "softhv/mmu/mmu.h"
#include "softhv/system/exception.h"
#include "softhv/system/id_profile.h"

namespace softhv::debug {
namespace {

constexpr unsigned kMdscrSs = 0;
constexpr unsigned kMdscrKde = 13;
constexpr unsigned kMdscrMde = 15;
constexpr unsigned kOslk = 1;
constexpr unsigned kDoubleLock = 0;
constexpr u32 kStatusDebugEvent = 0x22;

constexpr unsigned kFirstContextBreakpoint = id::kBreakpoints - id::kContextBreakpoints;

// Whether a breakpoint or watchpoint control's SSC, HMC and PMC/PAC fields select `el` (Arm ARM
// D2.8.3). Without EL2 and EL3 the combinations with SSC or HMC are reserved; they disable it.
bool selects(u64 control, u8 el) {
  const bool hmc = bit(control, 13);
  const u64 ssc = bits(control, 15, 14);
  const u64 pmc = bits(control, 2, 1);
  if (hmc || ssc != 0)
    return false;
  return el == 0 ? (pmc & 2) != 0 : (pmc & 1) != 0;
}

bool is_load_exclusive(u32 word) {
  // Load/store exclusive with L = 1 and o2 = 0; CASP has bit 31 clear and bit 21 set.
  return (word & 0x3fc0'0000) == 0x0840'0000 && !(bit(word, 21) && !bit(word, 31));
}

} // namespace

bool DebugUnit::enabled_from(u8 el, bool masked) const {
  const SystemRegisters& sys = cpu_.s.sys;
  if (bit(sys.oslsr_el1, kOslk) || bit(sys.osdlr_el1, kDoubleLock))
    return false;
  if (trap_exceptions || el == 0)
    return true;
  return bit(sys.mdscr_el1, kMdscrKde) && !masked;
}

bool DebugUnit::enabled() const {
  return enabled_from(cpu_.s.pstate.el, (cpu_.s.pstate.daif & kDaifD) != 0);
}

bool DebugUnit::step_armed() const {
  return bit(cpu_.s.sys.mdscr_el1, kMdscrSs) && enabled();
}

bool DebugUnit::breakpoints_armed() const {
  const SystemRegisters& sys = cpu_.s.sys;
  if (!bit(sys.mdscr_el1, kMdscrMde) || !enabled())
    return false;
  for (unsigned n = 0; n < id::kBreakpoints; ++n)
    if (bit(sys.dbgbcr[n], 0) && selects(sys.dbgbcr[n], cpu_.s.pstate.el))
      return true;
  return false;
}

void DebugUnit::state_changed() {
  const u64 mdscr = cpu_.s.sys.mdscr_el1;
  if ((mdscr & (1U << kMdscrSs | 1U << kMdscrMde)) == 0 && cpu_.s.pstate.il == 0) [[likely]]
    return;
  if (cpu_.s.pstate.il != 0 || step_armed() || breakpoints_armed())
    cpu_.request(kAttentionDebug);
}

void DebugUnit::watchpoints_changed() {
  const SystemRegisters& sys = cpu_.s.sys;
  bool watching = false;
  if (bit(sys.mdscr_el1, kMdscrMde))
    for (unsigned n = 0; n < id::kWatchpoints; ++n)
      watching |= bit(sys.dbgwcr[n], 0);
  if (watching || watching_)
    cpu_.mmu->invalidate({});
  watching_ = watching;
  state_changed();
}

DebugUnit::Action DebugUnit::before_instruction() {
  CpuState& s = cpu_.s;
  if (step_armed()) {
    const Action action = step();
    if (action == Action::kTaken)
      return action;
  }
  if (s.pstate.il != 0) {
    stepping_ = false;
    take_synchronous(cpu_, s.pc, {.ec = ExceptionClass::kIllegalState});
    return Action::kTaken;
  }
  if (breakpoints_armed()) {
    for (unsigned n = 0; n < id::kBreakpoints; ++n) {
      if (!breakpoint_matches(n, s.pc))
        continue;
      stepping_ = false;
      take(s.pc, static_cast<u8>(ExceptionClass::kBreakpointLower), kStatusDebugEvent, false, 0);
      return Action::kTaken;
    }
    return Action::kStep;
  }
  return step_armed() ? Action::kStep : Action::kNothing;
}

// Active-not-pending (PSTATE.SS = 1): the next instruction is to be stepped. Active-pending: the
// exception is due.
DebugUnit::Action DebugUnit::step() {
  CpuState& s = cpu_.s;
  if (s.pstate.ss != 0) {
    stepping_ = true;
    stepped_exclusive_ = false;
    MmuTarget target;
    MmuFault fault;
    u32 word = 0;
    if (cpu_.mmu->data(s.pc, {}, target, fault) && target.page) {
      std::memcpy(&word, target.page->host + (target.ipa & ~kTlbPageMask), sizeof word);
      stepped_exclusive_ = is_load_exclusive(word);
    }
    return Action::kStep;
  }
  const u32 iss = kStatusDebugEvent | (stepped_ ? 1U << 24 : 0) |
                  (stepped_ && stepped_exclusive_ ? 1U << 6 : 0);
  stepped_ = false;
  take(s.pc, static_cast<u8>(ExceptionClass::kSoftwareStepLower), iss, false, 0);
  return Action::kTaken;
}

void DebugUnit::instruction_done() {
  if (!stepping_)
    return;
  stepping_ = false;
  stepped_ = true;
  cpu_.s.pstate.ss = 0;
}

void DebugUnit::step_advance() {
  if (!stepping_)
    return;
  stepping_ = false;
  cpu_.s.pstate.ss = 0;
}

void DebugUnit::exception_taken() {
  stepping_ = false;
  stepped_ = false;
  state_changed();
}

void DebugUnit::exception_returned() {
  stepping_ = false;
  stepped_ = false;
}

void DebugUnit::exited_to_host() {
  stepping_ = false;
}

bool DebugUnit::step_on_return(u32 spsr, u8 target_el) const {
  return bit(cpu_.s.sys.mdscr_el1, kMdscrSs) && !enabled() &&
         enabled_from(target_el, (spsr & kDaifD) != 0) && bit(spsr, 21);
}

bool DebugUnit::context_matches(unsigned n) const {
  return n >= kFirstContextBreakpoint && n < id::kBreakpoints &&
         static_cast<u32>(cpu_.s.sys.dbgbvr[n]) == static_cast<u32>(cpu_.s.sys.contextidr_el1);
}

bool DebugUnit::address_matches(unsigned n, u64 pc) const {
  // DBGBVRn_EL1 holds bits 48:2, the rest being copies of bit 48.
  return static_cast<u64>(sign_extend(cpu_.s.sys.dbgbvr[n] & ~3ULL, 49)) == pc;
}

bool DebugUnit::breakpoint_matches(unsigned n, u64 pc) const {
  const SystemRegisters& sys = cpu_.s.sys;
  const u64 control = sys.dbgbcr[n];
  if (!bit(control, 0) || !selects(control, cpu_.s.pstate.el))
    return false;
  const unsigned linked = static_cast<unsigned>(bits(control, 19, 16));
  switch (bits(control, 23, 20)) {
  case 0: return address_matches(n, pc);
  case 1: // linked address match: both have to agree
    return address_matches(n, pc) && linked < id::kBreakpoints && bit(sys.dbgbcr[linked], 0) &&
           bits(sys.dbgbcr[linked], 23, 20) == 3 && context_matches(linked);
  case 2: return context_matches(n);
  default: return false; // linked context match on its own, and what is not implemented
  }
}

bool DebugUnit::watches_page(u64 va) const {
  if (!watching_)
    return false;
  const SystemRegisters& sys = cpu_.s.sys;
  for (unsigned n = 0; n < id::kWatchpoints; ++n) {
    if (!bit(sys.dbgwcr[n], 0))
      continue;
    const u64 mask = (1ULL << bits(sys.dbgwcr[n], 28, 24)) - 1;
    // Compared without the top byte, which may be ignored.
    if (((((va ^ sys.dbgwvr[n]) & ~mask) & kTlbPageMask) << 8) == 0)
      return true;
  }
  return false;
}

bool DebugUnit::watchpoint_matches(unsigned n, u64 byte, const DataAccess& access) const {
  const SystemRegisters& sys = cpu_.s.sys;
  const u64 control = sys.dbgwcr[n];
  if (!bit(control, 0) || !selects(control, access.unprivileged ? 0 : cpu_.s.pstate.el))
    return false;
  if (!bit(control, access.write ? 4 : 3))
    return false;
  const unsigned mask_bits = static_cast<unsigned>(bits(control, 28, 24));
  const u64 value = static_cast<u64>(sign_extend(sys.dbgwvr[n], 49));
  if (mask_bits != 0) {
    if (((byte ^ value) >> mask_bits) != 0)
      return false;
  } else if (((byte ^ value) >> 3) != 0 || !bit(control, 5 + static_cast<unsigned>(byte & 7))) {
    return false;
  }
  if (!bit(control, 20))
    return true;
  const unsigned linked = static_cast<unsigned>(bits(control, 19, 16));
  return linked < id::kBreakpoints && bit(sys.dbgbcr[linked], 0) &&
         bits(sys.dbgbcr[linked], 23, 20) == 3 && context_matches(linked);
}

bool DebugUnit::check_watchpoints(const interp::Op* op, const DataAccess& access) {
  if (!watching_ || !enabled())
    return false;
  for (u64 byte = access.va; byte != access.va + access.size; ++byte) {
    const u64 canonical = static_cast<u64>(sign_extend(byte, 56));
    for (unsigned n = 0; n < id::kWatchpoints; ++n) {
      if (!watchpoint_matches(n, canonical, access))
        continue;
      cpu_.last = op;
      const u32 iss = kStatusDebugEvent | (access.write ? 1U << 6 : 0) |
                      (access.cache_maintenance ? 1U << 8 : 0);
      take(pc_of(cpu_, op), static_cast<u8>(ExceptionClass::kWatchpointLower), iss, true, byte);
      return true;
    }
  }
  return false;
}

const interp::Op* DebugUnit::software_breakpoint(const interp::Op* op, u16 comment) {
  take(pc_of(cpu_, op), static_cast<u8>(ExceptionClass::kBrk64), comment, false, 0);
  return nullptr;
}

void DebugUnit::take(u64 return_address, u8 lower_class, u32 iss, bool has_far, u64 far) {
  const auto ec = static_cast<ExceptionClass>(lower_class);
  if (trap_exceptions) {
    exit_to_host(
        cpu_, return_address,
        {.reason = ExitReason::kException, .syndrome = esr(ec, iss), .virtual_address = far});
    return;
  }
  take_synchronous(cpu_, return_address, {.ec = ec, .iss = iss, .has_far = has_far, .far = far});
}

} // namespace softhv::debug
