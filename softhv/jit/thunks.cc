// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/thunks.h"

#include <cstddef>

#include "softhv/jit/page.h"
#include "softhv/jit/registers.h"

namespace softhv::jit {
namespace {

using namespace Xbyak::util; // NOLINT(google-build-using-namespace)

constexpr int kReturnsSize = 1024 * 16; // of the returns predicted at a time

constexpr int kFromCore = 16 * 8; // from CpuCore's start to where reg::kState points

// reg::kFlags <-> Pstate::nzcv. PEXT of these bits gives V, NOT C, Z, N from the lowest up.
constexpr u32 kFlagBits = 0xc101;

class ThunkWriter {
public:
  ThunkWriter(Assembler& as, const RuntimeCalls& calls) : as_(as), calls_(calls) {}

  Thunks write() {
    Thunks t;
    t.leave = leave();
    t.interpret_el1 = interpret(1);
    t.interpret_el0 = interpret(0);
    t.refill_el1 = refill(1);
    t.refill_el0 = refill(0);
    t.dispatch_el1 = dispatch(1);
    t.dispatch_el0 = dispatch(0);
    t.enter = enter(no_return(t));
    t.link_el1 = link(1);
    t.link_el0 = link(0);
    t.untranslated_el1 = untranslated(t.dispatch_el1);
    t.untranslated_el0 = untranslated(t.dispatch_el0);
    t.indirect_el1 = indirect(t.dispatch_el1);
    t.indirect_el0 = indirect(t.dispatch_el0);
    t.outside_el1 = outside(t.dispatch_el1, t.link_el1);
    t.outside_el0 = outside(t.dispatch_el0, t.link_el0);
    return t;
  }

private:
  static constexpr Xbyak::Operand::Code kSaved[] = {Xbyak::Operand::RBX, Xbyak::Operand::RBP,
                                                    Xbyak::Operand::R12, Xbyak::Operand::R13,
                                                    Xbyak::Operand::R14, Xbyak::Operand::R15};

  // All that translated code holds goes to CpuCore. Keeps rcx and rdx.
  void spill(u8 el) {
    for (unsigned i = 0; i < kRegisterMap.general.size(); ++i)
      if (const i8 host = kRegisterMap.general[i]; host >= 0)
        as_.mov(Assembler::state64(offsetof(CpuState, x) + 8 * i), Xbyak::Reg64(host));
    as_.mov(Assembler::state64(offsetof(CpuCore, allowance)), rax);
    if (as_.host.bmi2) {
      as_.mov(esi, kFlagBits);
      as_.pext(esi, eax, esi);
    } else {
      as_.movzx(esi, al);
      as_.mov(edi, eax);
      as_.shr(edi, 8); // NOT C to bit 0, Z to 6, N to 7
      as_.and_(edi, 0xc1);
      as_.mov(eax, edi);
      as_.shr(edi, 4); // Z, N to 2, 3
      as_.and_(eax, 1);
      as_.lea(esi, ptr[rsi + rax * 2]);
      as_.or_(esi, edi);
    }
    as_.shl(esi, 28);
    as_.xor_(esi, kFlagC);
    as_.mov(Assembler::state32(offsetof(CpuState, pstate.nzcv)), esi);
    if (holds_vectors(el))
      store_vectors();
  }

  void store_vectors() {
    for (unsigned i = 0; i < kRegisterMap.vector.size(); ++i)
      if (const i8 host = kRegisterMap.vector[i]; host >= 0)
        as_.movaps(Assembler::state128(offsetof(CpuState, v) + 16 * i), Xbyak::Xmm(host));
  }

  void load_vectors() {
    for (unsigned i = 0; i < kRegisterMap.vector.size(); ++i)
      if (const i8 host = kRegisterMap.vector[i]; host >= 0)
        as_.movaps(Xbyak::Xmm(host), Assembler::state128(offsetof(CpuState, v) + 16 * i));
  }

