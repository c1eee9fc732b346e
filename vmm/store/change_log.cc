// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/change_log.h"

#include <algorithm>

namespace kindling::vmm {

namespace {
// Ancestors that a difference can be told to; each costs a bit for each block.
constexpr size_t kMaxEpochs = 64;
} // namespace

void ChangeLog::mark(const std::string& id) {
  if (epochs_.size() == kMaxEpochs) {
    epochs_.erase(epochs_.begin());
  }
  epochs_.push_back({id, std::make_unique<PageSet>(blocks_)});
  newest_ = epochs_.back().changed.get();
}

void ChangeLog::clear() {
  newest_ = nullptr;
  epochs_.clear();
}

std::optional<RangeMap> ChangeLog::since(const std::string& id) const {
  const auto first = std::ranges::find(epochs_, id, &Epoch::id);
  if (first == epochs_.end()) {
    return std::nullopt;
  }
  PageSet sum(blocks_);
  for (auto epoch = first; epoch != epochs_.end(); ++epoch) {
    sum.insert_all(*epoch->changed);
  }
  return sum.ranges();
}

} // namespace kindling::vmm
