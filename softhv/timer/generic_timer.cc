// SPDX-License-Identifier: Apache-2.0
#include "softhv/timer/generic_timer.h"

#include <algorithm>

#include "arch/bits.h"
#include "softhv/core/vm.h"
#include "softhv/gic/cpu_interface.h"

namespace softhv::timer {
namespace {

// CNTx_CTL_EL0.
constexpr u32 kEnable = 1 << 0;
constexpr u32 kImask = 1 << 1;
constexpr u32 kIstatus = 1 << 2;

constexpr u32 kVirtualTimerPpi = 27;
constexpr u32 kPhysicalTimerPpi = 30;

// CNTx_TVAL_EL0: a signed 32-bit distance (Arm ARM D11.2.4).
u64 timer_value(u64 compare, u64 count) {
  return bits(compare - count, 31, 0);
}
u64 compare_value(u64 timer_value, u64 count) {
  return count + static_cast<u64>(sign_extend(timer_value, 32));
}

} // namespace

GenericTimer::GenericTimer(Cpu& cpu, const Clock& clock, AlarmThread& alarms)
    : cpu_(cpu), clock_(clock), alarm_(alarms, cpu) {}

bool GenericTimer::asserted(const Comparator& timer, u64 count) {
  return (timer.control & (kEnable | kImask)) == kEnable && count >= timer.compare;
}

u64 GenericTimer::control(const Comparator& timer, u64 count) {
  const bool met = (timer.control & kEnable) != 0 && count >= timer.compare;
  return timer.control | (met ? kIstatus : 0);
}

u64 GenericTimer::read(Register reg) const {
  const u64 now = clock_.now();
  const u64 count = now - offset_;
  switch (reg) {
  case Register::kCntpctEl0: return now;
  case Register::kCntvctEl0: return count;
  case Register::kCntpCtlEl0: return control(physical_, now);
  case Register::kCntpCvalEl0: return physical_.compare;
  case Register::kCntpTvalEl0: return timer_value(physical_.compare, now);
  case Register::kCntvCtlEl0: return control(virtual_, count);
  case Register::kCntvCvalEl0: return virtual_.compare;
  case Register::kCntvTvalEl0: return timer_value(virtual_.compare, count);
  }
  return 0;
}

void GenericTimer::write(Register reg, u64 value) {
  const u64 now = clock_.now();
  switch (reg) {
  case Register::kCntpctEl0:
  case Register::kCntvctEl0: return;
  case Register::kCntpCtlEl0: physical_.control = value & (kEnable | kImask); break;
  case Register::kCntpCvalEl0: physical_.compare = value; break;
  case Register::kCntpTvalEl0: physical_.compare = compare_value(value, now); break;
  case Register::kCntvCtlEl0: virtual_.control = value & (kEnable | kImask); break;
  case Register::kCntvCvalEl0: virtual_.compare = value; break;
  case Register::kCntvTvalEl0: virtual_.compare = compare_value(value, now - offset_); break;
  }
  update();
}

void GenericTimer::set_virtual_offset(u64 offset) {
  offset_ = offset;
  update();
}

void GenericTimer::set_virtual_masked(bool masked) {
  masked_ = masked;
  update();
}

void GenericTimer::reset() {
  virtual_ = {};
  physical_ = {};
  masked_ = false;
  update();
}

// The value of CNTPCT at which `timer`, whose own counter stands at `count`, raises its output.
u64 GenericTimer::deadline(const Comparator& timer, u64 count, u64 now) {
  if ((timer.control & (kEnable | kImask)) != kEnable || count >= timer.compare)
    return kNever;
  const u64 distance = timer.compare - count;
  return distance > kNever - now ? kNever : now + distance;
}

u64 GenericTimer::next_stream_event() const {
  const u64 cntkctl = cpu_.s.sys.cntkctl_el1;
  if (!bit(cntkctl, 2))
    return kNever;
  const bool scaled = bit(cntkctl, 17); // EVNTIS: EVNTI counts from bit 8
  const u64 select = bits(cntkctl, 7, 4) + (scaled ? 8 : 0);
  const bool falling = bit(cntkctl, 3);
  const u64 now = clock_.now();
  const u64 count = now - offset_;
  const u64 period = 2ULL << select;
  // The bit rises at odd multiples of half the period, and falls at whole periods.
  const u64 phase = (count + (falling ? 0 : period / 2)) & (period - 1);
  return now + (period - phase);
}

// All by one look at the clock: an output that rises after it has a deadline, however late that is
// looked at.
void GenericTimer::update() {
  const u64 now = clock_.now();
  const u64 count = now - offset_;
  next_deadline_ = kNever;
  if (cpu_.gic != nullptr || !masked_)
    next_deadline_ = deadline(virtual_, count, now);
  if (cpu_.gic != nullptr) {
    next_deadline_ = std::min(next_deadline_, deadline(physical_, now, now));
    cpu_.gic->set_ppi(kVirtualTimerPpi, asserted(virtual_, count));
    cpu_.gic->set_ppi(kPhysicalTimerPpi, asserted(physical_, now));
  } else if (!masked_ && asserted(virtual_, count)) {
    cpu_.request(kAttentionInterrupt);
  }
  if (Turns* turns = cpu_.vm.turns(); turns != nullptr) {
    turns->deadline_changed(cpu_);
    return;
  }
  if (next_deadline_ == kNever)
    alarm_.clear();
  else
    alarm_.set(next_deadline_);
}

} // namespace softhv::timer
