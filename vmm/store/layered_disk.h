// SPDX-License-Identifier: Apache-2.0
// Disks of machines that come from a snapshot, or of which snapshots are made.
#pragma once

#include <memory>
#include <vector>

#include "devices/watched_disk.h"
#include "vmm/store/change_log.h"
#include "vmm/store/image_writer.h"

namespace kindling::vmm {

// Reads the layers of a snapshot, the first one at the bottom, and writes to a file of its own that
// starts out empty and means nothing afterwards: flushing it does nothing.
class LayeredDisk final : public devices::BlockBackend {
public:
  // All layers have the same size. `overlay` is empty and writable.
  LayeredDisk(std::vector<Image> layers, File overlay, bool read_only);

  [[nodiscard]] u64 size() const override { return size_; }
  [[nodiscard]] bool read_only() const override { return read_only_; }
  bool read(u64 offset, std::span<u8> to) override;
  bool write(u64 offset, std::span<const iovec> from) override;
  bool flush() override { return true; }
  bool discard(u64 /*offset*/, u64 /*length*/) override { return true; }
  bool write_zeroes(u64 offset, u64 length, bool may_unmap) override;

  // The blocks that are not known to be zeros.
  [[nodiscard]] RangeMap data() const;

private:
  bool write_bytes(u64 offset, std::span<const u8> bytes);
  bool read_below(u64 offset, std::span<u8> to);
  // How much from `offset` on lies in the overlay, or does not, up to `length`.
  [[nodiscard]] u64 run(u64 offset, u64 length, bool in_overlay) const;

  const std::vector<Image> layers_;
  const u64 size_;
  const bool read_only_;
  std::vector<LayerRange> below_;
  File overlay_;
  PageSet written_; // blocks of the overlay
};

// Notes in a ChangeLog what is written to the disk below. It outlives this.
class LoggedDisk final : public devices::WatchedDisk {
public:
  LoggedDisk(std::unique_ptr<devices::BlockBackend> disk, ChangeLog& log)
      : WatchedDisk(std::move(disk)), log_(log) {}

private:
  void before_change(u64 offset, u64 length) override;

  ChangeLog& log_;
};

} // namespace kindling::vmm
