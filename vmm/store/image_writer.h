// SPDX-License-Identifier: Apache-2.0
// Writes an image of a snapshot: <stem>.img with the blocks, <stem>.map with which ones they are.
#pragma once

#include <span>
#include <string>

#include "vmm/store/image_file.h"
#include "vmm/store/manifest.h"

namespace kindling::vmm {

class ImageWriter {
public:
  // Of an image of `size` bytes. Errors: the files are there already; the host refuses.
  static Result<ImageWriter> create(const std::string& stem, u64 size);

  // Adds blocks from `first` on, behind all that were added before. Whole ones, but the last of the
  // image may be cut short.
  Status add(u64 first, std::span<const u8> bytes);

  // Instead of add(): copies the blocks of `map` from a file of the same size.
  Status copy(const File& from, const RangeMap& map);

  // When all blocks are there: brings both files to stable storage.
  Result<ManifestImage> finish();

private:
  ImageWriter(std::string stem, File file, u64 size)
      : stem_(std::move(stem)), file_(std::move(file)), size_(size) {}

  std::string stem_;
  File file_;
  u64 size_;
  RangeMap map_;
};

// One <stem>.img and <stem>.map as a manifest describes them. `open` checks the map; the blocks are
// only checked by verify().
struct Image {
  File file;
  RangeMap map;
  u64 size = 0;

  static Result<Image> open(const std::string& stem, const ManifestImage& manifest);
  [[nodiscard]] Status verify(const ManifestImage& manifest) const;
};

// What is seen of the layers above the first one, the later ones over the earlier ones.
std::vector<LayerRange> ranges_above_the_lowest(std::span<const Image> layers);
// The image that several layers make up, the later ones over the earlier ones, as one.
Status merge_images(std::span<const Image* const> layers, ImageWriter& to);

} // namespace kindling::vmm
