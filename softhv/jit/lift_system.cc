// SPDX-License-Identifier: Apache-2.0
// System registers that are plain storage or simple to compute, hints and barriers (Arm ARM
// C4.1.66). All else there is interpreted.
#include <cstddef>

#include "arch/bits.h"
#include "softhv/jit/lift.h"
#include "softhv/system/id_profile.h"
#include "softhv/system/sysreg.h"

namespace softhv::jit {
namespace {

using isa::InstId;
using kindling::arch::bits;
using Op = ir::Op;

constexpr u32 kDaif = 3U << 14 | 3U << 11 | 4U << 7 | 2U << 3 | 1;
constexpr u32 kSpsrEl1 = 3U << 14 | 4U << 7;         // op0 3, op1 0, CRn 4, CRm 0, op2 0
constexpr u32 kSpEl0 = 3U << 14 | 4U << 7 | 1U << 3; // op0 3, op1 0, CRn 4, CRm 1, op2 0

i64 offset_of(u64 SystemRegisters::*field) {
  static const SystemRegisters registers{};
  return static_cast<i64>(offsetof(CpuState, sys)) +
         (reinterpret_cast<const u8*>(&(registers.*field)) -
          reinterpret_cast<const u8*>(&registers));
}

// Where the register is stored, or -1 when an access is more than that of memory.
i64 storage(const Lift& l, bool write) {
  const auto encoding = static_cast<u32>(bits(l.word, 20, 5));
  if (encoding == kSpEl0 && l.mode.el == 1 && !l.mode.sp_el0)
    return offsetof(CpuState, sp_el);
  const SystemRegister* reg = find_system_register(encoding);
  if (reg == nullptr || reg->field == nullptr || reg->trap != nullptr || reg->read != nullptr ||
      (reg->access & SystemRegister::kDebug) != 0)
    return -1;
  if (write && (reg->write != nullptr || reg->changed != nullptr ||
                (reg->mask != ~0ULL && encoding != kSpsrEl1)))
    return -1;
  const u8 needed = write ? (l.mode.el == 0 ? SystemRegister::kEl0Write : SystemRegister::kEl1Write)
                    : l.mode.el == 0 ? SystemRegister::kEl0Read
                                     : SystemRegister::kEl1Read;
  return (reg->access & needed) != 0 ? offset_of(reg->field) : -1;
}

constexpr u32 kCtrEl0 = 3U << 14 | 3U << 11 | 1;
constexpr u32 kDczidEl0 = 3U << 14 | 3U << 11 | 7;

constexpr u32 kFpsr = 3U << 14 | 3U << 11 | 4U << 7 | 4U << 3 | 1;

// What the guest reads at EL1 of registers that never change.
bool constant_of(u32 encoding, u64& value) {
  if (encoding == kCtrEl0)
    value = id::kCtr;
  else if (encoding == kDczidEl0)
    value = id::kDczid;
  else
    return false;
  return true;
}

// At EL0 bit 4, DZP, is the inverse of SCTLR_EL1.DZE. C libraries look before they clear memory.
void read_dczid_at_el0(Lift& l) {
  constexpr unsigned kDze = 14;
  constexpr unsigned kDzp = 4;
  l.add_wide(Op::kSysRead, ir::kTemp0, ir::kNone, ir::kNone,
             offset_of(&SystemRegisters::sctlr_el1));
  l.add_wide(Op::kShr, ir::kTemp0, ir::kTemp0, ir::kNone, kDze - kDzp);
  l.add_wide(Op::kAnd, ir::kTemp0, ir::kTemp0, ir::kNone, 1 << kDzp);
  l.add_wide(Op::kXor, l.o.rd, ir::kTemp0, ir::kNone, id::kDczid | 1 << kDzp);
}

bool mrs(Lift& l) {
  const auto encoding = static_cast<u32>(bits(l.word, 20, 5));
  u64 value;
  if (l.mode.el == 1 && constant_of(encoding, value)) {
    l.add_wide(Op::kMove, l.o.rd, ir::kNone, ir::kNone, static_cast<i64>(value));
    return true;
  }
  if (l.mode.el == 0 && encoding == kDczidEl0) {
    read_dczid_at_el0(l);
    return true;
  }
  if (l.mode.el == 1 && encoding == kDaif) {
    l.add_wide(Op::kSysRead, l.o.rd, ir::kNone, ir::kNone, offsetof(CpuState, pstate.daif)).flags =
        0;
    return true;
  }
  const i64 offset = storage(l, false);
  if (offset < 0)
    return false;
  l.add_wide(Op::kSysRead, l.o.rd, ir::kNone, ir::kNone, offset);
  return true;
}

bool msr(Lift& l) {
  if (bits(l.word, 20, 5) == kFpsr && !l.mode.fp_trapped) {
    l.add_wide(Op::kWriteFpsr, kRegSink, l.o.rd, ir::kNone);
    return true;
  }
  if (l.mode.el == 1 && bits(l.word, 20, 5) == kDaif) {
    l.add_wide(Op::kWriteDaif, kRegSink, l.o.rd, ir::kNone);
    return true;
  }
  const i64 offset = storage(l, true);
  if (offset < 0)
    return false;
  ir::Reg from = l.o.rd;
  if (bits(l.word, 20, 5) == kSpsrEl1) { // whose other bits are never set
    from = ir::kTemp0;
    l.add_wide(Op::kAnd, from, l.o.rd, ir::kNone,
               static_cast<i64>(find_system_register(kSpsrEl1)->mask));
  }
  l.add_wide(Op::kSysWrite, kRegSink, from, ir::kNone, offset);
  return true;
}

bool read_flags(Lift& l) {
  l.add_wide(Op::kReadFlags, l.o.rd, ir::kNone, ir::kNone);
  return true;
}

bool write_flags(Lift& l) {
  l.add_wide(Op::kWriteFlags, kRegSink, l.o.rd, ir::kNone).flags |= ir::kSetsFlags;
  return true;
}

bool read_fpcr(Lift& l) {
  l.add_wide(Op::kSysRead, l.o.rd, ir::kNone, ir::kNone, offsetof(CpuState, fpcr)).flags = 0;
  return true;
}

bool read_fpsr(Lift& l) {
  l.add_wide(Op::kReadFpsr, l.o.rd, ir::kNone, ir::kNone);
  return true;
}

bool nothing(Lift& /*l*/) {
  return true;
}

// The host orders everything but a store before a load by itself.
bool dmb(Lift& l) {
  const u64 types = bits(l.word, 9, 8); // 1: loads, 2: stores, 3: all
  if (types == 3 || types == 0)
    l.add_wide(Op::kBarrier, kRegSink, ir::kNone, ir::kNone);
  return true;
}

bool dsb(Lift& l) {
  l.add_wide(Op::kCompleteBarrier, kRegSink, ir::kNone, ir::kNone);
  return true;
}

bool isb(Lift& l) {
  l.add_wide(Op::kSynchronize, kRegSink, ir::kNone, ir::kNone, l.offset() + 4);
  return true;
}

// DAIFSet and DAIFClr.
template <Op kOp>
bool change_masks(Lift& l) {
  if (l.mode.el == 0)
    return false;
  l.add_wide(kOp, kRegSink, ir::kNone, ir::kNone, static_cast<i64>(l.o.imm << 6));
  return true;
}

// SYS: at EL1, where none is trapped, and DC ZVA.
bool sys(Lift& l) {
  constexpr u64 kDcZva = 3U << 11 | 7U << 7 | 4U << 3 | 1;
  const auto add = [&](Op op) { l.add_wide(op, kRegSink, l.o.rd, ir::kNone); };
  const u64 which = bits(l.word, 18, 5);
  if (l.mode.el == 0 && which != kDcZva)
    return false;
  switch (which) {
  case kDcZva: add(Op::kZeroBlock); return true;
  case 3U << 11 | 7U << 7 | 10U << 3 | 1:                                       // DC CVAC
  case 3U << 11 | 7U << 7 | 11U << 3 | 1:                                       // DC CVAU
  case 3U << 11 | 7U << 7 | 14U << 3 | 1: add(Op::kCacheCheck); return true;    // DC CIVAC
  case 3U << 11 | 7U << 7 | 5U << 3 | 1: add(Op::kCodeCacheCheck); return true; // IC IVAU
  default: return false;
  }
}

constexpr LiftRow kRows[] = {
    {InstId::kMrs, mrs},
    {InstId::kMsr, msr},
    {InstId::kMrsNzcv, read_flags},
    {InstId::kMrsFpcr, read_fpcr},
    {InstId::kMrsFpsr, read_fpsr},
    {InstId::kMsrNzcv, write_flags},
    {InstId::kHint, nothing},
    {InstId::kDmb, dmb},
    {InstId::kDsb, dsb},
    {InstId::kIsb, isb},
    {InstId::kMsrDaifSet, change_masks<Op::kMaskInterrupts>},
    {InstId::kMsrDaifClr, change_masks<Op::kUnmaskInterrupts>},
    {InstId::kSys, sys},
};

} // namespace

std::span<const LiftRow> system_rows() {
  return kRows;
}

} // namespace softhv::jit
