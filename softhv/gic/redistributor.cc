// SPDX-License-Identifier: Apache-2.0
// GICR registers (IHI0069 12.11), and which redistributor is whose.
#include <algorithm>

#include "arch/bits.h"
#include "softhv/gic/cpu_interface.h"
#include "softhv/gic/gic.h"

namespace softhv::gic {
namespace {

constexpr u32 kCtlr = 0x0;
constexpr u32 kIidr = 0x4;
constexpr u32 kTyper = 0x8;
constexpr u32 kTyperHigh = 0xc;
constexpr u32 kWaker = 0x14;
constexpr u32 kPidr2 = 0xffe8;
constexpr u32 kSgiBase = 0x10000;
constexpr u32 kIdRegisters = 0xffd0;

constexpr u32 kIidrValue = 0x4b00043b;
constexpr u32 kCtlrWritable = 7U << 24; // DPG1S, DPG1NS, DPG0
constexpr u32 kTyperDpgs = 1U << 5;
constexpr u32 kTyperLast = 1U << 4;
constexpr u32 kWakerProcessorSleep = 1U << 1;
constexpr u32 kWakerChildrenAsleep = 1U << 2;

constexpr BankLimits kLocalLimits{.implemented = ~0U, .fixed_edge = 0xffff};

// Aff3.Aff2.Aff1.Aff0 in 32 bits, as in GICR_TYPER.
u32 packed_affinity(u64 route) {
  return static_cast<u32>(bits(route, 39, 32) << 24 | bits(route, 23, 0));
}

} // namespace

// A vCPU's redistributor is number Aff1 * 16 + Aff0, if that is free, else the lowest free one:
// with the usual affinities the same on every boot, whatever thread comes first.
void Gic::assign_frames() {
  for (CpuInterface* cpu : cpus_) {
    if (std::ranges::find(frames_, cpu) != frames_.end())
      continue;
    const u64 wanted = bits(cpu->affinity_, 23, 8) * 16 + bits(cpu->affinity_, 7, 0);
    if (wanted < frames_.size() && frames_[wanted] == nullptr)
      frames_[wanted] = cpu;
    else
      *std::ranges::find(frames_, nullptr) = cpu;
  }
}

u64 Gic::redistributor_base(CpuInterface& cpu) {
  const std::lock_guard lock(mutex_);
  assign_frames();
  const auto frame = std::ranges::find(frames_, &cpu) - frames_.begin();
  return config_.redistributor_base + static_cast<u64>(frame) * kRedistributorSize;
}

u32 Gic::read_redistributor(CpuInterface& cpu, u32 offset, View view) {
  switch (offset) {
  case kCtlr: return cpu.ctlr_;
  case kIidr: return kIidrValue;
  case kTyper: {
    assign_frames();
    const auto frame = std::ranges::find(frames_, &cpu);
    const bool last = std::all_of(frame + 1, frames_.end(), [](auto* f) { return f == nullptr; });
    return static_cast<u32>(frame - frames_.begin()) << 8 | kTyperDpgs | (last ? kTyperLast : 0);
  }
  case kTyperHigh: return packed_affinity(cpu.affinity_);
  case kWaker: return cpu.asleep_ ? kWakerProcessorSleep | kWakerChildrenAsleep : 0;
  default: break;
  }
  if (offset >= kIdRegisters && offset < kSgiBase)
    return identification_register(offset);
  if (offset < kSgiBase)
    return 0;
  const BankOffset at = decode_bank_offset(offset - kSgiBase);
  return at.bank == 0 ? read_bank(cpu.local_, at, view) : 0;
}

void Gic::write_redistributor(CpuInterface& cpu, u32 offset, u32 value) {
  if (offset == kCtlr) {
    cpu.ctlr_ = value & kCtlrWritable;
    refresh_all();
  } else if (offset == kWaker) {
    cpu.asleep_ = (value & kWakerProcessorSleep) != 0;
    refresh_all();
  } else if (offset >= kSgiBase) {
    const BankOffset at = decode_bank_offset(offset - kSgiBase);
    if (at.bank != 0)
      return;
    write_bank(cpu.local_, at, value, kLocalLimits);
    refresh(cpu);
  }
}

bool Gic::host_read_redistributor(CpuInterface& cpu, u32 offset, u64& value) {
  const std::lock_guard lock(mutex_);
  if (offset % 4 != 0 || offset >= kRedistributorSize)
    return false;
  if (offset >= kSgiBase) {
    const BankOffset at = decode_bank_offset(offset - kSgiBase);
    if (at.reg == BankRegister::kNone || at.bank != 0)
      return false;
  } else if (offset != kCtlr && offset != kIidr && offset != kTyper && offset != kWaker &&
             offset != kPidr2) {
    return false;
  }
  value = read_redistributor(cpu, offset, View::kHost);
  if (offset == kTyper)
    value |= static_cast<u64>(read_redistributor(cpu, kTyperHigh, View::kHost)) << 32;
  return true;
}

bool Gic::host_write_redistributor(CpuInterface& cpu, u32 offset, u64 value) {
  u64 before;
  if (!host_read_redistributor(cpu, offset, before))
    return false;
  const std::lock_guard lock(mutex_);
  write_redistributor(cpu, offset, static_cast<u32>(value));
  return true;
}

} // namespace softhv::gic
