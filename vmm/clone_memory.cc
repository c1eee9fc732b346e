// SPDX-License-Identifier: Apache-2.0
#include "vmm/clone_memory.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {

// Made if it is not there; nullopt: it cannot be made.
std::optional<Image> merged(const Manifest& snapshot, std::span<const Image> layers,
                            const MergedImages& images, const Log& log) {
  auto there = images.read(snapshot);
  if (!there) {
    log.line(LogLevel::kWarn, there.error().message);
  } else if (*there) {
    return std::move(*there);
  }
  auto made = images.write(snapshot, layers);
  if (made) {
    return std::move(*made);
  }
  log.line(LogLevel::kWarn,
           fmt::format("snapshot {} has too many layers to go on from quickly, and merging them "
                       "failed: {}",
                       snapshot.name, made.error().message));
  return std::nullopt;
}

} // namespace

Status show_snapshot(GuestRam& ram, SnapshotChain& chain, const Store& store, const Log& log,
                     size_t most_ranges) {
  std::vector<Image> layers;
  for (SnapshotLayer& layer : chain.layers) {
    layers.push_back(std::move(layer.ram));
  }
  std::vector<LayerRange> above = ranges_above_the_lowest(layers);
  if (above.size() > most_ranges) {
    if (std::optional<Image> one = merged(chain.top(), layers, store.merged_images(), log)) {
      layers.clear();
      layers.push_back(std::move(*one));
      above.clear();
    }
  }
  return ram.show(layers, std::move(above), std::max(most_ranges, kMostMappedWithoutMerging));
}

} // namespace kindling::vmm
