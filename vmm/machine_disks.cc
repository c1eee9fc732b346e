// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine_disks.h"

#include <algorithm>

#include <fmt/format.h>

#include "vmm/loader/disk.h"

namespace kindling::vmm {

namespace {

MachineDisk make_disk(std::unique_ptr<devices::BlockBackend> backend, const std::string& id) {
  MachineDisk disk;
  disk.id = id;
  disk.changes = std::make_unique<ChangeLog>((backend->size() + kStoreBlock - 1) / kStoreBlock);
  disk.backend = std::make_unique<devices::UndoDisk>(
      std::make_unique<LoggedDisk>(std::move(backend), *disk.changes));
  disk.disk = disk.backend.get();
  return disk;
}

// Blocks that are all zeros are left out if `skip_zeros`.
Status read_into(devices::BlockBackend& disk, const RangeMap& map, bool skip_zeros,
                 ImageWriter& to) {
  constexpr u64 kMostAtOnce = 64; // blocks
  std::vector<u8> buffer;
  for (const BlockRange& range : map.ranges()) {
    for (u64 first = range.first; first < range.end(); first += kMostAtOnce) {
      const u64 end = std::min(range.end(), first + kMostAtOnce);
      buffer.resize(std::min(end * kStoreBlock, disk.size()) - first * kStoreBlock);
      if (!disk.read(first * kStoreBlock, buffer)) {
        return Error{fmt::format("reading the disk at {} failed", first * kStoreBlock)};
      }
      if (skip_zeros && is_zero(buffer)) {
        continue;
      }
      if (Status s = to.add(first, buffer); !s) {
        return s;
      }
    }
  }
  return {};
}

} // namespace

Result<std::vector<MachineDisk>> open_disks(std::span<const DiskConfig> configs) {
  std::vector<MachineDisk> disks;
  for (const DiskConfig& config : configs) {
    auto backend = open_machine_disk(config.path, config.read_only);
    if (!backend) {
      return backend.error();
    }
    disks.push_back(make_disk(std::move(*backend), config.id));
    disks.back().path = config.path;
  }
  return disks;
}

Result<std::vector<MachineDisk>> clone_disks(SnapshotChain& chain, const std::string& directory) {
  std::vector<MachineDisk> disks;
  const std::vector<ManifestDisk>& manifests = chain.top().disks;
  for (size_t i = 0; i < manifests.size(); ++i) {
    std::vector<Image> layers;
    for (SnapshotLayer& layer : chain.layers) {
      layers.push_back(std::move(layer.disks[i]));
    }
    auto overlay = File::create(fmt::format("{}/disk{}.img", directory, i));
    if (!overlay) {
      return overlay.error();
    }
    if (Status s = overlay->resize(manifests[i].image.size); !s) {
      return s.error();
    }
    auto layered = std::make_unique<LayeredDisk>(std::move(layers), std::move(*overlay),
                                                 manifests[i].read_only);
    const LayeredDisk* below = layered.get();
    disks.push_back(make_disk(std::move(layered), manifests[i].id));
    disks.back().layers = below;
  }
  return disks;
}

Status write_disk_image(const MachineDisk& disk, const RangeMap* only, ImageWriter& to) {
  if (only != nullptr) {
    return read_into(*disk.disk, *only, false, to);
  }
  if (disk.layers != nullptr) {
    return read_into(*disk.disk, disk.layers->data(), true, to);
  }
  const auto file = File::open_to_read(disk.path);
  if (!file) {
    return file.error();
  }
  const auto data = data_blocks(*file, disk.disk->size());
  return data ? to.copy(*file, *data) : data.error();
}

} // namespace kindling::vmm
