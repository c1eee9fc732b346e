// SPDX-License-Identifier: Apache-2.0
// What guest RAM was at several moments of the past, newest last: for each of them the pages that
// have changed since, as they were. Costs what changes, not what RAM there is.
//
// before_write() may be called by several threads at a time. Everything else is for one thread,
// while nobody writes to RAM.
#pragma once

#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "arch/types.h"

namespace kindling::vmm {

inline constexpr u64 kPageSize = 4096;

class RamHistory {
public:
  // `ram` is a multiple of kPageSize and outlives this.
  explicit RamHistory(std::span<u8> ram);
  ~RamHistory();
  RamHistory(const RamHistory&) = delete;
  RamHistory& operator=(const RamHistory&) = delete;

  // Remembers RAM as it is now. Errors: the host has no memory for it.
  [[nodiscard]] bool push();
  [[nodiscard]] size_t size() const { return layers_.size(); }
  [[nodiscard]] bool empty() const { return layers_.empty(); }
  void clear();

  // To be called before bytes of [offset, offset + size) change, unless it has been called for
  // their pages since the last push() or roll_back(). False: there was no memory to keep a page in,
  // and RAM can be rolled back no more.
  [[nodiscard]] bool before_write(u64 offset, u64 size);

  // How many pages have changed between moment `index` (0 is the oldest) and the next one.
  [[nodiscard]] size_t changed_pages(size_t index) const;

  // Makes RAM what it was at moment `index` and forgets all later ones. Adds the offset of each
  // page that was put back to `changed`, in any order and perhaps more than once.
  void roll_back(size_t index, std::vector<u64>& changed);

private:
  class Layer;

  const std::span<u8> ram_;
  std::mutex mutex_; // of the newest layer
  std::vector<std::unique_ptr<Layer>> layers_;
};

} // namespace kindling::vmm
