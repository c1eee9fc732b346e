// SPDX-License-Identifier: Apache-2.0
#include "softhv/core/vm.h"

#include <algorithm>

#include "softhv/core/engine.h"
#include "softhv/core/wait.h"
#include "softhv/gic/gic.h"

namespace softhv {

Vm::Vm(u32 ipa_bits, std::unique_ptr<timer::Clock> clock)
    : own_clock_(clock != nullptr ? std::move(clock) : std::make_unique<timer::HostClock>()),
      ipa_bits(ipa_bits), clock(own_clock_.get()),
      alarms(*this, *own_clock_), engine_options_{.engine = default_engine()} {}

Vm::~Vm() = default;

bool Vm::has_cpu() const {
  return std::ranges::any_of(cpus_, [](const auto& cpu) { return cpu != nullptr; });
}

bool Vm::set_engine_options(const EngineOptions& options) {
  const std::unique_lock lock(cpus_mutex_);
  if (has_cpu() || !engine_available(options.engine))
    return false;
  engine_options_ = options;
  return true;
}

bool Vm::set_turns(TurnOptions options) {
  const std::unique_lock lock(cpus_mutex_);
  if (has_cpu())
    return false;
  turns_ = std::make_unique<Turns>(std::move(options));
  clock = &turns_->clock();
  return true;
}

u64 Vm::time_ns() const {
  return clock->ns();
}

void Vm::set_time_ns(u64 ns) {
  if (turns_ != nullptr) {
    turns_->restart(ns);
    return;
  }
  own_clock_->set_ns(ns);
  alarms.clock_changed();
}

StatisticValues Vm::statistics() const {
  const std::shared_lock lock(cpus_mutex_);
  StatisticValues sum = departed_;
  for (const std::unique_ptr<Cpu>& cpu : cpus_)
    if (cpu != nullptr)
      add_to(sum, cpu->statistics);
  return sum;
}

Cpu* Vm::create_cpu() {
  const std::unique_lock lock(cpus_mutex_);
  for (u32 index = 0; index < kMaxVcpus; ++index) {
    if (cpus_[index] != nullptr)
      continue;
    cpu_count_.fetch_add(1, std::memory_order_seq_cst);
    cpus_[index] = std::make_unique<Cpu>(*this, index);
    return cpus_[index].get();
  }
  return nullptr;
}

void Vm::destroy_cpu(Cpu& cpu) {
  const std::unique_lock lock(cpus_mutex_);
  if (turns_ != nullptr)
    turns_->remove(cpu);
  add_to(departed_, cpu.statistics);
  cpus_[cpu.index].reset();
  cpu_count_.fetch_sub(1, std::memory_order_seq_cst);
}

u32 Vm::cpu_count() const {
  return cpu_count_.load(std::memory_order_seq_cst);
}

void Vm::wake(Cpu& cpu, u32 reason) {
  cpu.request(reason);
  if (turns_ != nullptr)
    turns_->wake(reason);
  else
    cpu.waiter->wake();
}

bool Vm::internal_read(Cpu& cpu, u64 ipa, unsigned size, u64& value) {
  return gic != nullptr && gic->read(cpu, ipa, size, value);
}

bool Vm::internal_write(Cpu& cpu, u64 ipa, unsigned size, u64 value) {
  return gic != nullptr && gic->write(cpu, ipa, size, value);
}

} // namespace softhv
