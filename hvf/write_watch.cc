// SPDX-License-Identifier: Apache-2.0
#include "hvf/write_watch.h"

#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "arch/bits.h"
#include "hvf/error.h"
#include "hvf/softhv_extension.h"

namespace kindling::hvf {

namespace {

constexpr u64 kSoftPageSize = 4096; // of hv_softhv_vm_watch_writes

u64 protection_granule() {
  return static_cast<u64>(::sysconf(_SC_PAGESIZE));
}

#if KINDLING_HAS_SOFTHV
Status watch(hv_softhv_first_write_t first_write, void* context) {
  return check(hv_softhv_vm_watch_writes(first_write, context), "hv_softhv_vm_watch_writes");
}
#else
using hv_softhv_first_write_t = void (*)(void*, hv_ipa_t);
Status watch(hv_softhv_first_write_t, void*) {
  return check(HV_UNSUPPORTED, "a watch without faults");
}
#endif

} // namespace

bool can_watch_without_faults() {
#if KINDLING_HAS_SOFTHV
  uint32_t version = 0;
  return hv_softhv_get_capability(HV_SOFTHV_CAPABILITY_WRITE_WATCH, &version) == HV_SUCCESS &&
         version != 0;
#else
  return false;
#endif
}

void WriteWatch::tell(void* self, u64 address) {
  auto& watch = *static_cast<WriteWatch*>(self);
  const std::lock_guard lock(watch.mutex_);
  if (watch.first_write_) {
    watch.first_write_(address, kSoftPageSize);
  }
}

Status WriteWatch::start(FirstWrite first_write) {
  {
    const std::lock_guard lock(mutex_);
    first_write_ = std::move(first_write);
  }
  if (method_ == Method::kWithoutFaults) {
    return watch([](void* self, hv_ipa_t page) { tell(self, page); }, this);
  }
  return vm_.protect(memory_.base, memory_.size, {.write = false});
}

void WriteWatch::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (!first_write_) {
      return;
    }
    first_write_ = nullptr;
  }
  // Should it fail, pages are told to nobody, or opened one by one.
  if (method_ == Method::kWithoutFaults) {
    (void)watch(nullptr, nullptr);
  } else {
    (void)vm_.protect(memory_.base, memory_.size, {});
  }
}

Status WriteWatch::open_page(u64 address) {
  if (method_ != Method::kProtect || !memory_.contains(address, 1)) {
    return Error{fmt::format("a write to {:#x} was refused, and nobody asked for that", address)};
  }
  const u64 size = protection_granule();
  const u64 page = arch::align_down(address, size);
  const std::lock_guard lock(mutex_);
  if (first_write_) {
    first_write_(page, size);
  }
  return vm_.protect(page, size, {});
}

} // namespace kindling::hvf
