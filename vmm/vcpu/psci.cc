// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/psci.h"

#include <algorithm>

#include "arch/bits.h"

namespace kindling::vmm {

namespace {

namespace psci = arch::psci;
using psci::ReturnCode;

PsciAnswer answer(ReturnCode code) {
  return {PsciAction::kReturn, psci::to_register(code)};
}
PsciAnswer answer(u64 value) {
  return {PsciAction::kReturn, value};
}

// The functions that exist with 64-bit arguments as well.
bool has_wide_form(u32 function) {
  switch (function) {
  case psci::kCpuSuspend:
  case psci::kCpuOn:
  case psci::kAffinityInfo:
  case psci::kSystemReset2: return true;
  default: return false;
  }
}

bool implemented(u32 function) {
  switch (function & ~psci::kSmc64) {
  case psci::kVersion:
  case psci::kCpuSuspend:
  case psci::kCpuOff:
  case psci::kCpuOn:
  case psci::kAffinityInfo:
  case psci::kMigrateInfoType:
  case psci::kSystemOff:
  case psci::kSystemReset:
  case psci::kFeatures:
  case psci::kSystemReset2:
    return (function & psci::kSmc64) == 0 || has_wide_form(function & ~psci::kSmc64);
  default: return function == psci::kSmcccVersion;
  }
}

u64 affinity_of(unsigned index) {
  return arch::mpidr_of(index) & psci::kAffinityMask;
}

} // namespace

Psci::Psci(unsigned vcpus, arch::AddressRange ram, std::function<void(unsigned)> started)
    : ram_(ram), started_(std::move(started)), slots_(vcpus) {}

PsciAnswer Psci::call(unsigned caller, const std::array<u64, 4>& arguments) {
  // The function id is W0; a 32-bit call's arguments are the low halves.
  const u32 function = static_cast<u32>(arguments[0]);
  const bool wide = (function & psci::kSmc64) != 0;
  std::array<u64, 4> a = arguments;
  if (!wide) {
    for (u64& value : a) {
      value = static_cast<u32>(value);
    }
  }
  if (!implemented(function)) {
    if (function == psci::kSmcccArchFeatures) {
      const u32 asked = static_cast<u32>(a[1]);
      const bool known = asked == psci::kSmcccVersion || asked == psci::kSmcccArchFeatures;
      return answer(known ? ReturnCode::kSuccess : ReturnCode::kNotSupported);
    }
    return answer(ReturnCode::kNotSupported);
  }
  if (function == psci::kSmcccVersion) {
    return answer(u64{psci::kSmcccVersion1_1});
  }
  switch (function & ~psci::kSmc64) {
  case psci::kVersion: return answer(u64{psci::kPsciVersion1_1});
  case psci::kCpuSuspend: return cpu_suspend(a[1]);
  case psci::kCpuOff: return cpu_off(caller);
  case psci::kCpuOn: return cpu_on(a[1], a[2], a[3], wide);
  case psci::kAffinityInfo: return affinity_info(a[1], a[2]);
  case psci::kMigrateInfoType: return answer(psci::kMigrateNotRequired);
  case psci::kSystemOff: return {PsciAction::kSystemOff, 0};
  case psci::kSystemReset: return {PsciAction::kSystemReset, 0};
  case psci::kSystemReset2: return system_reset2(a[1]);
  default: return features(static_cast<u32>(a[1]));
  }
}

PsciAnswer Psci::cpu_on(u64 target, u64 entry, u64 context, bool wide) {
  const auto index = find(target);
  if (!index) {
    return answer(ReturnCode::kInvalidParameters);
  }
  // Bit 0 would ask for Thumb, which there is none of; instructions are 4 bytes.
  if (!ram_.contains(entry, 4) || !arch::is_aligned(entry, 4)) {
    return answer(ReturnCode::kInvalidAddress);
  }
  {
    const std::lock_guard lock(mutex_);
    CpuPowerState& slot = slots_[*index];
    if (slot.power != CpuPower::kOff) {
      return answer(slot.power == CpuPower::kOn ? ReturnCode::kAlreadyOn : ReturnCode::kOnPending);
    }
    slot.power = CpuPower::kOnPending;
    slot.start =
        arch::secondary_boot_state(entry, wide ? context : static_cast<u32>(context), *index);
  }
  started_(*index);
  return answer(ReturnCode::kSuccess);
}

PsciAnswer Psci::cpu_off(unsigned caller) {
  const std::lock_guard lock(mutex_);
  slots_[caller].power = CpuPower::kOff;
  return {PsciAction::kCpuOff, 0};
}

PsciAnswer Psci::affinity_info(u64 target, u64 level) const {
  constexpr u64 kMaxLevel = 3;
  if (level > kMaxLevel || (target & ~psci::kAffinityMask) != 0) {
    return answer(ReturnCode::kInvalidParameters);
  }
  // Affinity fields below `level` are ignored: <7:0>, <15:8>, <23:16>, <39:32>.
  const u64 mask = psci::kAffinityMask & ~((1ULL << (8 * level)) - 1);
  bool found = false;
  bool pending = false;
  const std::lock_guard lock(mutex_);
  for (unsigned i = 0; i < slots_.size(); ++i) {
    if ((affinity_of(i) & mask) != (target & mask)) {
      continue;
    }
    found = true;
    if (slots_[i].power == CpuPower::kOn) {
      return answer(static_cast<u64>(psci::Affinity::kOn));
    }
    pending |= slots_[i].power == CpuPower::kOnPending;
  }
  if (!found) {
    return answer(ReturnCode::kInvalidParameters);
  }
  return answer(static_cast<u64>(pending ? psci::Affinity::kOnPending : psci::Affinity::kOff));
}

// Power-down states are entered as a standby state: the specification lets an implementation
// choose a shallower one, and the caller then sees a return instead of its entry point.
PsciAnswer Psci::cpu_suspend(u64 power_state) {
  if ((power_state & psci::kPowerStateReserved) != 0 || (power_state >> 32) != 0) {
    return answer(ReturnCode::kInvalidParameters);
  }
  return {PsciAction::kSuspend, psci::to_register(ReturnCode::kSuccess)};
}

PsciAnswer Psci::features(u32 function) {
  // Flags of CPU_SUSPEND: original power_state format, no OS-initiated mode. No other function has
  // any.
  return answer(implemented(function) ? ReturnCode::kSuccess : ReturnCode::kNotSupported);
}

PsciAnswer Psci::system_reset2(u64 type) {
  constexpr u64 kVendor = 1ULL << 31;
  if (static_cast<u32>(type) == psci::kReset2SystemWarmReset) {
    return {PsciAction::kSystemReset, 0};
  }
  return answer((type & kVendor) != 0 ? ReturnCode::kNotSupported : ReturnCode::kInvalidParameters);
}

void Psci::power_on(const arch::BootState& state) {
  const std::lock_guard lock(mutex_);
  slots_[0] = {CpuPower::kOnPending, state};
}

CpuPower Psci::power(unsigned index) const {
  const std::lock_guard lock(mutex_);
  return slots_[index].power;
}

std::vector<CpuPowerState> Psci::save() const {
  const std::lock_guard lock(mutex_);
  return slots_;
}

void Psci::restore(const std::vector<CpuPowerState>& state) {
  const std::lock_guard lock(mutex_);
  std::copy_n(state.begin(), std::min(state.size(), slots_.size()), slots_.begin());
}

std::optional<arch::BootState> Psci::take_start(unsigned index) {
  const std::lock_guard lock(mutex_);
  CpuPowerState& slot = slots_[index];
  if (slot.power != CpuPower::kOnPending) {
    return std::nullopt;
  }
  slot.power = CpuPower::kOn;
  return slot.start;
}

std::optional<unsigned> Psci::find(u64 target) const {
  for (unsigned i = 0; i < slots_.size(); ++i) {
    if (affinity_of(i) == target) {
      return i;
    }
  }
  return std::nullopt;
}

} // namespace kindling::vmm
