// SPDX-License-Identifier: Apache-2.0
// Atomic memory operations and exclusives, on the host's locked instructions. reg::kFlags is rax,
// which compare and exchange needs: it waits elsewhere meanwhile.
#include <cstddef>

#include "softhv/jit/emitter.h"

namespace softhv::jit {

using ir::Op;
using namespace Xbyak::util; // NOLINT(google-build-using-namespace)

// LSE. Every locked instruction of the host orders fully.
void Emitter::emit_atomic(const ir::Inst& inst) {
  const Reg64 va = address(inst);
  find_host_address(va, 1U << inst.size, Access::kBoth, true);
  const auto at = [&](auto access) {
    switch (inst.size) {
    case 0: access(byte[rdx], cl, sil); break;
    case 1: access(word[rdx], cx, si); break;
    case 2: access(dword[rdx], ecx, esi); break;
    default: access(qword[rdx], rcx, rsi); break;
    }
  };
  const auto zero_extended = [&] {
    switch (inst.size) {
    case 0: as_.movzx(ecx, cl); break;
    case 1: as_.movzx(ecx, cx); break;
    case 2: as_.mov(ecx, ecx); break;
    default: break;
    }
  };
  if (inst.op == Op::kAtomicAdd || inst.op == Op::kAtomicSwap) {
    read_into(reg::kScratch0, inst.d2);
    at([&](const Address& m, const Xbyak::Reg& value, const Xbyak::Reg&) {
      if (inst.op == Op::kAtomicSwap) {
        as_.xchg(m, value);
      } else {
        as_.lock();
        as_.xadd(m, value);
      }
    });
    zero_extended();
    write(inst.d, reg::kScratch0);
    return;
  }
  // Nobody looks at the old value: one instruction; else compare and swap until it holds.
  if (inst.d == kRegSink) {
    read_into(reg::kScratch0, inst.d2);
    if (inst.op == Op::kAtomicClear)
      as_.not_(rcx);
    at([&](const Address& m, const Xbyak::Reg& value, const Xbyak::Reg&) {
      as_.lock();
      switch (inst.op) {
      case Op::kAtomicClear: as_.and_(m, value); break;
      case Op::kAtomicXor: as_.xor_(m, value); break;
      default: as_.or_(m, value); break;
      }
    });
    return;
  }
  as_.mov(Assembler::state64(offsetof(CpuCore, scratch)), rax);
  at([&](const Address& m, const Xbyak::Reg&, const Xbyak::Reg&) {
    switch (inst.size) {
    case 0: as_.movzx(eax, m); break;
    case 1: as_.movzx(eax, m); break;
    case 2: as_.mov(eax, m); break;
    default: as_.mov(rax, m); break;
    }
  });
  const u32 again = as_.position();
  read_into(reg::kScratch0, inst.d2);
  switch (inst.op) {
  case Op::kAtomicClear:
    as_.not_(rcx);
    as_.and_(rcx, rax);
    break;
  case Op::kAtomicXor: as_.xor_(rcx, rax); break;
  default: as_.or_(rcx, rax); break;
  }
  at([&](const Address& m, const Xbyak::Reg& value, const Xbyak::Reg&) {
    as_.lock();
    as_.cmpxchg(m, value);
  });
  as_.jump_to(Cc::kNe, again);
  as_.mov(rcx, rax);
  as_.mov(rax, Assembler::state64(offsetof(CpuCore, scratch)));
  zero_extended();
  write(inst.d, reg::kScratch0);
}

// 1 << size bytes at [rdx]: compared with rax, replaced by rcx.
void Emitter::compare_exchange(unsigned size) {
  as_.lock();
  switch (size) {
  case 0: as_.cmpxchg(byte[rdx], cl); break;
  case 1: as_.cmpxchg(word[rdx], cx); break;
  case 2: as_.cmpxchg(dword[rdx], ecx); break;
  default: as_.cmpxchg(qword[rdx], rcx); break;
  }
}

void Emitter::emit_compare_swap(const ir::Inst& inst) {
  const Reg64 va = address(inst);
  find_host_address(va, 1U << inst.size, Access::kBoth, true);
  read_into(reg::kScratch0, inst.d2);
  as_.mov(reg::kScratch2, rax);
  read_into(rax, inst.d);
  compare_exchange(inst.size);
  switch (inst.size) {
  case 0: as_.movzx(ecx, al); break;
  case 1: as_.movzx(ecx, ax); break;
  case 2: as_.mov(ecx, eax); break;
  default: as_.mov(rcx, rax); break;
  }
  as_.mov(rax, reg::kScratch2);
  write(inst.d, reg::kScratch0);
}

// CMPXCHG16B: rdx:rax is compared, rcx:rbx stored. rbx holds a guest register.
void Emitter::emit_compare_swap_pair(const ir::Inst& inst) {
  const auto second = [](ir::Reg r) { return static_cast<ir::Reg>(r + 1); };
  const Reg64 va = address(inst);
  translate(va, 16, Access::kBoth, true);
  as_.lea(rsi, ptr[va + reg::kScratch1]);
  as_.mov(Assembler::state64(offsetof(CpuCore, scratch)), rax);
  as_.mov(Assembler::state64(offsetof(CpuCore, scratch) + 8), rbx);
  read_into(rcx, second(inst.d2));
  read_into(rdx, second(inst.d));
  read_into(rax, inst.d);
  read_into(rbx, inst.d2);
  as_.lock();
  as_.cmpxchg16b(ptr[rsi]);
  as_.mov(rcx, rax);
  as_.mov(rbx, Assembler::state64(offsetof(CpuCore, scratch) + 8));
  as_.mov(rax, Assembler::state64(offsetof(CpuCore, scratch)));
  write(inst.d, rcx);
  write(second(inst.d), rdx);
}

void Emitter::emit_exclusive_load(const ir::Inst& inst) {
  const Reg64 va = address(inst);
  translate(va, 1U << inst.size, Access::kRead, true);
  as_.mov(Assembler::state64(offsetof(CpuState, exclusive_va)), va);
  const auto from = va + reg::kScratch1;
  switch (inst.size) {
  case 0: as_.movzx(esi, byte[from]); break;
  case 1: as_.movzx(esi, word[from]); break;
  case 2: as_.mov(esi, dword[from]); break;
  default: as_.mov(rsi, qword[from]); break;
  }
  as_.mov(Assembler::state64(offsetof(CpuState, exclusive_data)), rsi);
  as_.mov(Assembler::state64(offsetof(CpuState, exclusive_data) + 8), 0);
  as_.mov(Assembler::state8(offsetof(CpuState, exclusive_size)), 1 << inst.size);
  write(inst.d, rsi);
}

// Of a store-exclusive: whether a load-exclusive of as much has armed the monitor there.
Emitter::MonitorCheck Emitter::check_monitor(const Reg64& va, int bytes) {
  MonitorCheck check;
  as_.cmp(va, Assembler::state64(offsetof(CpuState, exclusive_va)));
  check.elsewhere = as_.jump_forward(Cc::kNe);
  as_.cmp(Assembler::state8(offsetof(CpuState, exclusive_size)), bytes);
  check.open = as_.jump_forward(Cc::kNe);
  return check;
}

// With the status in rcx, or 1 there if the check failed.
void Emitter::clear_monitor(const MonitorCheck& check) {
  const Fixup done = as_.jump_forward();
  as_.bind(check.elsewhere);
  as_.bind(check.open);
  as_.mov(ecx, 1);
  as_.bind(done);
  as_.mov(Assembler::state8(offsetof(CpuState, exclusive_size)), 0);
}

void Emitter::emit_exclusive_store(const ir::Inst& inst) {
  const Reg64 va = address(inst);
  find_host_address(va, 1U << inst.size, Access::kBoth, true);
  const MonitorCheck check = check_monitor(va, 1 << inst.size);
  read_into(rcx, inst.d2);
  as_.mov(rsi, rax);
  as_.mov(rax, Assembler::state64(offsetof(CpuState, exclusive_data)));
  compare_exchange(inst.size);
  as_.mov(ecx, 0);
  as_.setne(cl);
  as_.mov(rax, rsi);
  clear_monitor(check);
  write(inst.d, rcx);
}

// The halves are read one by one; the store-exclusive compares both at once.
void Emitter::emit_exclusive_load_pair(const ir::Inst& inst) {
  const Reg64 va = address(inst);
  translate(va, 16, Access::kRead, true);
  as_.mov(Assembler::state64(offsetof(CpuState, exclusive_va)), va);
  as_.lea(rsi, ptr[va + reg::kScratch1]);
  as_.mov(rcx, ptr[rsi]);
  as_.mov(rdx, ptr[rsi + 8]);
  as_.mov(Assembler::state64(offsetof(CpuState, exclusive_data)), rcx);
  as_.mov(Assembler::state64(offsetof(CpuState, exclusive_data) + 8), rdx);
  as_.mov(Assembler::state8(offsetof(CpuState, exclusive_size)), 16);
  write(inst.d, rcx);
  write(inst.d2, rdx);
}

// CMPXCHG16B, as in emit_compare_swap_pair().
void Emitter::emit_exclusive_store_pair(const ir::Inst& inst) {
  check_stack(inst);
  const Reg64 va = read(inst.a, reg::kScratch0);
  translate(va, 16, Access::kBoth, true);
  as_.lea(rsi, ptr[va + reg::kScratch1]);
  const MonitorCheck check = check_monitor(va, 16);
  as_.mov(Assembler::state64(offsetof(CpuCore, scratch)), rax);
  as_.mov(Assembler::state64(offsetof(CpuCore, scratch) + 8), rbx);
  read_into(rcx, inst.b);
  read_into(rbx, inst.d2);
  as_.mov(rax, Assembler::state64(offsetof(CpuState, exclusive_data)));
  as_.mov(rdx, Assembler::state64(offsetof(CpuState, exclusive_data) + 8));
  as_.lock();
  as_.cmpxchg16b(ptr[rsi]);
  as_.mov(ecx, 0);
  as_.setne(cl);
  as_.mov(rbx, Assembler::state64(offsetof(CpuCore, scratch) + 8));
  as_.mov(rax, Assembler::state64(offsetof(CpuCore, scratch)));
  clear_monitor(check);
  write(inst.d, rcx);
}

} // namespace softhv::jit
