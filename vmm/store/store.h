// SPDX-License-Identifier: Apache-2.0
// The snapshots of a directory: <store>/snapshots/<name>/. A snapshot is written to a directory of
// its own and gets its name when it is whole and on stable storage, so that whatever happens there
// is the old state or the new one. What has a name is never changed.
//
// Several processes may use a store at a time.
#pragma once

#include <string>
#include <vector>

#include "arch/result.h"
#include "vmm/store/directory.h"
#include "vmm/store/image_writer.h"
#include "vmm/store/manifest.h"
#include "vmm/store/merged_images.h"
#include "vmm/store/working_sets.h"

namespace kindling::vmm {

inline constexpr const char* kDefaultStore = "./vmstore";

// A snapshot with its files open: they can be used even if it is removed meanwhile.
struct SnapshotLayer {
  Manifest manifest;
  Image ram;
  std::vector<Image> disks;
};

// A snapshot and those that it lies over, the one without a parent first.
struct SnapshotChain {
  std::vector<SnapshotLayer> layers;
  std::vector<u8> state; // of the last one

  [[nodiscard]] const Manifest& top() const { return layers.back().manifest; }
};

// A snapshot in the making; goes away without commit().
class SnapshotWriter {
public:
  Result<ImageWriter> create_image(const std::string& stem, u64 size) const {
    return ImageWriter::create(directory_.path() + "/" + stem, size);
  }
  // Fills in name and state's checksum, and gives the snapshot its name. Errors: the name is taken;
  // what it lies over was removed meanwhile; the host refuses; nothing is left behind.
  Status commit(Manifest manifest, std::span<const u8> state) &&;

private:
  friend class Store;
  SnapshotWriter(OwnedDirectory directory, std::string store, std::string name)
      : directory_(std::move(directory)), store_(std::move(store)), name_(std::move(name)) {}
  Status write_files(Manifest& manifest, std::span<const u8> state) const;

  OwnedDirectory directory_;
  std::string store_; // its path
  std::string name_;
};

class Store {
public:
  explicit Store(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const { return path_; }

  // Errors: the name is no name, or taken; the host refuses.
  [[nodiscard]] Result<SnapshotWriter> begin(const std::string& name) const;

  // Errors name the file and what is wrong with it.
  [[nodiscard]] Result<Manifest> read_manifest(const std::string& name) const;
  [[nodiscard]] Result<SnapshotChain> open(const std::string& name) const;

  // Of those whose manifest can be read; the others are told of by name with what is wrong.
  struct Listing {
    std::vector<Manifest> snapshots;
    std::vector<Error> damaged;
  };
  [[nodiscard]] Result<Listing> list() const;

  // Bytes that a snapshot's own files take on the disk.
  [[nodiscard]] u64 disk_usage(const std::string& name) const;

  // Reads all that the snapshot and those below it hold, and compares checksums.
  [[nodiscard]] Status verify(const std::string& name) const;

  // Errors: there is none; others lie over it; clones of it run, unless `although_used`: these lose
  // nothing, for they have its files open, but can make no more differences to it.
  [[nodiscard]] Status remove(const std::string& name, bool although_used = false) const;

  // Makes the snapshot one without a parent, with the same contents. Those over it stay so.
  [[nodiscard]] Status flatten(const std::string& name) const;

  // Of those that have a name: what clones touch first.
  [[nodiscard]] WorkingSets working_sets() const { return WorkingSets(path_ + "/working-sets"); }

  // And their memory as one file each, where a chain is long.
  [[nodiscard]] MergedImages merged_images() const { return MergedImages(path_ + "/merged"); }

  // Removes what was kept for snapshots that are not there any more; returns what it was.
  [[nodiscard]] Result<std::vector<std::string>> collect_unneeded() const;

  // Removes what processes have left behind that ended half-way; returns what it was.
  [[nodiscard]] Result<std::vector<std::string>> collect() const;

  // A directory for the files of a running clone of that snapshot. Of a store that this process may
  // only read, which nothing is removed from either, it is in the host's temporary directory.
  [[nodiscard]] Result<OwnedDirectory> begin_clone(const Manifest& snapshot) const;

  // The processes that run clones of that snapshot.
  [[nodiscard]] std::vector<u64> clones_of(const std::string& id) const;

private:
  friend class SnapshotWriter;
  [[nodiscard]] std::string snapshots() const { return path_ + "/snapshots"; }
  [[nodiscard]] std::string instances() const { return path_ + "/instances"; }
  // For as long as it lives no snapshot gets its name or loses it.
  [[nodiscard]] Result<File> lock_names() const { return lock_directory(snapshots()); }
  [[nodiscard]] Status check_there(const std::string& name) const;
  [[nodiscard]] Status check_removable(const std::string& name, bool although_used) const;
  [[nodiscard]] std::string directory(const std::string& name) const {
    return snapshots() + "/" + name;
  }
  [[nodiscard]] Result<SnapshotLayer> open_layer(const std::string& name) const;

  std::string path_;
};

} // namespace kindling::vmm
