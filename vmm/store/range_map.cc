// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/range_map.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace kindling::vmm {

u64 RangeMap::blocks() const {
  u64 sum = 0;
  for (const BlockRange& range : ranges_) {
    sum += range.count;
  }
  return sum;
}

bool RangeMap::contains(u64 block) const {
  const auto after = std::ranges::upper_bound(ranges_, block, {}, &BlockRange::first);
  return after != ranges_.begin() && block < (after - 1)->end();
}

bool RangeMap::append(BlockRange range) {
  const u64 end = ranges_.empty() ? 0 : ranges_.back().end();
  if (range.first < end || range.end() < range.first) {
    return false;
  }
  if (range.count == 0) {
    return true;
  }
  if (!ranges_.empty() && range.first == end) {
    ranges_.back().count += range.count;
  } else {
    ranges_.push_back(range);
  }
  return true;
}

RangeMap RangeMap::united(const RangeMap& a, const RangeMap& b) {
  std::vector<BlockRange> all;
  std::ranges::merge(a.ranges_, b.ranges_, std::back_inserter(all), {}, &BlockRange::first,
                     &BlockRange::first);
  RangeMap sum;
  u64 end = 0;
  for (const BlockRange& range : all) {
    const u64 first = std::max(range.first, end);
    end = std::max(end, range.end());
    (void)sum.append({first, range.end() > first ? range.end() - first : 0}); // they ascend
  }
  return sum;
}

RangeMap RangeMap::without(const RangeMap& a, const RangeMap& b) {
  RangeMap rest;
  auto hole = b.ranges_.begin();
  for (const BlockRange& range : a.ranges_) {
    u64 first = range.first;
    while (hole != b.ranges_.end() && hole->end() <= first) {
      ++hole;
    }
    for (auto next = hole; first < range.end(); ++next) {
      const bool cut = next != b.ranges_.end() && next->first < range.end();
      const u64 end = cut ? std::max(first, next->first) : range.end();
      (void)rest.append({first, end - first}); // they ascend
      first = cut ? next->end() : range.end();
    }
  }
  return rest;
}

std::vector<u8> RangeMap::encode() const {
  std::vector<u64> words = {ranges_.size()};
  for (const BlockRange& range : ranges_) {
    words.push_back(range.first);
    words.push_back(range.count);
  }
  std::vector<u8> bytes(words.size() * sizeof(u64));
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

Result<RangeMap> RangeMap::decode(std::span<const u8> bytes, u64 blocks) {
  const auto at = [&](size_t index) {
    u64 value = 0;
    std::memcpy(&value, bytes.data() + index * sizeof value, sizeof value);
    return value;
  };
  constexpr size_t kWord = sizeof(u64);
  if (bytes.size() < kWord || bytes.size() % kWord != 0 ||
      at(0) != (bytes.size() / kWord - 1) / 2 || bytes.size() / kWord % 2 == 0) {
    return Error{
        fmt::format("a map of {} bytes does not hold as many ranges as it says", bytes.size())};
  }
  RangeMap map;
  for (size_t i = 1; i < bytes.size() / kWord; i += 2) {
    const BlockRange range{at(i), at(i + 1)};
    const bool touches = !map.empty() && map.ranges_.back().end() == range.first;
    if (range.count == 0 || touches || !map.append(range) || range.end() > blocks) {
      return Error{fmt::format("a map has a range of {} blocks at {} where there is no room for it",
                               range.count, range.first)};
    }
  }
  return map;
}

std::vector<LayerRange> resolve_layers(std::span<const RangeMap> layers) {
  std::vector<LayerRange> result;
  RangeMap hidden; // by layers above
  for (size_t i = layers.size(); i-- > 0;) {
    const RangeMap visible = RangeMap::without(layers[i], hidden);
    for (const BlockRange& range : visible.ranges()) {
      result.push_back({range, i});
    }
    hidden = RangeMap::united(hidden, layers[i]);
  }
  std::ranges::sort(result, {}, [](const LayerRange& range) { return range.blocks.first; });
  return result;
}

} // namespace kindling::vmm
