// SPDX-License-Identifier: Apache-2.0
// One vCPU's part of the GIC: the CPU interface (ICC_* system registers, IHI0069 12.2) and the
// redistributor's state (SGIs and PPIs). State is guarded by the Gic's mutex.
#pragma once

#include <array>

#include "softhv/core/cpu.h"
#include "softhv/gic/bank.h"

namespace softhv::gic {

class Gic;

// hv_sys_reg_t-like encodings of the ICC registers.
inline constexpr u32 kIccPmrEl1 = 0xc230;
inline constexpr u32 kIccIar0El1 = 0xc640;
inline constexpr u32 kIccEoir0El1 = 0xc641;
inline constexpr u32 kIccHppir0El1 = 0xc642;
inline constexpr u32 kIccBpr0El1 = 0xc643;
inline constexpr u32 kIccAp0r0El1 = 0xc644;
inline constexpr u32 kIccAp1r0El1 = 0xc648;
inline constexpr u32 kIccDirEl1 = 0xc659;
inline constexpr u32 kIccRprEl1 = 0xc65b;
inline constexpr u32 kIccSgi1rEl1 = 0xc65d;
inline constexpr u32 kIccAsgi1rEl1 = 0xc65e;
inline constexpr u32 kIccSgi0rEl1 = 0xc65f;
inline constexpr u32 kIccIar1El1 = 0xc660;
inline constexpr u32 kIccEoir1El1 = 0xc661;
inline constexpr u32 kIccHppir1El1 = 0xc662;
inline constexpr u32 kIccBpr1El1 = 0xc663;
inline constexpr u32 kIccCtlrEl1 = 0xc664;
inline constexpr u32 kIccSreEl1 = 0xc665;
inline constexpr u32 kIccIgrpen0El1 = 0xc666;
inline constexpr u32 kIccIgrpen1El1 = 0xc667;

class CpuInterface {
public:
  // Registers with `gic` for the lifetime of this object.
  CpuInterface(Gic& gic, Cpu& cpu, u64 mpidr);
  ~CpuInterface();
  CpuInterface(const CpuInterface&) = delete;
  CpuInterface& operator=(const CpuInterface&) = delete;

  // ICC_* system registers by the vCPU's thread. False: UNDEFINED (no such register, wrong
  // direction).
  bool read(u32 encoding, u64& value);
  bool write(u32 encoding, u64 value);

  // Drives PPI `intid` (16 to 31); by the vCPU's thread. Costs nothing while the level stays.
  void set_ppi(u32 intid, bool level);

  // MPIDR_EL1 changed, before the vCPU runs.
  void set_affinity(u64 mpidr);

  // Power-on state of the CPU interface.
  void reset();

private:
  friend class Gic;

  // The registers; with the mutex held.
  u64 acknowledge(bool group1);
  u64 highest_pending_intid(bool group1) const;
  void end_of_interrupt(bool group1, u32 intid);
  [[nodiscard]] u64 control() const;
  [[nodiscard]] u64 binary_point(bool group1) const;
  void set_binary_point(bool group1, u64 value);

  // The part of a priority that decides about preemption (IHI0069 4.8.2).
  [[nodiscard]] u8 group_priority(u8 priority, bool group1) const;
  // ICC_RPR_EL1; 0x100 when idle, which every priority preempts.
  [[nodiscard]] u32 running_priority() const;
  // Whether an interrupt of that priority would be signalled now.
  [[nodiscard]] bool preempts(u8 priority, bool group1) const;
  [[nodiscard]] bool group_enabled(bool group1) const { return group_enable_[group1 ? 1 : 0]; }

  Gic& gic_;
  Cpu& cpu_;
  u64 affinity_; // as in GICD_IROUTER: Aff3 at bit 32, Aff2.Aff1.Aff0 at bit 0

  // Redistributor.
  Bank local_;          // SGIs and PPIs
  bool asleep_ = false; // GICR_WAKER.ProcessorSleep
  u32 ctlr_ = 0;        // GICR_CTLR.DPG*

  // CPU interface; arrays are indexed by group.
  u8 priority_mask_ = 0;
  std::array<u8, 2> binary_point_{};
  std::array<bool, 2> group_enable_{};
  std::array<u32, 2> active_priorities_{}; // one bit for each of the 32 group priorities
  bool common_binary_point_ = false;
  bool eoi_mode_ = false;

  u32 driven_ = 0; // the PPI levels last driven; by the vCPU's thread
};

// Affinity fields of MPIDR_EL1 as GICD_IROUTER and GICR_TYPER's upper half arrange them.
constexpr u64 route_of_mpidr(u64 mpidr) {
  return mpidr & 0xff00ffffffULL;
}

} // namespace softhv::gic
