// SPDX-License-Identifier: Apache-2.0
#include "devices/undo_disk.h"

#include <algorithm>

#include <fmt/format.h>

namespace kindling::devices {

namespace {

constexpr u64 kMostAtOnce = 64; // blocks

bool write_all(BlockBackend& disk, u64 offset, std::span<const u8> bytes) {
  const iovec from{const_cast<u8*>(bytes.data()), bytes.size()};
  return disk.write(offset, {&from, 1});
}

} // namespace

Status UndoDisk::push() {
  if (read_only()) {
    layers_.emplace_back();
    return {};
  }
  auto scratch = open_scratch_disk();
  if (!scratch) {
    return scratch.error();
  }
  layers_.emplace_back().scratch = std::move(*scratch);
  return {};
}

void UndoDisk::clear() {
  layers_.clear();
  lost_.reset();
}

u64 UndoDisk::changed_bytes(size_t index) const {
  return layers_[index].changed * kBlock;
}

// The last block may be shorter.
u64 UndoDisk::bytes_of(u64 first, u64 count) const {
  return std::min(count * kBlock, size() - first * kBlock);
}

Status UndoDisk::keep(Layer& layer, u64 first, u64 count) {
  buffer_.resize(count * kBlock);
  const std::span<u8> bytes = std::span(buffer_).first(bytes_of(first, count));
  if (!below().read(first * kBlock, bytes)) {
    return Error{
        fmt::format("reading {} bytes at {} of the disk failed", bytes.size(), first * kBlock)};
  }
  if (!write_all(*layer.scratch, layer.slots * kBlock, bytes)) {
    return Error{"the temporary file takes no more; is its file system full?"};
  }
  for (u64 i = 0; i < count; ++i) {
    layer.copies[first + i] = {layer.slots++, true};
  }
  layer.changed += count;
  return {};
}

void UndoDisk::before_change(u64 offset, u64 length) {
  if (layers_.empty() || lost_) {
    return;
  }
  Layer& layer = layers_.back();
  const u64 end = (offset + length - 1) / kBlock + 1;
  u64 first = offset / kBlock; // of those to be kept together, up to `block`
  const auto keep_up_to = [&](u64 block) {
    for (; first < block && !lost_;) {
      const u64 count = std::min(kMostAtOnce, block - first);
      if (Status kept = keep(layer, first, count); !kept) {
        lost_ = kept.error();
      }
      first += count;
    }
  };
  for (u64 block = first; block < end; ++block) {
    const auto found = layer.copies.find(block);
    if (found == layer.copies.end()) {
      continue;
    }
    keep_up_to(block);
    first = block + 1;
    layer.changed += found->second.changed ? 0 : 1;
    found->second.changed = true;
  }
  keep_up_to(end);
}

Status UndoDisk::put_back(Layer& layer) {
  buffer_.resize(kBlock);
  for (auto& [block, copy] : layer.copies) {
    if (!copy.changed) {
      continue;
    }
    const std::span<u8> bytes = std::span(buffer_).first(bytes_of(block, 1));
    if (!layer.scratch->read(copy.slot * kBlock, bytes)) {
      return Error{"reading the temporary file failed"};
    }
    if (!write_all(below(), block * kBlock, bytes)) {
      return Error{
          fmt::format("writing {} bytes at {} of the disk failed", bytes.size(), block * kBlock)};
    }
    copy.changed = false;
  }
  layer.changed = 0;
  return {};
}

Status UndoDisk::roll_back(size_t index) {
  if (lost_) {
    return lost_->with_context("what the disk was could not be kept");
  }
  for (; layers_.size() > index + 1; layers_.pop_back()) {
    if (Status s = put_back(layers_.back()); !s) {
      return s;
    }
  }
  return put_back(layers_.back());
}

} // namespace kindling::devices
