// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/image_writer.h"

#include <algorithm>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {

// More than an image of 64 GiB with every other block has.
constexpr u64 kMaxMapBytes = 256ULL << 20;

u64 blocks_of(u64 size) {
  return (size + kStoreBlock - 1) / kStoreBlock;
}

} // namespace

Result<ImageWriter> ImageWriter::create(const std::string& stem, u64 size) {
  auto file = File::create(stem + ".img");
  if (!file) {
    return file.error();
  }
  if (Status s = file->resize(size); !s) {
    return s.error().with_context(stem + ".img");
  }
  return ImageWriter(stem, std::move(*file), size);
}

Status ImageWriter::add(u64 first, std::span<const u8> bytes) {
  if (!map_.append({first, blocks_of(bytes.size())}) ||
      first * kStoreBlock + bytes.size() > size_) {
    return Error{
        fmt::format("{}.img: a block {} does not belong behind what is there", stem_, first)};
  }
  Status s = file_.write(first * kStoreBlock, bytes);
  return s ? s : s.error().with_context(stem_ + ".img");
}

Status ImageWriter::copy(const File& from, const RangeMap& map) {
  map_ = map;
  Status s = copy_blocks(from, file_, map, size_);
  return s ? s : s.error().with_context(stem_ + ".img");
}

Result<ManifestImage> ImageWriter::finish() {
  const auto sum = checksum(file_, map_, size_);
  if (!sum) {
    return sum.error().with_context(stem_ + ".img");
  }
  if (Status s = file_.sync(); !s) {
    return s.error().with_context(stem_ + ".img");
  }
  const std::vector<u8> map = map_.encode();
  if (Status s = write_file(stem_ + ".map", map); !s) {
    return s.error();
  }
  return ManifestImage{size_, map_.blocks(), *sum, checksum(map)};
}

Result<Image> Image::open(const std::string& stem, const ManifestImage& manifest) {
  const auto raw = read_file(stem + ".map", kMaxMapBytes);
  if (!raw) {
    return raw.error();
  }
  if (checksum(*raw) != manifest.map_checksum) {
    return Error{fmt::format("{}.map is damaged: its checksum does not match", stem)};
  }
  auto map = RangeMap::decode(*raw, blocks_of(manifest.size));
  if (!map) {
    return map.error().with_context(stem + ".map");
  }
  auto file = File::open_to_read(stem + ".img");
  if (!file) {
    return file.error();
  }
  const auto size = file->size();
  if (!size || *size != manifest.size) {
    return Error{fmt::format("{}.img has {} bytes, and {} are right", stem, size ? *size : 0,
                             manifest.size)};
  }
  return Image{std::move(*file), std::move(*map), manifest.size};
}

Status Image::verify(const ManifestImage& manifest) const {
  const auto sum = checksum(file, map, size);
  if (!sum) {
    return sum.error();
  }
  return *sum == manifest.checksum ? Status()
                                   : Error{"its blocks are damaged: the checksum of "
                                           "what is there does not match"};
}

std::vector<LayerRange> ranges_above_the_lowest(std::span<const Image> layers) {
  std::vector<RangeMap> maps;
  for (const Image& layer : layers) {
    maps.push_back(layer.map);
  }
  std::vector<LayerRange> ranges = resolve_layers(maps);
  std::erase_if(ranges, [](const LayerRange& range) { return range.layer == 0; });
  return ranges;
}

Status merge_images(std::span<const Image* const> layers, ImageWriter& to) {
  std::vector<RangeMap> maps;
  for (const Image* layer : layers) {
    maps.push_back(layer->map);
  }
  std::vector<u8> buffer;
  for (const LayerRange& range : resolve_layers(maps)) {
    const Image& from = *layers[range.layer];
    constexpr u64 kMostAtOnce = 256; // blocks
    for (u64 first = range.blocks.first; first < range.blocks.end(); first += kMostAtOnce) {
      const u64 end = std::min(range.blocks.end(), first + kMostAtOnce);
      buffer.resize(std::min(end * kStoreBlock, from.size) - first * kStoreBlock);
      if (Status s = from.file.read(first * kStoreBlock, buffer); !s) {
        return s;
      }
      if (Status s = to.add(first, buffer); !s) {
        return s;
      }
    }
  }
  return {};
}

} // namespace kindling::vmm
