// SPDX-License-Identifier: Apache-2.0
// A set of pages, or of other numbered things, that several threads may add to.
#pragma once

#include <atomic>
#include <memory>

#include "vmm/store/range_map.h"

namespace kindling::vmm {

class PageSet {
public:
  // Of the numbers below `count`.
  explicit PageSet(u64 count)
      : words_(std::make_unique<std::atomic<u64>[]>((count + 63) / 64)), count_(count) {}

  // Any thread.
  void insert(u64 page) {
    std::atomic<u64>& word = words_[page / 64];
    const u64 bit = 1ULL << page % 64;
    if ((word.load(std::memory_order_relaxed) & bit) == 0) {
      word.fetch_or(bit, std::memory_order_relaxed);
    }
  }

  // While nobody adds anything.
  [[nodiscard]] bool contains(u64 page) const {
    return (words_[page / 64].load(std::memory_order_relaxed) >> page % 64 & 1) != 0;
  }
  void insert_all(const PageSet& other);
  void clear();
  [[nodiscard]] RangeMap ranges() const;

private:
  std::unique_ptr<std::atomic<u64>[]> words_; // NOLINT(modernize-avoid-c-arrays)
  u64 count_;
};

} // namespace kindling::vmm
