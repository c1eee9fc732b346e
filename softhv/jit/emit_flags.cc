// SPDX-License-Identifier: Apache-2.0
// NZCV: in the host's flags while they last, in reg::kFlags when somebody else may look.
#include "softhv/jit/emitter.h"

namespace softhv::jit {

using namespace Xbyak::util; // NOLINT(google-build-using-namespace)

// The host's flags hold what `inst` sets NZCV to, as `now` says.
void Emitter::set_flags(const ir::Inst& inst, HostFlags now) {
  host_flags_ = now;
  if (!inst.has(ir::kFlagsLive))
    return;
  if (now != HostFlags::kBorrow)
    as_.cmc();
  as_.lahf();
  as_.seto(al);
  host_flags_ = HostFlags::kBorrow;
}

// From reg::kFlags to the host's flags: AL + 127 overflows when AL is 1.
void Emitter::restore_flags() {
  if (host_flags_ != HostFlags::kNothing)
    return;
  as_.cmp(al, 0x81);
  as_.sahf();
  host_flags_ = HostFlags::kBorrow;
}

// Arm ARM C1.2.4: the condition, not AL or NV, as a test of the host's flags.
Cc Emitter::condition(u8 cond) {
  restore_flags();
  enum : u8 { kEq, kHs = 1, kMi, kVs, kHi, kGe, kGt };
  const u8 base = cond >> 1;
  const bool uses_carry = base == kHs || base == kHi;
  if (uses_carry &&
      (host_flags_ == HostFlags::kLogic || (host_flags_ == HostFlags::kCarry && base == kHi))) {
    as_.cmc();
    host_flags_ = HostFlags::kBorrow;
  }
  Cc cc{};
  switch (base) {
  case kEq: cc = Cc::kE; break;
  case kHs: cc = host_flags_ == HostFlags::kCarry ? Cc::kB : Cc::kAe; break;
  case kMi: cc = Cc::kS; break;
  case kVs: cc = Cc::kO; break;
  case kHi: cc = Cc::kA; break;
  case kGe: cc = Cc::kGe; break;
  default: cc = Cc::kG; break;
  }
  return (cond & 1) != 0 ? invert(cc) : cc;
}

} // namespace softhv::jit
