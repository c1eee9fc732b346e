// SPDX-License-Identifier: Apache-2.0
#include "softhv/core/vm.h"

#include <algorithm>

#include "softhv/core/wait.h"
#include "softhv/gic/gic.h"

namespace softhv {

Vm::Vm(u32 ipa_bits, std::unique_ptr<timer::Clock> clock)
    : ipa_bits(ipa_bits),
      clock(clock != nullptr ? std::move(clock) : std::make_unique<timer::HostClock>()),
      alarms(*this, *this->clock) {}

Vm::~Vm() = default;

Cpu* Vm::create_cpu() {
  const std::unique_lock lock(cpus_mutex_);
  for (u32 index = 0; index < kMaxVcpus; ++index) {
    if (cpus_[index] != nullptr)
      continue;
    cpus_[index] = std::make_unique<Cpu>(*this, index);
    return cpus_[index].get();
  }
  return nullptr;
}

void Vm::destroy_cpu(Cpu& cpu) {
  const std::unique_lock lock(cpus_mutex_);
  cpus_[cpu.index].reset();
}

u32 Vm::cpu_count() const {
  const std::shared_lock lock(cpus_mutex_);
  return static_cast<u32>(
      std::ranges::count_if(cpus_, [](const auto& cpu) { return cpu != nullptr; }));
}

void Vm::wake(Cpu& cpu, u32 reason) {
  cpu.request(reason);
  cpu.waiter->wake();
}

bool Vm::internal_read(Cpu& cpu, u64 ipa, unsigned size, u64& value) {
  return gic != nullptr && gic->read(cpu, ipa, size, value);
}

bool Vm::internal_write(Cpu& cpu, u64 ipa, unsigned size, u64 value) {
  return gic != nullptr && gic->write(cpu, ipa, size, value);
}

} // namespace softhv
