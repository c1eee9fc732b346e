// SPDX-License-Identifier: Apache-2.0
// Multiplication, division, bit counting and reversal, checksums, conditional operations.
#include <cstddef>

#include "softhv/jit/emitter.h"

namespace softhv::jit {

using ir::Op;
using namespace Xbyak::util; // NOLINT(google-build-using-namespace)

using Xbyak::Reg32e;

void Emitter::emit_multiply(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  switch (inst.op) {
  case Op::kMul: {
    // Through a register: what was just written is at hand there (Forward), not in memory.
    const Reg64 d = target(inst.d, reg::kScratch0);
    const bool b_is_d = in_register(inst.b) && same(host_of(inst.b), d);
    const ir::Reg first = b_is_d ? inst.b : inst.a;
    const ir::Reg second = b_is_d ? inst.a : inst.b;
    read_into(d, first, true);
    const Reg64 b = read(second, reg::kScratch1);
    as_.imul(sized(d, wide), sized(b, wide));
    write(inst.d, d);
    return;
  }
  case Op::kMulLongU:
  case Op::kMulLongS: {
    const ir::Extend extend = inst.op == Op::kMulLongU ? ir::Extend::kUxtw : ir::Extend::kSxtw;
    extend_into(reg::kScratch0, inst.a, extend);
    extend_into(reg::kScratch1, inst.b, extend);
    as_.imul(reg::kScratch0, reg::kScratch1);
    write(inst.d, reg::kScratch0);
    return;
  }
  case Op::kMulHighU:
    if (as_.host.bmi2) {
      read_into(reg::kScratch1, inst.a, true);
      const Reg64 b = read(inst.b, reg::kScratch0);
      const Reg64 d = target(inst.d, reg::kScratch0);
      as_.mulx(d, reg::kScratch0, b);
      write(inst.d, d);
      return;
    }
    [[fallthrough]];
  default: {
    read_into(reg::kScratch0, inst.b, true);
    as_.mov(reg::kScratch2, rax);
    read_into(rax, inst.a, true);
    inst.op == Op::kMulHighU ? as_.mul(reg::kScratch0) : as_.imul(reg::kScratch0);
    as_.mov(rax, reg::kScratch2);
    write(inst.d, rdx);
    return;
  }
  }
}

// By 0 the quotient is 0, and the least number divided by -1 is itself (Arm ARM, SDIV); what is
// left over is the number, and 0.
void Emitter::emit_divide(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  const bool is_signed = inst.op == Op::kDivS;
  as_.mov(reg::kScratch2, rax);
  read_into(reg::kScratch0, inst.b, true);
  read_into(rax, inst.a, true);
  const Reg32e divisor = sized(reg::kScratch0, wide);
  const Reg32e number = sized(rax, wide);
  as_.xor_(edx, edx);
  as_.test(divisor, divisor);
  const Fixup zero = as_.jump_forward(Cc::kE);
  Fixup minus_one = 0;
  if (is_signed) {
    as_.cmp(divisor, -1);
    minus_one = as_.jump_forward(Cc::kE);
    wide ? as_.cqo() : as_.cdq();
    as_.idiv(divisor);
  } else {
    as_.div(divisor);
  }
  const Fixup done = as_.jump_forward();
  Fixup negated = 0;
  if (is_signed) {
    as_.bind(minus_one);
    as_.neg(number);
    negated = as_.jump_forward();
  }
  as_.bind(zero);
  as_.mov(sized(rdx, wide), number);
  as_.xor_(eax, eax);
  if (is_signed)
    as_.bind(negated);
  as_.bind(done);
  as_.mov(reg::kScratch0, rax);
  as_.mov(rax, reg::kScratch2);
  write(inst.d, reg::kScratch0);
  write(inst.d2, rdx);
}

void Emitter::emit_count(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  const unsigned width = wide ? 64 : 32;
  read_into(reg::kScratch0, inst.a, wide);
  const Reg32e value = sized(reg::kScratch0, wide);
  const Reg32e other = sized(reg::kScratch1, wide);
  if (inst.op == Op::kCountSigns) { // zeros above the highest bit that differs from the sign
    as_.mov(other, value);
    as_.sar(other, width - 1);
    as_.xor_(value, other);
    as_.lea(value, ptr[reg::kScratch0 * 2 + 1]); // never 0 now
  }
  if (as_.host.lzcnt) {
    as_.lzcnt(value, value);
  } else {
    as_.mov(edx, 2 * width - 1);
    as_.bsr(value, value);
    as_.cmove(value, other);
    as_.xor_(ecx, width - 1);
  }
  write(inst.d, reg::kScratch0);
}

void Emitter::emit_reverse_bits(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  read_into(reg::kScratch0, inst.a, wide);
  const Reg32e value = sized(reg::kScratch0, wide);
  const Reg32e high = sized(reg::kScratch1, wide);
  const Reg32e mask = sized(reg::kScratch2, wide);
  as_.bswap(value);
  const auto swap_groups = [&](unsigned bits, u64 pattern) {
    load_constant(reg::kScratch2, wide ? pattern : static_cast<u32>(pattern));
    as_.mov(high, value);
    as_.shr(high, bits);
    as_.and_(high, mask);
    as_.and_(value, mask);
    as_.shl(value, bits);
    as_.or_(value, high);
  };
  swap_groups(4, 0x0f0f'0f0f'0f0f'0f0f);
  swap_groups(2, 0x3333'3333'3333'3333);
  swap_groups(1, 0x5555'5555'5555'5555);
  write(inst.d, reg::kScratch0);
}

void Emitter::emit_reverse(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  read_into(reg::kScratch0, inst.a, wide);
  const Reg32e value = sized(reg::kScratch0, wide);
  if (inst.shift == 64 || (inst.shift == 32 && !wide)) {
    as_.bswap(value);
  } else if (inst.shift == 32) { // in each half
    as_.bswap(value);
    as_.rol(value, 32);
  } else {
    const Reg32e high = sized(reg::kScratch1, wide);
    load_constant(reg::kScratch2, wide ? 0x00ff'00ff'00ff'00ff : 0x00ff'00ff);
    as_.mov(high, value);
    as_.shr(high, 8);
    as_.and_(high, sized(reg::kScratch2, wide));
    as_.and_(value, sized(reg::kScratch2, wide));
    as_.shl(value, 8);
    as_.or_(value, high);
  }
  write(inst.d, reg::kScratch0);
}

// SSE4.2 has the polynomial of CRC32C.
void Emitter::emit_crc32c(const ir::Inst& inst) {
  read_into(reg::kScratch0, inst.a, false);
  const Reg64 b = read(inst.b, reg::kScratch1);
  switch (inst.size) {
  case 0: as_.crc32(ecx, b.cvt8()); break;
  case 1: as_.crc32(ecx, b.cvt16()); break;
  case 2: as_.crc32(ecx, b.cvt32()); break;
  default: as_.crc32(rcx, b); break;
  }
  write(inst.d, reg::kScratch0);
}

void Emitter::emit_crc32(const ir::Inst& inst) {
  emit_interpret(inst);
}

void Emitter::emit_select(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  const bool always = inst.cond >= 14;
  if (inst.d == kRegSink)
    return;
  if (always) {
    read_into(reg::kScratch0, inst.a, wide);
    write(inst.d, reg::kScratch0);
    return;
  }
  const Cc cc = condition(inst.cond);
  const auto move_if = [&](Cc when, const Reg32e& to, const Xbyak::Operand& from) {
    const int code = static_cast<int>(when);
    switch (code) {
    case 0: as_.cmovo(to, from); break;
    case 1: as_.cmovno(to, from); break;
    case 2: as_.cmovb(to, from); break;
    case 3: as_.cmovae(to, from); break;
    case 4: as_.cmove(to, from); break;
    case 5: as_.cmovne(to, from); break;
    case 6: as_.cmovbe(to, from); break;
    case 7: as_.cmova(to, from); break;
    case 8: as_.cmovs(to, from); break;
    case 9: as_.cmovns(to, from); break;
    case 12: as_.cmovl(to, from); break;
    case 13: as_.cmovge(to, from); break;
    case 14: as_.cmovle(to, from); break;
    default: as_.cmovg(to, from); break;
    }
  };
  // kScratch0 = what b becomes
  if (inst.op == Op::kSelectInc && inst.a == kRegZero && inst.b == kRegZero) { // CSET
    as_.mov(ecx, 0);
    as_.mov(edx, 1);
    move_if(invert(cc), ecx, edx);
    write(inst.d, reg::kScratch0);
    return;
  }
  read_into(reg::kScratch0, inst.b, wide);
  switch (inst.op) {
  case Op::kSelectInc: as_.lea(sized(reg::kScratch0, wide), at(rcx, 1)); break;
  case Op::kSelectInvert: as_.not_(sized(reg::kScratch0, wide)); break;
  case Op::kSelectNegate:
    as_.not_(sized(reg::kScratch0, wide));
    as_.lea(sized(reg::kScratch0, wide), at(rcx, 1));
    break;
  default: break;
  }
  if (in_register(inst.a) || inst.a == kRegZero)
    move_if(cc, sized(reg::kScratch0, wide), sized(read(inst.a, reg::kScratch1), wide));
  else
    move_if(cc, sized(reg::kScratch0, wide), memory_of(inst.a, wide));
  write(inst.d, reg::kScratch0);
}

void Emitter::emit_compare_if(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  const bool negated = inst.op == Op::kCompareNegatedIf;
  // NZCV in reg::kFlags' format.
  const u32 otherwise = static_cast<u32>((inst.nzcv & 8) != 0) << 15 |
                        static_cast<u32>((inst.nzcv & 4) != 0) << 14 |
                        static_cast<u32>((inst.nzcv & 2) == 0) << 8 | (inst.nzcv & 1U);
  Fixup no = 0;
  const bool always = inst.cond >= 14;
  if (!always)
    no = as_.jump_forward(invert(condition(inst.cond)));
  read_into(reg::kScratch0, inst.a, true);
  Reg64 b = reg::kScratch1;
  if (inst.b == ir::kNone)
    as_.mov(edx, static_cast<u32>(inst.imm));
  else
    b = read(inst.b, reg::kScratch1);
  if (negated) {
    as_.add(sized(reg::kScratch0, wide), sized(b, wide));
    as_.cmc();
  } else {
    as_.cmp(sized(reg::kScratch0, wide), sized(b, wide));
  }
  if (inst.has(ir::kFlagsLive)) {
    as_.lahf();
    as_.seto(al);
  }
  if (!always) {
    const Fixup done = as_.jump_forward();
    as_.bind(no);
    as_.mov(as_.as_flags(reg::kFlags), otherwise);
    as_.cmp(al, 0x81);
    as_.sahf();
    as_.bind(done);
  }
  host_flags_ = HostFlags::kBorrow;
}

void Emitter::emit_read_flags(const ir::Inst& inst) {
  if (host_flags_ != HostFlags::kNothing) {
    if (host_flags_ != HostFlags::kBorrow)
      as_.cmc();
    as_.lahf();
    as_.seto(al);
  }
  as_.mov(ecx, eax);
  as_.and_(ecx, 0xc000);
  as_.shl(ecx, 16);
  as_.mov(edx, eax);
  as_.and_(edx, 1);
  as_.shl(edx, 28);
  as_.or_(ecx, edx);
  as_.mov(edx, eax);
  as_.not_(edx);
  as_.and_(edx, 0x100);
  as_.shl(edx, 21);
  as_.or_(ecx, edx);
  write(inst.d, reg::kScratch0);
}

void Emitter::emit_write_flags(const ir::Inst& inst) {
  read_into(reg::kScratch0, inst.a, false);
  as_.mov(esi, ecx);
  as_.shr(esi, 16);
  as_.and_(esi, 0xc000);
  as_.mov(edx, ecx);
  as_.not_(edx);
  as_.shr(edx, 21);
  as_.and_(edx, 0x100);
  as_.or_(esi, edx);
  as_.shr(ecx, 28);
  as_.and_(ecx, 1);
  as_.or_(esi, ecx);
  as_.mov(as_.as_flags(reg::kFlags), as_.as_flags(reg::kScratch2));
  host_flags_ = HostFlags::kNothing;
}

} // namespace softhv::jit
