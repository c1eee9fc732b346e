// SPDX-License-Identifier: Apache-2.0
// A disk that can be taken back to what it was at several moments of the past. What is written goes
// to the disk below as ever; what was there before is kept in a temporary file, so that going back
// costs what was written since, and nothing is kept while there is no moment to go back to.
//
// Moments are numbered from the oldest, 0. Functions that deal with them are for one thread, while
// nobody uses the disk.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "devices/watched_disk.h"

namespace kindling::devices {

class UndoDisk final : public WatchedDisk {
public:
  static constexpr u64 kBlock = 4096;

  explicit UndoDisk(std::unique_ptr<BlockBackend> disk) : WatchedDisk(std::move(disk)) {}

  // Remembers the disk as it is now. Errors: there is no temporary file to be had.
  Status push();
  [[nodiscard]] size_t moments() const { return layers_.size(); }
  // Forgets the newest moment, since which nothing has changed; or all.
  void pop() { layers_.pop_back(); }
  void clear();

  // Bytes that have changed between moment `index` and the next one, in whole blocks.
  [[nodiscard]] u64 changed_bytes(size_t index) const;

  // Makes the disk what it was at moment `index` and forgets all later ones. Errors: what was
  // overwritten could not be kept at the time; or the disk fails, and is left in between.
  Status roll_back(size_t index);

private:
  struct Copy {
    u64 slot = 0; // of kBlock bytes in the scratch disk
    bool changed = true;
  };
  // A block that was put back keeps its copy, which is right again when it changes again.
  struct Layer {
    std::unique_ptr<BlockBackend> scratch;
    std::unordered_map<u64, Copy> copies; // by block
    u64 slots = 0;
    u64 changed = 0; // copies that are
  };

  void before_change(u64 offset, u64 length) override;
  Status keep(Layer& layer, u64 first, u64 count);
  Status put_back(Layer& layer);
  [[nodiscard]] u64 bytes_of(u64 first, u64 count) const;

  std::vector<Layer> layers_;
  std::optional<Error> lost_; // why something could not be kept
  std::vector<u8> buffer_;
};

} // namespace kindling::devices
