// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/store.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kindling::vmm {

namespace {

constexpr u64 kMaxState = 64ULL << 20;
constexpr size_t kMaxChain = 1000;
// Of a clone's directory: the id of the snapshot that it comes from, and its process.
constexpr const char* kCloneOf = "/clone-of";
constexpr u64 kMaxCloneOf = 4096;
constexpr const char* kElsewherePrefix = "kindling-clone-";

// Whether it is there and not to be written to.
bool only_readable(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0 &&
         (errno == EROFS || errno == EACCES);
}

Result<OwnedDirectory> begin_clone_elsewhere() {
  std::error_code error;
  const std::string parent = std::filesystem::temp_directory_path(error);
  if (error) {
    return Error{
        fmt::format("a clone of a store that is only read needs a temporary directory, and "
                    "there is none ($TMPDIR): {}",
                    error.message())};
  }
  (void)remove_orphans(parent, kElsewherePrefix);
  return OwnedDirectory::create(parent, kElsewherePrefix);
}

std::string disk_stem(size_t index) {
  return fmt::format("disk{}", index);
}

} // namespace

Status SnapshotWriter::write_files(Manifest& manifest, std::span<const u8> state) const {
  manifest.name = name_;
  manifest.state_checksum = checksum(state);
  if (Status s = write_file(directory_.path() + "/state.bin", state); !s) {
    return s;
  }
  const std::string json = to_json(manifest);
  if (Status s = write_file(directory_.path() + "/manifest.json",
                            {reinterpret_cast<const u8*>(json.data()), json.size()});
      !s) {
    return s;
  }
  return sync_directory(directory_.path());
}

Status SnapshotWriter::commit(Manifest manifest, std::span<const u8> state) && {
  if (Status s = write_files(manifest, state); !s) {
    return s;
  }
  const Store store(store_);
  const auto lock = store.lock_names();
  if (!lock) {
    return lock.error();
  }
  if (manifest.parent) {
    const auto below = store.read_manifest(manifest.parent->name);
    if (!below || below->id != manifest.parent->id) {
      return Error{fmt::format("snapshot {}, over which it is to lie, was removed meanwhile; the "
                               "next one will not need it",
                               manifest.parent->name)};
    }
  }
  if (Status s = rename_to_new(directory_.path(), store.directory(name_)); !s) {
    return s;
  }
  directory_.release();
  return sync_directory(store.snapshots());
}

Result<SnapshotWriter> Store::begin(const std::string& name) const {
  if (Status s = check_snapshot_name(name); !s) {
    return s.error();
  }
  struct stat info {};
  if (::lstat(directory(name).c_str(), &info) == 0) {
    return Error{fmt::format("there is a snapshot {} already; another name would do, or boot "
                             "snapshot rm {}",
                             name, name)};
  }
  auto temporary = OwnedDirectory::create(snapshots(), kTemporaryPrefix);
  if (!temporary) {
    return temporary.error();
  }
  return SnapshotWriter(std::move(*temporary), path_, name);
}

Status Store::check_there(const std::string& name) const {
  struct stat info {};
  if (::lstat(directory(name).c_str(), &info) == 0) {
    return {};
  }
  return errno == ENOENT
             ? Error{fmt::format(
                   "there is no snapshot {} in {}; boot snapshot list shows what there is", name,
                   path_)}
             : Error{fmt::format("cannot look for snapshot {} in {}: {}", name, path_,
                                 std::generic_category().message(errno))};
}

Result<Manifest> Store::read_manifest(const std::string& name) const {
  if (Status s = check_snapshot_name(name); !s) {
    return s.error();
  }
  if (Status s = check_there(name); !s) {
    return s.error();
  }
  const std::string path = directory(name) + "/manifest.json";
  const auto bytes = read_file(path, kMaxManifest);
  if (!bytes) {
    return bytes.error();
  }
  auto manifest = parse_manifest(*bytes);
  if (!manifest) {
    return manifest.error().with_context(path);
  }
  if (manifest->name != name) {
    return Error{fmt::format("{}: it is the manifest of {}", path, manifest->name)};
  }
  return manifest;
}

Result<SnapshotLayer> Store::open_layer(const std::string& name) const {
  auto manifest = read_manifest(name);
  if (!manifest) {
    return manifest.error();
  }
  SnapshotLayer layer;
  layer.manifest = std::move(*manifest);
  auto ram = Image::open(directory(name) + "/ram", layer.manifest.ram);
  if (!ram) {
    return ram.error();
  }
  layer.ram = std::move(*ram);
  for (size_t i = 0; i < layer.manifest.disks.size(); ++i) {
    auto disk = Image::open(directory(name) + "/" + disk_stem(i), layer.manifest.disks[i].image);
    if (!disk) {
      return disk.error();
    }
    layer.disks.push_back(std::move(*disk));
  }
  return layer;
}

