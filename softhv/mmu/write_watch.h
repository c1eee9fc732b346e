// SPDX-License-Identifier: Apache-2.0
// WriteWatch: tells a host of the first write to each page of guest memory, before it happens. A
// page that has been written to costs nothing more: it keeps its write fast paths.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>

#include "softhv/mmu/stage2.h"

namespace softhv {

class WriteWatch {
public:
  // Called with the IPA of a page that a vCPU is about to write to, by the vCPU's thread. One call
  // at a time, and no vCPU writes to the page before it has returned.
  using FirstWrite = std::function<void(u64 ipa)>;

  // From now on every page counts as not written to yet; null: nobody wants to know. What vCPUs may
  // still write without asking is for the caller to take away (core/shootdown.h).
  void start(Stage2& stage2, FirstWrite first_write);

  // Whether a vCPU may have a write fast path to the page.
  [[nodiscard]] bool allows(const Stage2Page& page) const {
    const u32 round = round_.load(std::memory_order_acquire);
    return round == kOff || page.info[2].load(std::memory_order_acquire) == round;
  }

  // To be called before a vCPU writes to the page at `ipa`, or gets a write fast path to it.
  void before_write(u64 ipa, const Stage2Page& page) {
    if (!allows(page)) [[unlikely]]
      tell(ipa, page);
  }

private:
  static constexpr u32 kOff = 0;

  void tell(u64 ipa, const Stage2Page& page);

  std::atomic<u32> round_{kOff};
  u32 last_round_ = kOff; // under mutex_, as is all below
  std::mutex mutex_;
  FirstWrite first_write_;
};

} // namespace softhv
