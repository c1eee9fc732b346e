// SPDX-License-Identifier: Apache-2.0
#include "softhv/gic/gic.h"

#include <algorithm>
#include <bit>

#include "arch/bits.h"
#include "softhv/gic/cpu_interface.h"

namespace softhv::gic {
namespace {

// GICD_IROUTER.Interrupt_Routing_Mode: any one participating PE.
constexpr u64 kRouteAny = 1ULL << 31;
constexpr u64 kRouteAffinity = 0xff00ffffffULL;
// GICR_CTLR.{DPG1NS, DPG0}: the PE takes no part in 1-of-N distribution.
constexpr u32 kDeclineGroup1 = 1U << 25;
constexpr u32 kDeclineGroup0 = 1U << 24;

// ICC_SGI1R_EL1.
constexpr u64 kSgiAllButSelf = 1ULL << 40;

bool sgi_targets(u64 value, u64 affinity) {
  const u64 aff321 =
      bits(value, 55, 48) << 32 | bits(value, 39, 32) << 16 | bits(value, 23, 16) << 8;
  const u64 aff0 = affinity & 0xff;
  return (affinity & ~0xffULL) == aff321 && aff0 / 16 == bits(value, 47, 44) &&
         bit(value, static_cast<unsigned>(aff0 % 16));
}

} // namespace

Gic::Gic(Vm& vm, const Config& config) : vm_(vm), config_(config) {}

void Gic::reset_locked() {
  ctlr_ = 0;
  for (Bank& bank : spis_) {
    const u32 line = bank.line;
    bank = Bank{};
    bank.line = line;
  }
  // MSIs are edges (GICv2m), and nobody else configures them.
  for (u32 i = 0; i < config_.msi_intid_count; ++i)
    spi_bank(config_.msi_intid_base + i).edge |= 1U << (config_.msi_intid_base + i) % 32;
  routes_.fill(0);
  for (CpuInterface* cpu : cpus_) {
    const u32 line = cpu->local_.line;
    cpu->local_ = Bank{};
    cpu->local_.edge = 0xffff; // SGIs
    cpu->local_.line = line;
    cpu->asleep_ = false;
    cpu->ctlr_ = 0;
  }
}

void Gic::reset() {
  const std::lock_guard lock(mutex_);
  reset_locked();
  refresh_all();
}

bool Gic::is_group1(const CpuInterface& cpu, u32 intid) const {
  const Bank& bank = intid < kFirstSpi ? cpu.local_ : spis_[intid / 32 - 1];
  return (bank.group >> intid % 32 & 1) != 0;
}

const CpuInterface* Gic::one_of_n_target(bool group1) const {
  const u32 declines = group1 ? kDeclineGroup1 : kDeclineGroup0;
  const CpuInterface* target = nullptr;
  for (const CpuInterface* cpu : cpus_) {
    if (cpu->asleep_ || !cpu->group_enabled(group1) || (cpu->ctlr_ & declines) != 0)
      continue;
    // Rather one that handles no interrupt at the moment.
    if (cpu->running_priority() > 0xff)
      return cpu;
    if (target == nullptr)
      target = cpu;
  }
  return target;
}

bool Gic::routed_to(u32 intid, const CpuInterface& cpu) const {
  const u64 route = routes_[intid - kFirstSpi];
  if ((route & kRouteAny) != 0)
    return one_of_n_target(is_group1(cpu, intid)) == &cpu;
  return (route & kRouteAffinity) == cpu.affinity_;
}

void Gic::consider(const Bank& bank, u32 first_intid, const CpuInterface& cpu,
                   Candidate& best) const {
  u32 eligible = bank.pending() & bank.enabled & ~bank.active;
  if ((ctlr_ & kCtlrEnableGroup0) == 0 || !cpu.group_enabled(false))
    eligible &= bank.group;
  if ((ctlr_ & kCtlrEnableGroup1) == 0 || !cpu.group_enabled(true))
    eligible &= ~bank.group;
  for (; eligible != 0; eligible &= eligible - 1) {
    const auto i = static_cast<u32>(std::countr_zero(eligible));
    // Of equal priorities the lowest INTID, which comes first.
    if (best.intid != kSpuriousIntid && bank.priority[i] >= best.priority)
      continue;
    const u32 intid = first_intid + i;
    if (intid >= kFirstSpi && !routed_to(intid, cpu))
      continue;
    best = {.intid = intid, .priority = bank.priority[i], .group1 = (bank.group >> i & 1) != 0};
  }
}

Gic::Candidate Gic::highest_pending(const CpuInterface& cpu) const {
  Candidate best;
  if (cpu.asleep_)
    return best;
  consider(cpu.local_, 0, cpu, best);
  for (u32 i = 0; i < spis_.size(); ++i)
    consider(spis_[i], kFirstSpi + 32 * i, cpu, best);
  return best;
}

void Gic::refresh(CpuInterface& cpu) {
  const Candidate best = highest_pending(cpu);
  u32 lines = 0;
  if (best.intid != kSpuriousIntid && cpu.preempts(best.priority, best.group1))
    lines = best.group1 ? kLineGicIrq : kLineGicFiq;
  const u32 before = cpu.cpu_.interrupt_lines.load(std::memory_order_seq_cst);
  const u32 changed = (before ^ lines) & (kLineGicIrq | kLineGicFiq);
  if (changed == 0)
    return;
  cpu.cpu_.interrupt_lines.fetch_xor(changed, std::memory_order_seq_cst);
  if ((changed & lines) != 0)
    vm_.wake(cpu.cpu_, kAttentionInterrupt);
}

void Gic::refresh_all() {
  for (CpuInterface* cpu : cpus_)
    refresh(*cpu);
}

void Gic::refresh_for(u32 intid) {
  const u64 route = routes_[intid - kFirstSpi];
  for (CpuInterface* cpu : cpus_)
    if ((route & kRouteAny) != 0 || (route & kRouteAffinity) == cpu->affinity_)
      refresh(*cpu);
}

void Gic::set_spi(u32 intid, bool level) {
  const std::lock_guard lock(mutex_);
  spi_bank(intid).drive(1U << intid % 32, level);
  refresh_for(intid);
}

void Gic::message(u32 intid, bool set) {
  if (!is_spi(intid))
    return;
  u32& latched = spi_bank(intid).latched;
  const u32 bit = 1U << intid % 32;
  latched = set ? latched | bit : latched & ~bit;
  refresh_for(intid);
}

bool Gic::send_msi(u64 address, u32 intid) {
  if (!config_.is_msi(intid) || address != *config_.msi_base + kGicmSetSpiNsr)
    return false;
  const std::lock_guard lock(mutex_);
  message(intid, true);
  return true;
}

void Gic::acknowledge(CpuInterface& cpu, u32 intid) {
  Bank& bank = intid < kFirstSpi ? cpu.local_ : spi_bank(intid);
  const u32 bit = 1U << intid % 32;
  bank.active |= bit;
  bank.latched &= ~bit; // a level-sensitive interrupt stays pending while its line is high
  if (intid >= kFirstSpi && (routes_[intid - kFirstSpi] & kRouteAny) != 0)
    refresh_all();
  else
    refresh(cpu);
}

void Gic::deactivate(CpuInterface& cpu, u32 intid) {
  if (intid < kFirstSpi) {
    cpu.local_.active &= ~(1U << intid);
    refresh(cpu);
  } else if (is_spi(intid)) {
    spi_bank(intid).active &= ~(1U << intid % 32);
    refresh_for(intid);
  }
}

// IHI0069 12.2.20, 12.2.22. With one security state ICC_SGI1R reaches SGIs of either group, the
// other two those of Group 0.
void Gic::send_sgi(CpuInterface& self, u64 value, bool group0_only) {
  const auto bit = 1U << bits(value, 27, 24);
  for (CpuInterface* cpu : cpus_) {
    const bool targeted =
        (value & kSgiAllButSelf) != 0 ? cpu != &self : sgi_targets(value, cpu->affinity_);
    if (!targeted || (group0_only && (cpu->local_.group & bit) != 0))
      continue;
    cpu->local_.latched |= bit;
    refresh(*cpu);
  }
}

} // namespace softhv::gic
