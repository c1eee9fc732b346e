// SPDX-License-Identifier: Apache-2.0
#include "vmm/write_tracker.h"

#include "vmm/checkpoint/ram_history.h"

namespace kindling::vmm {

WriteTracker::WriteTracker()
    : first_write_([this](u64 address, u64 size) { tell(address, size); }) {}

Status WriteTracker::begin_anew() {
  vstate::Vm* vm = vm_.load(std::memory_order_acquire);
  return vm == nullptr ? Error{"the machine is not running"} : vm->watch_writes(first_write_);
}

void WriteTracker::changed(std::span<const u64> pages, const WriteListener& by) {
  for (WriteListener* listener : listeners_) {
    for (const u64 page : pages) {
      if (listener != &by) {
        listener->before_write(page, kPageSize);
      }
    }
  }
  if (vstate::Vm* vm = vm_.load(std::memory_order_acquire); vm != nullptr) {
    vm->pages_changed(pages);
  }
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
