// SPDX-License-Identifier: Apache-2.0
// Which blocks of an image of memory or of a disk a file has.
#pragma once

#include <span>
#include <vector>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::vmm {

// Of RAM and of disks in the store, in bytes.
inline constexpr u64 kStoreBlock = 4096;

struct BlockRange {
  u64 first = 0;
  u64 count = 0;

  [[nodiscard]] u64 end() const { return first + count; }
  bool operator==(const BlockRange&) const = default;
};

// Ascending, none of them empty, and no two that touch.
class RangeMap {
public:
  [[nodiscard]] std::span<const BlockRange> ranges() const { return ranges_; }
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] u64 blocks() const; // in all ranges
  [[nodiscard]] bool contains(u64 block) const;

  // Adds a range behind all others. False, and nothing happens: it is not behind them, or its end
  // does not fit into 64 bits.
  [[nodiscard]] bool append(BlockRange range);

  // What is in either of them; what is in `a` and not in `b`.
  [[nodiscard]] static RangeMap united(const RangeMap& a, const RangeMap& b);
  [[nodiscard]] static RangeMap without(const RangeMap& a, const RangeMap& b);

  // As bytes: the number of ranges, then first and count of each, 64-bit little-endian. decode()
  // takes what encode() gave for an image of `blocks` blocks. Errors: anything else.
  [[nodiscard]] std::vector<u8> encode() const;
  static Result<RangeMap> decode(std::span<const u8> bytes, u64 blocks);

  bool operator==(const RangeMap&) const = default;

private:
  std::vector<BlockRange> ranges_;
};

// Where the blocks of an image lie that several files make up together, the later ones over the
// earlier ones; ascending.
struct LayerRange {
  BlockRange blocks;
  size_t layer = 0; // index of the file
};
std::vector<LayerRange> resolve_layers(std::span<const RangeMap> layers);

} // namespace kindling::vmm
