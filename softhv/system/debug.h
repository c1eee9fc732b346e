// SPDX-License-Identifier: Apache-2.0
// Self-hosted debug of one vCPU (Arm ARM D2): breakpoints, watchpoints, software step, and the
// trap controls of hv_vcpu_set_trap_debug_exceptions and _reg_accesses. Used by the vCPU's thread
// only.
//
// While anything is armed for the current Exception level kAttentionDebug stays set, and
// before_instruction() sees every instruction.
#pragma once

#include "softhv/core/cpu.h"
#include "softhv/interp/op.h"

namespace softhv::debug {

class DebugUnit {
public:
  explicit DebugUnit(Cpu& cpu) : cpu_(cpu) {}

  // A debug register, PSTATE.{D,SS,IL} or the Exception level changed.
  void state_changed();
  // The same after a change of DBGWVRn, DBGWCRn or MDSCR_EL1: what the TLB knows is dropped too.
  void watchpoints_changed();

  // What is due before the instruction at cpu.s.pc: takes an illegal-state, software step or
  // breakpoint exception, or asks for that one instruction to be stepped. kNothing: nothing is
  // armed any more.
  enum class Action : u8 { kNothing, kTaken, kStep };
  Action before_instruction();

  // The software step state machine (Arm ARM D2.12): events of the instruction being stepped.
  void instruction_done();   // whatever was stepped has completed
  void step_advance();       // SVC, HVC, SMC: counts as executed although an exception follows
  void exception_taken();    // any exception to EL1
  void exception_returned(); // ERET
  void exited_to_host();
  // The value ERET gives PSTATE.SS: DebugExceptionReturnSS().
  [[nodiscard]] bool step_on_return(u32 spsr, u8 target_el) const;

  // Whether a watchpoint may match within the page of `va`: such pages have no fast path.
  [[nodiscard]] bool watches_page(u64 va) const;
  // Checks [va, va + size); takes the exception and returns true on a match. `unprivileged`: an
  // access made with EL0's permissions.
  struct DataAccess {
    u64 va = 0;
    unsigned size = 0;
    bool write = false;
    bool unprivileged = false;
    bool cache_maintenance = false;
  };
  bool check_watchpoints(const interp::Op* op, const DataAccess& access);

  // BRK (also when the host has asked for debug exceptions).
  const interp::Op* software_breakpoint(const interp::Op* op, u16 comment);

  bool trap_exceptions = false;   // hv_vcpu_set_trap_debug_exceptions; then call state_changed()
  bool trap_reg_accesses = false; // hv_vcpu_set_trap_debug_reg_accesses

private:
  // GenerateDebugExceptionsFrom(el, mask).
  [[nodiscard]] bool enabled_from(u8 el, bool masked) const;
  [[nodiscard]] bool enabled() const;
  [[nodiscard]] bool step_armed() const;
  [[nodiscard]] bool breakpoints_armed() const;
  [[nodiscard]] bool breakpoint_matches(unsigned n, u64 pc) const;
  [[nodiscard]] bool address_matches(unsigned n, u64 pc) const;
  [[nodiscard]] bool context_matches(unsigned n) const;
  [[nodiscard]] bool watchpoint_matches(unsigned n, u64 byte, const DataAccess& access) const;
  void take(u64 return_address, u8 lower_class, u32 iss, bool has_far, u64 far);
  Action step();

  Cpu& cpu_;
  bool stepping_ = false;          // the instruction being executed is the one to step
  bool stepped_ = false;           // ESR's ISV: an instruction has been stepped since SS was set
  bool stepped_exclusive_ = false; // ESR's EX
  bool watching_ = false;          // some watchpoint is enabled
};

} // namespace softhv::debug
