// SPDX-License-Identifier: Apache-2.0
// The generic timer of one vCPU: the EL1 physical and virtual timers (Arm ARM D11.2). Used by the
// vCPU's thread only.
//
// With a GIC the timers drive PPI 30 and PPI 27. Without one the virtual timer leaves hv_vcpu_run
// with VTIMER_ACTIVATED, as hv_vcpu_set_vtimer_mask describes, and the physical timer interrupts
// nobody.
#pragma once

#include "softhv/core/cpu.h"
#include "softhv/timer/alarm.h"
#include "softhv/timer/clock.h"

namespace softhv::timer {

enum class Register : u8 {
  kCntpctEl0,
  kCntvctEl0,
  kCntpCtlEl0,
  kCntpCvalEl0,
  kCntpTvalEl0,
  kCntvCtlEl0,
  kCntvCvalEl0,
  kCntvTvalEl0,
};

class GenericTimer {
public:
  GenericTimer(Cpu& cpu, const Clock& clock, AlarmThread& alarms);

  u64 read(Register reg) const;
  void write(Register reg, u64 value);

  // CNTVOFF_EL2.
  [[nodiscard]] u64 virtual_offset() const { return offset_; }
  void set_virtual_offset(u64 offset);

  // hv_vcpu_set_vtimer_mask.
  [[nodiscard]] bool virtual_masked() const { return masked_; }
  void set_virtual_masked(bool masked);

  // The interrupt outputs of the timers now.
  [[nodiscard]] bool virtual_asserted() const { return asserted(virtual_, clock_.now() - offset_); }
  [[nodiscard]] bool physical_asserted() const { return asserted(physical_, clock_.now()); }

  // Brings the PPIs to the timers' present outputs and the alarm to the next change of one. To be
  // called when the alarm rings and before the vCPU runs or its interrupt state is read.
  void update();

  // The counter value at which the next output rises of those that were low at the last update(),
  // kNever if none will. It may have come since.
  [[nodiscard]] u64 next_deadline() const { return next_deadline_; }

  // The counter value of the next event of the event stream (CNTKCTL_EL1.EVNTEN), kNever if off.
  [[nodiscard]] u64 next_stream_event() const;

  // While the vCPU sleeps it watches its deadline itself.
  void pause_alarm() { alarm_.clear(); }

  [[nodiscard]] const Clock& clock() const { return clock_; }

  // Power-on state; the virtual offset stays.
  void reset();

private:
  struct Comparator {
    u32 control = 0; // ENABLE, IMASK
    u64 compare = 0;
  };
  [[nodiscard]] static bool asserted(const Comparator& timer, u64 count);
  [[nodiscard]] static u64 control(const Comparator& timer, u64 count);
  [[nodiscard]] static u64 deadline(const Comparator& timer, u64 count, u64 now);

  Cpu& cpu_;
  const Clock& clock_;
  AlarmThread::Alarm alarm_;
  Comparator virtual_;
  Comparator physical_;
  u64 offset_ = 0;
  u64 next_deadline_ = kNever;
  bool masked_ = false;
};

} // namespace softhv::timer
