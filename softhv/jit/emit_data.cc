// SPDX-License-Identifier: Apache-2.0
// Moves, sums, logic, shifts and bit fields.
#include <cstddef>
#include <limits>

#include "softhv/jit/emitter.h"
#include "softhv/jit/passes.h"

namespace softhv::jit {

using ir::Op;
using namespace Xbyak::util; // NOLINT(google-build-using-namespace)

namespace {

using Xbyak::Reg32e;
using Xbyak::Reg64;

bool fits_i32(i64 imm) {
  return imm >= std::numeric_limits<i32>::min() && imm <= std::numeric_limits<i32>::max();
}

// An immediate as the x86 instruction takes it: of a 32-bit operation only the low half matters.
bool as_i32(i64 imm, bool wide, u32& out) {
  if (!wide)
    imm = static_cast<i32>(imm);
  out = static_cast<u32>(imm);
  return fits_i32(imm);
}

} // namespace

void Emitter::emit_move(const ir::Inst& inst) {
  const Reg64 d = target(inst.d, reg::kScratch0);
  if (inst.a == ir::kNone) {
    if (inst.d == kRegSink)
      return;
    if (!in_register(inst.d) && fits_i32(inst.imm)) {
      as_.mov(memory_of(inst.d, true), static_cast<int>(inst.imm));
      return;
    }
    load_constant(d, static_cast<u64>(inst.imm));
  } else {
    if (inst.has(ir::kWide) && in_register(inst.a)) {
      write(inst.d, host_of(inst.a));
      return;
    }
    read_into(d, inst.a, inst.has(ir::kWide));
  }
  write(inst.d, d);
}

void Emitter::emit_page_of(const ir::Inst& inst) {
  const Reg64 d = target(inst.d, reg::kScratch0);
  if (fits_i32(inst.imm)) {
    as_.mov(d, Assembler::state64(offsetof(CpuCore, code_page)));
    as_.lea(d, at(d, static_cast<int>(inst.imm)));
  } else {
    load_constant(reg::kScratch1, static_cast<u64>(inst.imm));
    as_.mov(d, Assembler::state64(offsetof(CpuCore, code_page)));
    as_.lea(d, at(d, reg::kScratch1));
  }
  write(inst.d, d);
}

// Sums that set no flags are LEAs, which leave the host's alone.
void Emitter::emit_add_sub(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  const bool flags = inst.has(ir::kFlagsLive) || inst.has(ir::kFlagsReach);
  const bool subtract = inst.op == Op::kSub;
  if (flags && inst.d == kRegSink && subtract) {
    emit_compare(inst);
    return;
  }
  const Reg64 d = target(inst.d, reg::kScratch0);
  u32 imm;
  if (inst.b == ir::kNone && !flags && fits_i32(inst.imm)) {
    const Reg64 a = read(inst.a, reg::kScratch0);
    const int offset = static_cast<int>(subtract ? -inst.imm : inst.imm);
    if (offset == 0)
      as_.mov(sized(d, wide), sized(a, wide));
    else
      as_.lea(sized(d, wide), at(a, offset));
  } else if (!flags && !subtract && inst.b != ir::kNone) {
    const Reg64 a = read(inst.a, reg::kScratch0);
    if (inst.b == kRegZero) {
      as_.mov(sized(d, wide), sized(a, wide));
    } else if (in_register(inst.b)) {
      as_.lea(sized(d, wide), at(a, host_of(inst.b)));
    } else if (same(d, a)) {
      as_.add(sized(d, wide), memory_of(inst.b, wide));
    } else {
      as_.mov(sized(d, wide), memory_of(inst.b, wide));
      as_.add(sized(d, wide), sized(a, wide));
    }
  } else {
    // d = a op b, with b safe from the copy of a.
    const bool b_is_d = inst.b != ir::kNone && in_register(inst.b) && same(host_of(inst.b), d);
    const bool a_is_d = in_register(inst.a) && same(host_of(inst.a), d);
    const Reg64 result = b_is_d && !a_is_d ? reg::kScratch0 : d;
    read_into(result, inst.a, true);
    if (inst.b == ir::kNone && as_i32(inst.imm, wide, imm)) {
      subtract ? as_.sub(sized(result, wide), imm) : as_.add(sized(result, wide), imm);
    } else if (inst.b == ir::kNone) {
      load_constant(reg::kScratch1, static_cast<u64>(inst.imm));
      subtract ? as_.sub(sized(result, wide), sized(reg::kScratch1, wide))
               : as_.add(sized(result, wide), sized(reg::kScratch1, wide));
    } else if (inst.b == kRegZero) {
      subtract ? as_.sub(sized(result, wide), 0) : as_.add(sized(result, wide), 0);
    } else if (in_register(inst.b)) {
      subtract ? as_.sub(sized(result, wide), sized(host_of(inst.b), wide))
               : as_.add(sized(result, wide), sized(host_of(inst.b), wide));
    } else {
      subtract ? as_.sub(sized(result, wide), memory_of(inst.b, wide))
               : as_.add(sized(result, wide), memory_of(inst.b, wide));
    }
    if (flags)
      set_flags(inst, subtract ? HostFlags::kBorrow : HostFlags::kCarry);
    else
      host_flags_ = HostFlags::kNothing;
    write(inst.d, result);
    return;
  }
  if (inst.has(ir::kSetsFlags) || !keeps_host_flags(inst))
    host_flags_ = HostFlags::kNothing;
  write(inst.d, d);
}

// CMP
void Emitter::emit_compare(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  u32 imm;
  if (inst.b == kRegZero || (inst.b == ir::kNone && inst.imm == 0)) {
    const Reg64 a = read(inst.a, reg::kScratch0);
    as_.cmp(sized(a, wide), 0);
  } else if (inst.b == ir::kNone && as_i32(inst.imm, wide, imm)) {
    if (in_register(inst.a) || inst.a == kRegZero)
      as_.cmp(sized(read(inst.a, reg::kScratch0), wide), imm);
    else
      as_.cmp(memory_of(inst.a, wide), imm);
  } else if (inst.b == ir::kNone) {
    load_constant(reg::kScratch1, static_cast<u64>(inst.imm));
    as_.cmp(sized(read(inst.a, reg::kScratch0), wide), sized(reg::kScratch1, wide));
  } else {
    const Reg64 a = read(inst.a, reg::kScratch0);
    if (in_register(inst.b))
      as_.cmp(sized(a, wide), sized(host_of(inst.b), wide));
    else
      as_.cmp(sized(a, wide), memory_of(inst.b, wide));
  }
  set_flags(inst, HostFlags::kBorrow);
}

void Emitter::emit_carry(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  const bool subtract = inst.op == Op::kSbc;
  restore_flags();
  // ADC takes the carry, SBB the borrow, which is no carry.
  const bool is_borrow = host_flags_ == HostFlags::kBorrow;
  if (subtract ? !is_borrow : is_borrow)
    as_.cmc();
  read_into(reg::kScratch0, inst.a, true);
  const Reg64 b =
      inst.b == kRegZero ? read(kRegZero, reg::kScratch1) : read(inst.b, reg::kScratch1);
  if (subtract)
    as_.sbb(sized(reg::kScratch0, wide), sized(b, wide));
  else
    as_.adc(sized(reg::kScratch0, wide), sized(b, wide));
  if (inst.has(ir::kFlagsLive) || inst.has(ir::kFlagsReach))
    set_flags(inst, subtract ? HostFlags::kBorrow : HostFlags::kCarry);
  else
    host_flags_ = HostFlags::kNothing;
  write(inst.d, reg::kScratch0);
}

void Emitter::emit_logic(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  const bool flags = inst.has(ir::kFlagsLive) || inst.has(ir::kFlagsReach);
  const bool inverts = inst.op == Op::kAndNot || inst.op == Op::kOrNot || inst.op == Op::kXorNot;
  const Op op = inst.op == Op::kAndNot   ? Op::kAnd
                : inst.op == Op::kOrNot  ? Op::kOr
                : inst.op == Op::kXorNot ? Op::kXor
                                         : inst.op;
  const auto apply = [&](const Reg32e& to, const auto& by) {
    switch (op) {
    case Op::kAnd: as_.and_(to, by); break;
    case Op::kOr: as_.or_(to, by); break;
    default: as_.xor_(to, by); break;
    }
  };
  u32 imm;
  const bool a_in = in_register(inst.a);
  if (flags && inst.d == kRegSink && !inverts && a_in && inst.b == ir::kNone &&
      as_i32(inst.imm, wide, imm)) {
    as_.test(sized(host_of(inst.a), wide), imm);
    set_flags(inst, HostFlags::kLogic);
    return;
  }
  if (flags && inst.d == kRegSink && !inverts && a_in && inst.b != ir::kNone &&
      in_register(inst.b)) {
    as_.test(sized(host_of(inst.a), wide), sized(host_of(inst.b), wide));
    set_flags(inst, HostFlags::kLogic);
    return;
  }
  const Reg64 d = target(inst.d, reg::kScratch0);
  const bool b_is_d = inst.b != ir::kNone && in_register(inst.b) && same(host_of(inst.b), d);
  const Reg64 result = b_is_d && !(a_in && same(host_of(inst.a), d)) ? reg::kScratch0 : d;
  if (inst.op == Op::kAndNot && as_.host.bmi1 && inst.b != ir::kNone) {
    const Reg64 a = read(inst.a, reg::kScratch0);
    const Reg64 b = read(inst.b, reg::kScratch1);
    as_.andn(sized(d, wide), sized(b, wide), sized(a, wide));
    if (flags)
      set_flags(inst, HostFlags::kLogic);
    else
      host_flags_ = HostFlags::kNothing;
    write(inst.d, d);
    return;
  }
  if (inverts) { // b is a register
    read_into(reg::kScratch1, inst.b, true);
    as_.not_(sized(reg::kScratch1, wide));
    if (inst.a == kRegZero && op == Op::kOr) { // MVN
      host_flags_ = HostFlags::kNothing;
      write(inst.d, reg::kScratch1);
      return;
    }
    read_into(result, inst.a, true);
    apply(sized(result, wide), sized(reg::kScratch1, wide));
  } else {
    read_into(result, inst.a, true);
    if (inst.b == ir::kNone && as_i32(inst.imm, wide, imm)) {
      apply(sized(result, wide), imm);
    } else if (inst.b == ir::kNone) {
      if (op == Op::kAnd && static_cast<u64>(inst.imm) == static_cast<u32>(inst.imm) && !flags) {
        as_.and_(result.cvt32(), static_cast<u32>(inst.imm));
      } else {
        load_constant(reg::kScratch1, static_cast<u64>(inst.imm));
        apply(sized(result, wide), sized(reg::kScratch1, wide));
      }
    } else if (inst.b == kRegZero) {
      apply(sized(result, wide), 0U);
    } else if (in_register(inst.b)) {
      apply(sized(result, wide), sized(host_of(inst.b), wide));
    } else {
      apply(sized(result, wide), memory_of(inst.b, wide));
    }
  }
  if (flags)
    set_flags(inst, HostFlags::kLogic);
  else
    host_flags_ = HostFlags::kNothing;
  write(inst.d, result);
}

void Emitter::emit_shift(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  const Reg64 d = target(inst.d, reg::kScratch0);
  if (inst.b == ir::kNone) {
    const auto amount = static_cast<u8>(inst.imm);
    if (inst.op == Op::kRor && as_.host.bmi2) {
      as_.rorx(sized(d, wide), sized(read(inst.a, reg::kScratch0), wide), amount);
      write(inst.d, d);
      return;
    }
    read_into(d, inst.a, true);
    if (amount == 0 && !wide)
      as_.mov(d.cvt32(), d.cvt32());
    switch (inst.op) {
    case Op::kShl: as_.shl(sized(d, wide), amount); break;
    case Op::kShr: as_.shr(sized(d, wide), amount); break;
    case Op::kSar: as_.sar(sized(d, wide), amount); break;
    default: as_.ror(sized(d, wide), amount); break;
    }
    write(inst.d, d);
    return;
  }
  if (as_.host.bmi2 && inst.op != Op::kRor) {
    const Reg64 b = read(inst.b, reg::kScratch0);
    const Reg64 a = read(inst.a, reg::kScratch1);
    switch (inst.op) {
    case Op::kShl: as_.shlx(sized(d, wide), sized(a, wide), sized(b, wide)); break;
    case Op::kShr: as_.shrx(sized(d, wide), sized(a, wide), sized(b, wide)); break;
    default: as_.sarx(sized(d, wide), sized(a, wide), sized(b, wide)); break;
    }
    write(inst.d, d);
    return;
  }
  read_into(reg::kScratch0, inst.b, true); // CL
  read_into(reg::kScratch1, inst.a, true);
  const Reg32e value = sized(reg::kScratch1, wide);
  if (!wide)
    as_.mov(edx, edx); // shifts by 0 too
  switch (inst.op) {
  case Op::kShl: as_.shl(value, cl); break;
  case Op::kShr: as_.shr(value, cl); break;
  case Op::kSar: as_.sar(value, cl); break;
  default: as_.ror(value, cl); break;
  }
  write(inst.d, reg::kScratch1);
}

void Emitter::emit_extract(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  read_into(reg::kScratch0, inst.b, true);
  const Reg64 a = read(inst.a, reg::kScratch1);
  if (!wide)
    as_.mov(ecx, ecx);
  as_.shrd(sized(reg::kScratch0, wide), sized(a, wide), static_cast<u8>(inst.imm));
  write(inst.d, reg::kScratch0);
}

// to = the register, extended (Arm ARM, ExtendReg without its shift).
void Emitter::extend_into(const Reg64& to, ir::Reg r, ir::Extend extend) {
  const Reg64 a = read(r, to);
  switch (extend) {
  case ir::Extend::kUxtb: as_.movzx(to.cvt32(), a.cvt8()); break;
  case ir::Extend::kUxth: as_.movzx(to.cvt32(), a.cvt16()); break;
  case ir::Extend::kUxtw: as_.mov(to.cvt32(), a.cvt32()); break;
  case ir::Extend::kSxtb: as_.movsx(to, a.cvt8()); break;
  case ir::Extend::kSxth: as_.movsx(to, a.cvt16()); break;
  case ir::Extend::kSxtw: as_.movsxd(to, a.cvt32()); break;
  default:
    if (!same(to, a))
      as_.mov(to, a);
    break;
  }
}

void Emitter::emit_extend(const ir::Inst& inst) {
  const Reg64 d = target(inst.d, reg::kScratch0);
  extend_into(d, inst.a, inst.extend);
  if (inst.imm != 0)
    as_.shl(d, static_cast<int>(inst.imm));
  if (!inst.has(ir::kWide))
    as_.mov(d.cvt32(), d.cvt32());
  write(inst.d, d);
}

void Emitter::emit_bitfield(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  const unsigned width = wide ? 64 : 32;
  const unsigned length = inst.shift;
  const auto lsb = static_cast<unsigned>(inst.imm);
  const Reg64 d = target(inst.d, reg::kScratch0);
  const bool is_signed = inst.op == Op::kSbfx || inst.op == Op::kSbfiz;
  const bool inserts = inst.op == Op::kUbfiz || inst.op == Op::kSbfiz;
  const Reg32e out = sized(d, wide);
  if (lsb == 0 && (length == 8 || length == 16 || length == 32)) {
    const Reg64 a = read(inst.a, reg::kScratch0);
    if (length == 8)
      is_signed ? as_.movsx(out, a.cvt8()) : as_.movzx(d.cvt32(), a.cvt8());
    else if (length == 16)
      is_signed ? as_.movsx(out, a.cvt16()) : as_.movzx(d.cvt32(), a.cvt16());
    else if (is_signed && wide)
      as_.movsxd(d, a.cvt32());
    else
      as_.mov(d.cvt32(), a.cvt32());
  } else if (inserts && lsb + length == width) { // a shift to the left
    read_into(d, inst.a, true);
    as_.shl(out, lsb);
  } else if (!inserts && lsb + length == width) { // and to the right
    read_into(d, inst.a, true);
    is_signed ? as_.sar(out, lsb) : as_.shr(out, lsb);
  } else if (!is_signed && length < 32) { // shift and mask
    const u32 mask = (1U << length) - 1;
    if (inserts) {
      read_into(d, inst.a, true);
      as_.and_(d.cvt32(), mask);
      as_.shl(out, lsb);
    } else {
      read_into(d, inst.a, wide);
      if (lsb != 0)
        as_.shr(out, lsb);
      as_.and_(d.cvt32(), mask);
    }
  } else {
    read_into(d, inst.a, true);
    const unsigned top = width - length; // brings the field's top bit to bit width - 1
    as_.shl(out, inserts ? top : top - lsb);
    const unsigned back = inserts ? top - lsb : top;
    is_signed ? as_.sar(out, back) : as_.shr(out, back);
  }
  write(inst.d, d);
}

void Emitter::emit_insert(const ir::Inst& inst) {
  const bool wide = inst.has(ir::kWide);
  const unsigned width = wide ? 64 : 32;
  const auto lsb = static_cast<unsigned>(inst.imm);
  const u64 ones = ~0ULL >> (64 - inst.shift);
  const bool low = inst.op == Op::kInsertLow;
  const u64 mask = low ? ones : ones << lsb;
  const u64 all = wide ? ~0ULL : 0xffff'ffffULL;
  // The field in its place.
  read_into(reg::kScratch0, inst.a, wide);
  const Reg32e field = sized(reg::kScratch0, wide);
  if (low) {
    if (lsb + inst.shift < width)
      as_.shl(field, width - lsb - inst.shift);
    if (width != inst.shift)
      as_.shr(field, width - inst.shift);
  } else {
    as_.shl(field, width - inst.shift);
    if (lsb + inst.shift < width)
      as_.shr(field, width - inst.shift - lsb);
  }
  // The rest of the register.
  const Reg64 d = in_register(inst.d) ? host_of(inst.d) : reg::kScratch2;
  read_into(d, inst.d, wide);
  const u64 keep = ~mask & all;
  u32 imm;
  if (as_i32(static_cast<i64>(keep), wide, imm)) {
    as_.and_(sized(d, wide), imm);
  } else {
    load_constant(reg::kScratch1, keep);
    as_.and_(d, reg::kScratch1);
  }
  as_.or_(sized(d, wide), field);
  write(inst.d, d);
}

} // namespace softhv::jit
