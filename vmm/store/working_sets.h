// SPDX-License-Identifier: Apache-2.0
// Which blocks of a snapshot's memory a clone touches first: <store>/working-sets/<id>. They are
// beside the snapshots, which are never changed, and a snapshot is whole without.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vmm/store/range_map.h"

namespace kindling::vmm {

class WorkingSets {
public:
  explicit WorkingSets(std::string directory) : directory_(std::move(directory)) {}

  // Of the snapshot of that id, whose memory has `blocks` blocks; nullopt: none was recorded.
  // Errors: the file is damaged.
  [[nodiscard]] Result<std::optional<RangeMap>> read(const std::string& id, u64 blocks) const;
  // In place of what was there, at one moment.
  [[nodiscard]] Status write(const std::string& id, const RangeMap& blocks) const;
  void remove(const std::string& id) const;
  // Removes those of other snapshots; returns their names.
  [[nodiscard]] Result<std::vector<std::string>>
  collect(const std::set<std::string>& snapshots) const;

private:
  [[nodiscard]] std::string path(const std::string& id) const { return directory_ + "/" + id; }

  std::string directory_;
};

} // namespace kindling::vmm