namespace {

// Whether one can lie over the other.
Status check_fit(const Manifest& below, const Manifest& over) {
  bool fits = below.ram.size == over.ram.size && below.disks.size() == over.disks.size();
  for (size_t i = 0; fits && i < over.disks.size(); ++i) {
    fits = below.disks[i].image.size == over.disks[i].image.size;
  }
  return fits ? Status()
              : Error{fmt::format("snapshot {} is of another machine than {}, over which it lies",
                                  over.name, below.name)};
}

} // namespace

Result<SnapshotChain> Store::open(const std::string& name) const {
  SnapshotChain chain;
  std::set<std::string> seen;
  std::optional<ParentReference> next = ParentReference{name, ""};
  while (next) {
    if (!seen.insert(next->name).second || seen.size() > kMaxChain) {
      return Error{fmt::format("snapshot {} lies over itself", next->name)};
    }
    auto layer = open_layer(next->name);
    if (!layer) {
      return chain.layers.empty() ? layer.error()
                                  : layer.error().with_context(
                                        fmt::format("snapshot {} needs {}", name, next->name));
    }
    if (!next->id.empty() && layer->manifest.id != next->id) {
      return Error{
          fmt::format("snapshot {} lies over a snapshot {} that is not there any more: the "
                      "one of that name is another",
                      name, next->name)};
    }
    if (!chain.layers.empty()) {
      if (Status s = check_fit(layer->manifest, chain.layers.back().manifest); !s) {
        return s.error();
      }
    }
    next = layer->manifest.parent;
    chain.layers.push_back(std::move(*layer));
  }
  std::ranges::reverse(chain.layers);
  const std::string path = directory(name) + "/state.bin";
  auto state = read_file(path, kMaxState);
  if (!state) {
    return state.error();
  }
  if (checksum(*state) != chain.top().state_checksum) {
    return Error{fmt::format("{} is damaged: its checksum does not match", path)};
  }
  chain.state = std::move(*state);
  return chain;
}

Result<Store::Listing> Store::list() const {
  const auto names = list_directory(snapshots());
  if (!names) {
    return names.error();
  }
  Listing listing;
  for (const std::string& name : *names) {
    if (!check_snapshot_name(name)) {
      continue; // not ours, or in the making
    }
    auto manifest = read_manifest(name);
    if (manifest) {
      listing.snapshots.push_back(std::move(*manifest));
    } else {
      listing.damaged.push_back(manifest.error());
    }
  }
  return listing;
}

u64 Store::disk_usage(const std::string& name) const {
  const auto files = list_directory(directory(name));
  u64 sum = 0;
  for (const std::string& file : files ? *files : std::vector<std::string>()) {
    struct stat info {};
    if (::stat((directory(name) + "/" + file).c_str(), &info) == 0) {
      sum += static_cast<u64>(info.st_blocks) * 512;
    }
  }
  return sum;
}

Status Store::verify(const std::string& name) const {
  const auto chain = open(name);
  if (!chain) {
    return chain.error();
  }
  const Manifest& top = chain->top();
  if (const auto set = working_sets().read(top.id, top.ram.size / kStoreBlock); !set) {
    return set.error();
  }
  if (Status s = merged_images().verify(top); !s) {
    return s;
  }
  for (const SnapshotLayer& layer : chain->layers) {
    const std::string at = directory(layer.manifest.name);
    if (Status s = layer.ram.verify(layer.manifest.ram); !s) {
      return s.error().with_context(at + "/ram.img");
    }
    for (size_t i = 0; i < layer.disks.size(); ++i) {
      if (Status s = layer.disks[i].verify(layer.manifest.disks[i].image); !s) {
        return s.error().with_context(fmt::format("{}/{}.img", at, disk_stem(i)));
      }
    }
  }
  return {};
}

Result<OwnedDirectory> Store::begin_clone(const Manifest& snapshot) const {
  if (only_readable(path_) || only_readable(instances())) {
    return begin_clone_elsewhere();
  }
  auto clone = OwnedDirectory::create(instances(), "");
  if (!clone) {
    return clone;
  }
  const std::string text = fmt::format("{}\n{}\n", snapshot.id, ::getpid());
  const Status s = write_passing_file(clone->path() + kCloneOf,
                                      {reinterpret_cast<const u8*>(text.data()), text.size()});
  return s ? std::move(clone) : Result<OwnedDirectory>(s.error());
}

std::vector<u64> Store::clones_of(const std::string& id) const {
  std::vector<u64> processes;
  const auto names = list_directory(instances());
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    const std::string path = instances() + "/" + name;
    const auto bytes = read_file(path + kCloneOf, kMaxCloneOf);
    if (!bytes || !is_owned(path)) {
      continue; // it just begins or ends, or its process has died
    }
    const std::string text(bytes->begin(), bytes->end());
    const size_t end = text.find('\n');
    u64 process = 0;
    if (text.substr(0, end) == id && end != std::string::npos) {
      std::from_chars(text.data() + end + 1, text.data() + text.size(), process);
      processes.push_back(process);
    }
  }
  return processes;
}

