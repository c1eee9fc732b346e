// SPDX-License-Identifier: Apache-2.0
// The firmware that a guest finds behind HVC and SMC: PSCI 1.1 and the SMCCC calls that discover it
// (Arm DEN0022, DEN0028). Keeps which vCPUs are on. Thread-safe.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "arch/boot_state.h"
#include "arch/memory_map.h"
#include "arch/psci.h"
#include "arch/types.h"

namespace kindling::vmm {

// What the caller's vCPU thread has to do about a call.
enum class PsciAction : u8 {
  kReturn,  // write X0 and go on
  kSuspend, // wait for an interrupt or a moment, then write X0 and go on
  kCpuOff,  // the vCPU is off now
  kSystemOff,
  kSystemReset,
};

struct PsciAnswer {
  PsciAction action = PsciAction::kReturn;
  u64 x0 = 0;
};

enum class CpuPower : u8 { kOff, kOnPending, kOn };

// What the firmware knows of one vCPU.
struct CpuPowerState {
  CpuPower power = CpuPower::kOff;
  arch::BootState start; // of kOnPending

  bool operator==(const CpuPowerState&) const = default;
};

class Psci {
public:
  // `started` is called, from the calling vCPU's thread and with no lock held, when a vCPU has
  // become due to start.
  Psci(unsigned vcpus, arch::AddressRange ram, std::function<void(unsigned)> started);

  // Answers a call by vCPU `caller` with X0..X3 in `arguments`. What is not known gets
  // NOT_SUPPORTED.
  PsciAnswer call(unsigned caller, const std::array<u64, 4>& arguments);

  // Makes vCPU 0 due to start, as at power-on.
  void power_on(const arch::BootState& state);

  // For the vCPU's own thread: whether it has anything to do, and taking up a pending start, which
  // turns it on.
  [[nodiscard]] CpuPower power(unsigned index) const;
  std::optional<arch::BootState> take_start(unsigned index);

  // Of all vCPUs; restore() takes as many. While all vCPUs are stopped.
  [[nodiscard]] std::vector<CpuPowerState> save() const;
  void restore(const std::vector<CpuPowerState>& state);

private:
  PsciAnswer cpu_on(u64 target, u64 entry, u64 context, bool wide);
  PsciAnswer cpu_off(unsigned caller);
  PsciAnswer affinity_info(u64 target, u64 level) const;
  static PsciAnswer cpu_suspend(u64 power_state);
  static PsciAnswer features(u32 function);
  static PsciAnswer system_reset2(u64 type);
  [[nodiscard]] std::optional<unsigned> find(u64 target) const;

  const arch::AddressRange ram_;
  const std::function<void(unsigned)> started_;
  mutable std::mutex mutex_;
  std::vector<CpuPowerState> slots_;
};

} // namespace kindling::vmm
