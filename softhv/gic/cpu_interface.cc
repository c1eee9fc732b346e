// SPDX-License-Identifier: Apache-2.0
#include "softhv/gic/cpu_interface.h"

#include <algorithm>
#include <bit>

#include "arch/bits.h"
#include "softhv/gic/gic.h"

namespace softhv::gic {
namespace {

// The smallest binary points for 5 bits of preemption priority (IHI0069 12.2.5, 12.2.6).
constexpr u8 kMinBinaryPoint0 = 2;
constexpr u8 kMinBinaryPoint1 = 3;

// ICC_CTLR_EL1.
constexpr u64 kCtlrCbpr = 1 << 0;
constexpr u64 kCtlrEoiMode = 1 << 1;
constexpr u64 kCtlrPriorityBits = 4ULL << 8; // 5 bits
constexpr u64 kCtlrA3v = 1ULL << 15;
constexpr u64 kCtlrRss = 1ULL << 18;

// ICC_SRE_EL1: system registers only, no bypass.
constexpr u64 kSre = 7;

constexpr u32 kIdlePriority = 0x100;

bool is_special(u32 intid) {
  return intid >= 1020;
}

} // namespace

CpuInterface::CpuInterface(Gic& gic, Cpu& cpu, u64 mpidr)
    : gic_(gic), cpu_(cpu), affinity_(route_of_mpidr(mpidr)) {
  const std::lock_guard lock(gic_.mutex_);
  local_.edge = 0xffff; // SGIs
  binary_point_ = {kMinBinaryPoint0, kMinBinaryPoint1};
  gic_.cpus_.push_back(this);
}

CpuInterface::~CpuInterface() {
  const std::lock_guard lock(gic_.mutex_);
  std::erase(gic_.cpus_, this);
  std::ranges::replace(gic_.frames_, this, nullptr);
}

void CpuInterface::reset() {
  const std::lock_guard lock(gic_.mutex_);
  priority_mask_ = 0;
  binary_point_ = {kMinBinaryPoint0, kMinBinaryPoint1};
  group_enable_ = {};
  active_priorities_ = {};
  common_binary_point_ = false;
  eoi_mode_ = false;
  gic_.refresh_all();
}

void CpuInterface::set_affinity(u64 mpidr) {
  const std::lock_guard lock(gic_.mutex_);
  if (affinity_ == route_of_mpidr(mpidr))
    return;
  affinity_ = route_of_mpidr(mpidr);
  std::ranges::replace(gic_.frames_, this, nullptr);
  gic_.refresh_all();
}

void CpuInterface::set_ppi(u32 intid, bool level) {
  const u32 bit = 1U << intid;
  if (((driven_ & bit) != 0) == level)
    return;
  driven_ ^= bit;
  const std::lock_guard lock(gic_.mutex_);
  local_.drive(bit, level);
  gic_.refresh(*this);
}

u8 CpuInterface::group_priority(u8 priority, bool group1) const {
  const u32 low = group1 && !common_binary_point_ ? binary_point_[1] : binary_point_[0] + 1U;
  return static_cast<u8>(priority & (0xffU << low));
}

u32 CpuInterface::running_priority() const {
  const u32 active = active_priorities_[0] | active_priorities_[1];
  return active == 0 ? kIdlePriority : static_cast<u32>(std::countr_zero(active)) << 3;
}

bool CpuInterface::preempts(u8 priority, bool group1) const {
  return priority < priority_mask_ && group_priority(priority, group1) < running_priority();
}

u64 CpuInterface::acknowledge(bool group1) {
  const Gic::Candidate best = gic_.highest_pending(*this);
  if (best.intid == kSpuriousIntid || best.group1 != group1 || !preempts(best.priority, group1))
    return kSpuriousIntid;
  active_priorities_[group1 ? 1 : 0] |= 1U << (group_priority(best.priority, group1) >> 3);
  gic_.acknowledge(*this, best.intid);
  return best.intid;
}

u64 CpuInterface::highest_pending_intid(bool group1) const {
  const Gic::Candidate best = gic_.highest_pending(*this);
  return best.group1 == group1 ? best.intid : kSpuriousIntid;
}

void CpuInterface::end_of_interrupt(bool group1, u32 intid) {
  if (is_special(intid))
    return;
  // Priority drop: the running priority must be one of this group's.
  u32& active = active_priorities_[group1 ? 1 : 0];
  const u32 other = active_priorities_[group1 ? 0 : 1];
  if (active != 0 && (other == 0 || std::countr_zero(active) <= std::countr_zero(other)))
    active &= active - 1;
  if (!eoi_mode_ && gic_.is_group1(*this, intid) == group1)
    gic_.deactivate(*this, intid);
  gic_.refresh(*this);
}

u64 CpuInterface::control() const {
  return kCtlrPriorityBits | kCtlrA3v | kCtlrRss | (common_binary_point_ ? kCtlrCbpr : 0) |
         (eoi_mode_ ? kCtlrEoiMode : 0);
}

u64 CpuInterface::binary_point(bool group1) const {
  if (group1 && common_binary_point_)
    return std::min(binary_point_[0] + 1, 7);
  return binary_point_[group1 ? 1 : 0];
}

void CpuInterface::set_binary_point(bool group1, u64 value) {
  const auto point = static_cast<u8>(value & 7);
  if (!group1)
    binary_point_[0] = std::max(point, kMinBinaryPoint0);
  else if (!common_binary_point_)
    binary_point_[1] = std::max(point, kMinBinaryPoint1);
  gic_.refresh(*this);
}

bool CpuInterface::read(u32 encoding, u64& value) {
  const std::lock_guard lock(gic_.mutex_);
  switch (encoding) {
  case kIccPmrEl1: value = priority_mask_; return true;
  case kIccIar0El1: value = acknowledge(false); return true;
  case kIccIar1El1: value = acknowledge(true); return true;
  case kIccHppir0El1: value = highest_pending_intid(false); return true;
  case kIccHppir1El1: value = highest_pending_intid(true); return true;
  case kIccBpr0El1: value = binary_point(false); return true;
  case kIccBpr1El1: value = binary_point(true); return true;
  case kIccAp0r0El1: value = active_priorities_[0]; return true;
  case kIccAp1r0El1: value = active_priorities_[1]; return true;
  case kIccRprEl1: value = std::min(running_priority(), 0xffU); return true;
  case kIccCtlrEl1: value = control(); return true;
  case kIccSreEl1: value = kSre; return true;
  case kIccIgrpen0El1: value = group_enable_[0] ? 1 : 0; return true;
  case kIccIgrpen1El1: value = group_enable_[1] ? 1 : 0; return true;
  default: return false;
  }
}

bool CpuInterface::write(u32 encoding, u64 value) {
  const std::lock_guard lock(gic_.mutex_);
  const auto intid = static_cast<u32>(bits(value, 23, 0));
  switch (encoding) {
  case kIccPmrEl1: priority_mask_ = value & kPriorityMask; break;
  case kIccEoir0El1: end_of_interrupt(false, intid); return true;
  case kIccEoir1El1: end_of_interrupt(true, intid); return true;
  case kIccDirEl1:
    if (eoi_mode_ && !is_special(intid))
      gic_.deactivate(*this, intid);
    return true;
  case kIccBpr0El1: set_binary_point(false, value); return true;
  case kIccBpr1El1: set_binary_point(true, value); return true;
  case kIccAp0r0El1: active_priorities_[0] = static_cast<u32>(value); break;
  case kIccAp1r0El1: active_priorities_[1] = static_cast<u32>(value); break;
  case kIccCtlrEl1:
    common_binary_point_ = (value & kCtlrCbpr) != 0;
    eoi_mode_ = (value & kCtlrEoiMode) != 0;
    break;
  case kIccSreEl1: return true;
  case kIccSgi0rEl1:
  case kIccAsgi1rEl1: gic_.send_sgi(*this, value, true); return true;
  case kIccSgi1rEl1: gic_.send_sgi(*this, value, false); return true;
  case kIccIgrpen0El1:
  case kIccIgrpen1El1:
    group_enable_[encoding == kIccIgrpen1El1 ? 1 : 0] = (value & 1) != 0;
    gic_.refresh_all(); // 1-of-N interrupts may change their target
    return true;
  default: return false;
  }
  gic_.refresh(*this);
  return true;
}

} // namespace softhv::gic
