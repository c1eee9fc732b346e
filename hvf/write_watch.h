// SPDX-License-Identifier: Apache-2.0
// Telling of the first write of a vCPU to each page of guest memory, before it happens.
//
// With SoftHV its own watch does that without a fault. Otherwise memory is write-protected by
// hv_vm_protect, and a vCPU's write leaves the guest as arch::WriteRefused: the page is told of and
// opened, and the vCPU executes the instruction again.
#pragma once

#include <functional>
#include <mutex>

#include "arch/memory_map.h"
#include "arch/result.h"
#include "hvf/vm.h"

namespace kindling::hvf {

// Whether SoftHV's own watch is there.
bool can_watch_without_faults();

class WriteWatch {
public:
  enum class Method : u8 { kWithoutFaults, kProtect };
  // Called with the guest physical address of a page of `page_size` bytes, by the thread of the
  // vCPU that is about to write to it, one call at a time.
  using FirstWrite = std::function<void(u64 address, u64 page_size)>;

  // Watches `memory`, which is mapped; not until start(). `vm` outlives this.
  WriteWatch(Vm& vm, arch::AddressRange memory, Method method)
      : vm_(vm), memory_(memory), method_(method) {}
  ~WriteWatch() { stop(); }
  WriteWatch(const WriteWatch&) = delete;
  WriteWatch& operator=(const WriteWatch&) = delete;

  // Every page counts as not written to. Afterwards no vCPU uses a translation that it cached
  // before, so that translation tables in memory may have been changed. May be called again.
  Status start(FirstWrite first_write);
  void stop();

  // For a vCPU that met arch::WriteRefused at `address`. Errors: nothing here has refused it.
  Status open_page(u64 address);

private:
  static void tell(void* self, u64 address);

  Vm& vm_;
  const arch::AddressRange memory_;
  const Method method_;
  std::mutex mutex_; // of first_write_
  FirstWrite first_write_;
};

} // namespace kindling::hvf