  // The XMM registers that hold some guest registers or other are saved or restored.
  void keep_vectors(bool save) {
    for (unsigned i = 0; i < kHeldVectors; ++i) {
      const auto place = Assembler::state128(offsetof(CpuCore, kept_vectors) + 16UL * i);
      const Xbyak::Xmm held(static_cast<int>(kFirstHeldVector + i));
      if (save)
        as_.movaps(place, held);
      else
        as_.movaps(held, place);
    }
  }

  // Keeps rcx.
  void load_general() {
    as_.mov(esi, Assembler::state32(offsetof(CpuState, pstate.nzcv)));
    as_.xor_(esi, kFlagC);
    as_.shr(esi, 28);
    if (as_.host.bmi2) {
      as_.mov(eax, kFlagBits);
      as_.pdep(eax, esi, eax);
    } else {
      as_.mov(eax, esi);
      as_.and_(eax, 1);
      as_.mov(edx, esi);
      as_.and_(edx, 2);
      as_.shl(edx, 7);
      as_.or_(eax, edx);
      as_.and_(esi, 12);
      as_.shl(esi, 12);
      as_.or_(eax, esi);
    }
    as_.or_(rax, Assembler::state64(offsetof(CpuCore, allowance)));
    for (unsigned i = 0; i < kRegisterMap.general.size(); ++i)
      if (const i8 host = kRegisterMap.general[i]; host >= 0)
        as_.mov(Xbyak::Reg64(host), Assembler::state64(offsetof(CpuState, x) + 8 * i));
  }

  void forget_returns() { as_.mov(rsp, Assembler::state64(offsetof(CpuCore, returns_base))); }

  // Goes on at rcx, at whatever Exception level that is.
  void resume_anywhere() {
    load_general();
    compare_el0();
    const auto at_el1 = as_.jump_forward(Cc::kNe);
    load_vectors();
    as_.bind(at_el1);
    as_.jmp(rcx);
  }

  void compare_el0() {
    as_.cmp(byte[reg::kState + static_cast<int>(offsetof(CpuState, pstate.el)) - kFromCore], 0);
  }

  template <typename Function>
  void call(Function* function) {
    as_.lea(rdi, ptr[reg::kState - kFromCore]);
    as_.mov(rax, reinterpret_cast<u64>(function));
    as_.call(rax);
  }

  u32 start() {
    as_.align(16);
    return as_.position();
  }

  u32 enter(u32 no_return) {
    const u32 at = start();
    for (const auto code : kSaved)
      as_.push(Xbyak::Reg64(code));
    as_.sub(rsp, 8); // aligned for calls
    as_.lea(reg::kState, ptr[rdi + kFromCore]);
    // A return that matches none: to where there is no instruction.
    as_.push(-1);
    constexpr int kLeaSize = 7;
    as_.lea(rcx, ptr[rip + (static_cast<int>(no_return - as_.position()) - kLeaSize)]);
    as_.push(rcx);
    as_.mov(Assembler::state64(offsetof(CpuCore, returns_base)), rsp);
    as_.lea(rcx, ptr[rsp - kReturnsSize]);
    as_.mov(Assembler::state64(offsetof(CpuCore, returns_limit)), rcx);
    as_.mov(rcx, rsi);
    resume_anywhere();
    return at;
  }

  // A return to address -1 matched what enter() has put on the stack.
  u32 no_return(const Thunks& thunks) {
    const u32 at = start();
    as_.mov(Assembler::state64(offsetof(CpuState, pc)), rcx);
    compare_el0();
    as_.jump_to(Cc::kE, thunks.dispatch_el0);
    as_.jump_to(thunks.dispatch_el1);
    return at;
  }

  u32 leave() {
    const u32 at = start();
    forget_returns();
    as_.add(rsp, 2 * 8 + 8); // what enter() has put there
    for (unsigned i = std::size(kSaved); i-- > 0;)
      as_.pop(Xbyak::Reg64(kSaved[i]));
    as_.ret();
    return at;
  }

