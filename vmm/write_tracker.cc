// SPDX-License-Identifier: Apache-2.0
#include "vmm/write_tracker.h"

namespace kindling::vmm {

WriteTracker::WriteTracker()
    : first_write_([this](u64 address, u64 size) { tell(address, size); }) {}

Status WriteTracker::begin_anew() {
  vstate::Vm* vm = vm_.load(std::memory_order_acquire);
  return vm == nullptr ? Error{"the machine is not running"} : vm->watch_writes(first_write_);
}

void WriteTracker::changed(u64 address, u64 size) {
  tell(address, size);
  device_wrote(address, size);
}

void WriteTracker::device_wrote(u64 address, u64 size) {
  if (vstate::Vm* vm = vm_.load(std::memory_order_acquire); vm != nullptr) {
    vm->memory_changed(address, size);
  }
}

void WriteTracker::tell(u64 address, u64 size) {
  for (WriteListener* listener : listeners_) {
    listener->before_write(address, size);
  }
}

} // namespace kindling::vmm
