// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/layered_disk.h"

#include <algorithm>
#include <array>

namespace kindling::vmm {

LayeredDisk::LayeredDisk(std::vector<Image> layers, File overlay, bool read_only)
    : layers_(std::move(layers)), size_(layers_.front().size), read_only_(read_only),
      overlay_(std::move(overlay)), written_((size_ + kStoreBlock - 1) / kStoreBlock) {
  std::vector<RangeMap> maps;
  for (const Image& layer : layers_) {
    maps.push_back(layer.map);
  }
  below_ = resolve_layers(maps);
}

u64 LayeredDisk::run(u64 offset, u64 length, bool in_overlay) const {
  const u64 end = offset + length;
  u64 at = offset;
  while (at < end && written_.contains(at / kStoreBlock) == in_overlay) {
    at = (at / kStoreBlock + 1) * kStoreBlock;
  }
  return std::min(at, end) - offset;
}

bool LayeredDisk::read(u64 offset, std::span<u8> to) {
  while (!to.empty()) {
    const bool in_overlay = written_.contains(offset / kStoreBlock);
    const std::span<u8> part = to.first(run(offset, to.size(), in_overlay));
    if (!(in_overlay ? overlay_.read(offset, part).ok() : read_below(offset, part))) {
      return false;
    }
    offset += part.size();
    to = to.subspan(part.size());
  }
  return true;
}

bool LayeredDisk::read_below(u64 offset, std::span<u8> to) {
  // The first range that does not end before `offset`.
  auto range = std::ranges::lower_bound(below_, offset / kStoreBlock + 1, {},
                                        [](const LayerRange& r) { return r.blocks.end(); });
  while (!to.empty()) {
    const bool left = range != below_.end();
    const u64 first = left ? range->blocks.first * kStoreBlock : ~u64{0};
    if (offset < first) { // nobody has it
      const std::span<u8> part = to.first(std::min<u64>(to.size(), first - offset));
      std::ranges::fill(part, u8{0});
      offset += part.size();
      to = to.subspan(part.size());
      continue;
    }
    const u64 end = range->blocks.end() * kStoreBlock;
    const std::span<u8> part = to.first(std::min<u64>(to.size(), end - offset));
    if (!layers_[range->layer].file.read(offset, part)) {
      return false;
    }
    offset += part.size();
    to = to.subspan(part.size());
    ++range;
  }
  return true;
}

bool LayeredDisk::write(u64 offset, std::span<const iovec> from) {
  for (const iovec& part : from) {
    if (!write_bytes(offset, {static_cast<const u8*>(part.iov_base), part.iov_len})) {
      return false;
    }
    offset += part.iov_len;
  }
  return true;
}

// The rest of a block that is written in part comes from below.
bool LayeredDisk::write_bytes(u64 offset, std::span<const u8> bytes) {
  if (bytes.empty()) {
    return true;
  }
  const u64 end = offset + bytes.size();
  for (const u64 edge : {offset, end - 1}) {
    const u64 block = edge / kStoreBlock;
    const u64 first = block * kStoreBlock;
    const u64 last = std::min(first + kStoreBlock, size_);
    if (written_.contains(block) || (offset <= first && end >= last)) {
      continue;
    }
    std::array<u8, kStoreBlock> whole{};
    const std::span<u8> there = std::span(whole).first(last - first);
    if (!read_below(first, there) || !overlay_.write(first, there)) {
      return false;
    }
    written_.insert(block);
  }
  if (!overlay_.write(offset, bytes)) {
    return false;
  }
  for (u64 block = offset / kStoreBlock; block * kStoreBlock < end; ++block) {
    written_.insert(block);
  }
  return true;
}

bool LayeredDisk::write_zeroes(u64 offset, u64 length, bool /*may_unmap*/) {
  static constexpr std::array<u8, 64ULL * 1024> kZeros{};
  while (length != 0) {
    const u64 part = std::min<u64>(length, kZeros.size());
    if (!write_bytes(offset, std::span(kZeros).first(part))) {
      return false;
    }
    offset += part;
    length -= part;
  }
  return true;
}

RangeMap LayeredDisk::data() const {
  RangeMap map = written_.ranges();
  for (const Image& layer : layers_) {
    map = RangeMap::united(map, layer.map);
  }
  return map;
}

void LoggedDisk::before_change(u64 offset, u64 length) {
  const u64 first = offset / kStoreBlock;
  log_.note(first, (offset + length - 1) / kStoreBlock + 1 - first);
}

} // namespace kindling::vmm