  u32 interpret(u8 el) {
    const u32 at = start();
    spill(el);
    as_.mov(esi, ecx);
    as_.sub(rsp, 8);
    call(calls_.interpret);
    as_.add(rsp, 8);
    as_.mov(rcx, rax);
    as_.test(rax, rax);
    const auto left = as_.jump_forward(Cc::kNe);
    load_general();
    if (holds_vectors(el))
      load_vectors();
    as_.ret();
    as_.bind(left);
    forget_returns();
    resume_anywhere();
    return at;
  }

  // Called with the stack off alignment by the return address; 7 registers align it.
  u32 refill(u8 el) {
    static constexpr Xbyak::Operand::Code kClobbered[] = {
        Xbyak::Operand::RAX, Xbyak::Operand::RCX, Xbyak::Operand::RDI, Xbyak::Operand::R8,
        Xbyak::Operand::R9,  Xbyak::Operand::R10, Xbyak::Operand::R11};
    const u32 at = start();
    for (const auto code : kClobbered)
      as_.push(Xbyak::Reg64(code));
    if (holds_vectors(el))
      keep_vectors(true);
    as_.mov(rsi, rcx);
    call(calls_.refill);
    if (holds_vectors(el))
      keep_vectors(false);
    as_.test(al, al);
    for (size_t i = std::size(kClobbered); i-- > 0;)
      as_.pop(Xbyak::Reg64(kClobbered[i]));
    as_.ret();
    return at;
  }

  u32 dispatch(u8 el) {
    const u32 at = start();
    forget_returns();
    spill(el);
    call(calls_.next);
    as_.mov(rcx, rax);
    resume_anywhere();
    return at;
  }

  u32 link(u8 el) {
    const u32 at = start();
    forget_returns();
    spill(el);
    as_.mov(esi, ecx);
    call(calls_.link);
    as_.mov(rcx, rax);
    resume_anywhere();
    return at;
  }

  u32 untranslated(u32 dispatch) {
    const u32 at = start();
    as_.and_(ecx, static_cast<u32>(kTlbPageSize - 1));
    as_.add(rcx, Assembler::state64(offsetof(CpuCore, code_page)));
    as_.mov(Assembler::state64(offsetof(CpuState, pc)), rcx);
    as_.jump_to(dispatch);
    return at;
  }

  // To the code at address rcx, which the TLB may know.
  void go_indirect(u32 dispatch) {
    as_.cmp(Assembler::state32(offsetof(CpuCore, attention)), 0);
    const auto attention = as_.jump_forward(Cc::kNe);
    as_.mov(rsi, rcx);
    const auto lookup = as_.find_code();
    as_.jmp(lookup.entry);
    as_.bind(attention);
    as_.bind(lookup.miss);
    as_.bind(lookup.no_code);
    as_.mov(Assembler::state64(offsetof(CpuState, pc)), rcx);
    as_.jump_to(dispatch);
  }

  // A return that was not predicted.
  u32 indirect(u32 dispatch) {
    const u32 at = start();
    forget_returns();
    go_indirect(dispatch);
    return at;
  }

  u32 outside(u32 dispatch, u32 link) {
    const u32 at = start();
    as_.dec(Assembler::state32(offsetof(CpuCore, link_credit)));
    as_.jump_to(Cc::kS, link);
    as_.movsxd(rcx, ecx);
    as_.add(rcx, Assembler::state64(offsetof(CpuCore, code_page)));
    go_indirect(dispatch);
    return at;
  }

  Assembler& as_;
  const RuntimeCalls& calls_;
};

} // namespace

Thunks emit_thunks(Assembler& as, const RuntimeCalls& calls) {
  return ThunkWriter(as, calls).write();
}

} // namespace softhv::jit
