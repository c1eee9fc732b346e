// SPDX-License-Identifier: Apache-2.0
// What has changed in RAM or on a disk since each of several snapshots, in blocks, so that a later
// one can hold the difference to any of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vmm/store/page_set.h"

namespace kindling::vmm {

class ChangeLog {
public:
  // Of something that has `blocks` blocks.
  explicit ChangeLog(u64 blocks) : blocks_(blocks) {}

  // Blocks are about to change, or have changed. Any thread; before the first mark() it costs a
  // look.
  void note(u64 first, u64 count) {
    if (PageSet* set = newest_; set != nullptr) {
      for (u64 block = first; block < first + count; ++block) {
        set->insert(block);
      }
    }
  }

  // What follows: while nothing changes.

  // A snapshot of this id has what there is now.
  void mark(const std::string& id);
  // No snapshot is known any more.
  void clear();
  // The blocks that have changed since that snapshot; nullopt when it is not known here.
  [[nodiscard]] std::optional<RangeMap> since(const std::string& id) const;

private:
  struct Epoch {
    std::string id;
    std::unique_ptr<PageSet> changed; // up to the next mark
  };

  const u64 blocks_;
  std::vector<Epoch> epochs_;
  PageSet* newest_ = nullptr;
};

} // namespace kindling::vmm
