// SPDX-License-Identifier: Apache-2.0
// Everything that writes to guest RAM, told to all who want to know: vCPUs' first writes to a page
// (vstate::Vm::watch_writes), devices' writes, and the machine's own.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "devices/guest_memory.h"
#include "vmm/vstate/vm.h"

namespace kindling::vmm {

// Learns that bytes of RAM, guest physical, are about to change. Any thread, several at a time.
// What it has been told once it need not be told again until WriteTracker::begin_anew().
class WriteListener {
public:
  virtual ~WriteListener() = default;
  virtual void before_write(u64 address, u64 size) = 0;
};

class WriteTracker final : public devices::DirtyLog {
public:
  WriteTracker();

  // Before anything runs; it outlives this, or is removed when nothing runs any more.
  void add(WriteListener& listener) { listeners_.push_back(&listener); }
  // The Vm whose vCPUs write; null: there is none.
  void connect(vstate::Vm* vm) { vm_.store(vm, std::memory_order_release); }

  // From now on every page counts as not written to, and vCPUs forget what they have cached of
  // translation tables. While the vCPUs are stopped. Not called at all, vCPUs' writes are told to
  // nobody and cost nothing.
  Status begin_anew();

  // `by`, which knows of it, has put other contents into the pages of 4 KiB at `pages`.
  void changed(std::span<const u64> pages, const WriteListener& by);

  void device_will_write(u64 address, u64 size) override { tell(address, size); }
  void device_wrote(u64 address, u64 size) override;

private:
  void tell(u64 address, u64 size);

  std::vector<WriteListener*> listeners_;
  std::atomic<vstate::Vm*> vm_{nullptr};
  const vstate::Vm::FirstWrite first_write_;
};

} // namespace kindling::vmm
