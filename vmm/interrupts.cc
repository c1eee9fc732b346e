// SPDX-License-Identifier: Apache-2.0
#include "vmm/interrupts.h"

#include <fmt/format.h>

#include "arch/memory_map.h"

namespace kindling::vmm {

class Interrupts::Line final : public devices::IrqLine {
public:
  Line(Interrupts& interrupts, u32 intid) : interrupts_(interrupts), intid_(intid) {}
  void set_level(bool high) override { interrupts_.set_level(intid_, high); }

private:
  Interrupts& interrupts_;
  const u32 intid_;
};

Result<std::unique_ptr<devices::IrqLine>> Interrupts::create_line(u32 intid) {
  if (intid < arch::kFirstSpi || intid >= arch::kEndSpi) {
    return Error{fmt::format("interrupt {} is not a shared peripheral interrupt", intid)};
  }
  const std::lock_guard lock(mutex_);
  if (!levels_.emplace(intid, false).second) {
    return Error{fmt::format("interrupt {} has a device already", intid)};
  }
  return std::unique_ptr<devices::IrqLine>(new Line(*this, intid));
}

void Interrupts::connect(vstate::Vm* vm) {
  const std::lock_guard lock(mutex_);
  vm_ = vm;
  if (vm_ == nullptr) {
    return;
  }
  for (const auto& [intid, high] : levels_) {
    if (Status s = vm_->set_spi(intid, high); !s) {
      log_.line(LogLevel::kWarn, s.error().message);
    }
  }
}

void Interrupts::set_level(u32 intid, bool high) {
  const std::lock_guard lock(mutex_);
  bool& level = levels_[intid];
  if (level == high) {
    return;
  }
  level = high;
  if (vm_ != nullptr) {
    if (Status s = vm_->set_spi(intid, high); !s) {
      log_.line(LogLevel::kWarn, s.error().message);
    }
  }
}

} // namespace kindling::vmm
