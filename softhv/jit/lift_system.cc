// SPDX-License-Identifier: Apache-2.0
// System registers that are plain storage, hints and barriers (Arm ARM C4.1.66). All else there is
// interpreted.
#include <cstddef>

#include "arch/bits.h"
#include "softhv/jit/lift.h"
#include "softhv/system/sysreg.h"

namespace softhv::jit {
namespace {

using isa::InstId;
using kindling::arch::bits;
using Op = ir::Op;

constexpr u32 kSpEl0 = 3U << 14 | 4U << 7 | 1U << 3; // op0 3, op1 0, CRn 4, CRm 1, op2 0

i64 offset_of(u64 SystemRegisters::*field) {
  const CpuState* state = nullptr;
  return static_cast<i64>(reinterpret_cast<intptr_t>(&(state->sys.*field)));
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
  if (write && (reg->write != nullptr || reg->changed != nullptr || reg->mask != ~0ULL))
    return -1;
  const u8 needed = write ? (l.mode.el == 0 ? SystemRegister::kEl0Write : SystemRegister::kEl1Write)
                    : l.mode.el == 0 ? SystemRegister::kEl0Read
                                     : SystemRegister::kEl1Read;
  return (reg->access & needed) != 0 ? offset_of(reg->field) : -1;
}

bool mrs(Lift& l) {
  const i64 offset = storage(l, false);
  if (offset < 0)
    return false;
  l.add_wide(Op::kSysRead, l.o.rd, ir::kNone, ir::kNone, offset);
  return true;
}

bool msr(Lift& l) {
  const i64 offset = storage(l, true);
  if (offset < 0)
    return false;
  l.add_wide(Op::kSysWrite, kRegSink, l.o.rd, ir::kNone, offset);
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

constexpr LiftRow kRows[] = {
    {InstId::kMrs, mrs},
    {InstId::kMsr, msr},
    {InstId::kMrsNzcv, read_flags},
    {InstId::kMsrNzcv, write_flags},
    {InstId::kHint, nothing},
    {InstId::kDmb, dmb},
};

} // namespace

std::span<const LiftRow> system_rows() {
  return kRows;
}

} // namespace softhv::jit