Status Store::check_removable(const std::string& name, bool although_used) const {
  if (Status s = check_there(name); !s) {
    return s;
  }
  const auto listing = list();
  if (!listing) {
    return listing.error();
  }
  std::vector<std::string> over;
  for (const Manifest& other : listing->snapshots) {
    if (other.parent && other.parent->name == name) {
      over.push_back(other.name);
    }
  }
  if (!over.empty()) {
    return Error{fmt::format("snapshot {} is needed by {}; remove or flatten these first", name,
                             fmt::join(over, ", "))};
  }
  // One that is damaged has no clones that it could be told of.
  const auto manifest = read_manifest(name);
  const auto clones = manifest && !although_used ? clones_of(manifest->id) : std::vector<u64>();
  return clones.empty()
             ? Status()
             : Error{fmt::format("snapshot {} is in use by clones: process {}; end these first, or "
                                 "--force: they would lose nothing",
                                 name, fmt::join(clones, ", "))};
}

Status Store::remove(const std::string& name, bool although_used) const {
  if (Status s = check_snapshot_name(name); !s) {
    return s;
  }
  if (Status s = check_removable(name, although_used); !s) {
    return s; // before anything is written
  }
  // Out of the way at one moment, then for as long as it takes.
  auto temporary = OwnedDirectory::create(snapshots(), kTemporaryPrefix);
  if (!temporary) {
    return temporary.error();
  }
  const auto lock = lock_names();
  if (!lock) {
    return lock.error();
  }
  if (Status s = check_removable(name, although_used); !s) {
    return s;
  }
  if (const auto manifest = read_manifest(name)) {
    working_sets().remove(manifest->id);
    merged_images().remove(manifest->id);
  }
  if (Status s = rename_to_new(directory(name), temporary->path() + "/" + name); !s) {
    return s;
  }
  return sync_directory(snapshots());
}

Status Store::flatten(const std::string& name) const {
  auto chain = open(name);
  if (!chain) {
    return chain.error();
  }
  if (chain->layers.size() == 1) {
    return {};
  }
  auto temporary = OwnedDirectory::create(snapshots(), kTemporaryPrefix);
  if (!temporary) {
    return temporary.error();
  }
  SnapshotWriter writer(std::move(*temporary), path_, name);
  Manifest manifest = chain->top();
  manifest.parent.reset();
  const auto flatten_image = [&](const std::string& stem, std::span<const Image* const> layers,
                                 ManifestImage& to) -> Status {
    auto image = writer.create_image(stem, to.size);
    if (!image) {
      return image.error();
    }
    if (Status s = merge_images(layers, *image); !s) {
      return s.error().with_context(stem + ".img");
    }
    auto finished = image->finish();
    if (!finished) {
      return finished.error();
    }
    to = *finished;
    return {};
  };
  std::vector<const Image*> images;
  for (const SnapshotLayer& layer : chain->layers) {
    images.push_back(&layer.ram);
  }
  if (Status s = flatten_image("ram", images, manifest.ram); !s) {
    return s;
  }
  for (size_t i = 0; i < manifest.disks.size(); ++i) {
    images.clear();
    for (const SnapshotLayer& layer : chain->layers) {
      images.push_back(&layer.disks[i]);
    }
    if (Status s = flatten_image(disk_stem(i), images, manifest.disks[i].image); !s) {
      return s;
    }
  }
  if (Status s = writer.write_files(manifest, chain->state); !s) {
    return s;
  }
  const auto lock = lock_names();
  if (!lock) {
    return lock.error();
  }
  const auto there = read_manifest(name);
  if (!there || there->id != manifest.id) {
    return Error{fmt::format("snapshot {} was removed meanwhile", name)};
  }
  if (Status s = exchange_directories(writer.directory_.path(), directory(name)); !s) {
    return s;
  }
  merged_images().remove(manifest.id); // the snapshot is like that itself
  return sync_directory(snapshots());  // what it was goes with the writer
}

Result<std::vector<std::string>> Store::collect_unneeded() const {
  const auto listing = list();
  if (!listing) {
    return listing.error();
  }
  std::set<std::string> ids;
  for (const Manifest& snapshot : listing->snapshots) {
    ids.insert(snapshot.id);
  }
  auto removed = working_sets().collect(ids);
  const auto merged = merged_images().collect(ids);
  if (!removed || !merged) {
    return removed ? merged : removed;
  }
  removed->insert(removed->end(), merged->begin(), merged->end());
  return removed;
}

Result<std::vector<std::string>> Store::collect() const {
  auto temporary = remove_orphans(snapshots(), kTemporaryPrefix);
  if (!temporary) {
    return temporary;
  }
  auto clones = remove_orphans(instances(), "");
  if (!clones) {
    return clones;
  }
  temporary->insert(temporary->end(), clones->begin(), clones->end());
  return temporary;
}

} // namespace kindling::vmm
