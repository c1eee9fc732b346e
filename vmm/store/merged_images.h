// SPDX-License-Identifier: Apache-2.0
// The memory of snapshots whose chains have too many ranges to be mapped one by one, as one file
// each: <store>/merged/<id>/. They are beside the snapshots, which are whole without.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "vmm/store/image_writer.h"
#include "vmm/store/manifest.h"

namespace kindling::vmm {

class MergedImages {
public:
  explicit MergedImages(std::string directory) : directory_(std::move(directory)) {}

  // nullopt: there is none. Errors: it is damaged.
  [[nodiscard]] Result<std::optional<Image>> read(const Manifest& snapshot) const;
  // Of the snapshot's layers, the first one at the bottom; in place of what was there, at one
  // moment.
  [[nodiscard]] Result<Image> write(const Manifest& snapshot, std::span<const Image> layers) const;
  // Reads all of it and compares checksums. Errors: it is there, and damaged.
  [[nodiscard]] Status verify(const Manifest& snapshot) const;
  void remove(const std::string& id) const;
  // Removes those of other snapshots; returns their names.
  [[nodiscard]] Result<std::vector<std::string>>
  collect(const std::set<std::string>& snapshots) const;

private:
  [[nodiscard]] std::string path(const std::string& id) const { return directory_ + "/" + id; }
  [[nodiscard]] Result<std::optional<Manifest>> read_manifest(const Manifest& snapshot) const;

  std::string directory_;
};

} // namespace kindling::vmm
