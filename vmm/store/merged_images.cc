// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/merged_images.h"

#include <filesystem>
#include <sys/stat.h>

#include <fmt/format.h>

#include "vmm/store/directory.h"

namespace kindling::vmm {

namespace {

// Of one directory.
constexpr const char* kStem = "/ram";
constexpr const char* kManifest = "/manifest.json"; // the snapshot's, without a parent

Error damaged(const std::string& path, const Error& error) {
  return error.with_context(fmt::format("{} is damaged; nothing is lost by removing it", path));
}

} // namespace

Result<std::optional<Manifest>> MergedImages::read_manifest(const Manifest& snapshot) const {
  using Found = std::optional<Manifest>;
  const std::string at = path(snapshot.id);
  struct stat info {};
  if (::stat(at.c_str(), &info) != 0 && errno == ENOENT) {
    return Found();
  }
  const auto bytes = read_file(at + kManifest, kMaxManifest);
  if (!bytes) {
    return damaged(at, bytes.error());
  }
  auto manifest = parse_manifest(*bytes);
  if (!manifest) {
    return damaged(at, manifest.error());
  }
  if (manifest->id != snapshot.id || manifest->ram.size != snapshot.ram.size) {
    return damaged(at, Error{"it is of another snapshot"});
  }
  return Found(std::move(*manifest));
}

Result<std::optional<Image>> MergedImages::read(const Manifest& snapshot) const {
  using Found = std::optional<Image>;
  const auto manifest = read_manifest(snapshot);
  if (!manifest || !*manifest) {
    return manifest ? Found() : Result<Found>(manifest.error());
  }
  auto image = Image::open(path(snapshot.id) + kStem, (*manifest)->ram);
  return image ? Found(std::move(*image))
               : Result<Found>(damaged(path(snapshot.id), image.error()));
}

Result<Image> MergedImages::write(const Manifest& snapshot, std::span<const Image> layers) const {
  auto temporary = OwnedDirectory::create(directory_, kTemporaryPrefix);
  if (!temporary) {
    return temporary.error();
  }
  const std::string at = temporary->path();
  auto writer = ImageWriter::create(at + kStem, snapshot.ram.size);
  if (!writer) {
    return writer.error();
  }
  std::vector<const Image*> images;
  for (const Image& layer : layers) {
    images.push_back(&layer);
  }
  if (Status s = merge_images(images, *writer); !s) {
    return s.error();
  }
  const auto finished = writer->finish();
  if (!finished) {
    return finished.error();
  }
  Manifest manifest = snapshot;
  manifest.parent.reset();
  manifest.ram = *finished;
  const std::string json = to_json(manifest);
  if (Status s =
          write_file(at + kManifest, {reinterpret_cast<const u8*>(json.data()), json.size()});
      !s) {
    return s.error();
  }
  if (Status s = sync_directory(at); !s) {
    return s.error();
  }
  auto image = Image::open(at + kStem, *finished);
  if (!image) {
    return image;
  }
  if (rename_to_new(at, path(snapshot.id))) {
    temporary->release();
  } else if (Status s = exchange_directories(at, path(snapshot.id)); !s) {
    return s.error();
  }
  Status s = sync_directory(directory_);
  return s ? std::move(image) : Result<Image>(s.error());
}

Status MergedImages::verify(const Manifest& snapshot) const {
  const auto manifest = read_manifest(snapshot);
  if (!manifest || !*manifest) {
    return manifest ? Status() : manifest.error();
  }
  const auto image = Image::open(path(snapshot.id) + kStem, (*manifest)->ram);
  Status s = image ? image->verify((*manifest)->ram) : image.error();
  return s ? s : damaged(path(snapshot.id), s.error());
}

void MergedImages::remove(const std::string& id) const {
  (void)remove_directory(path(id));
}

Result<std::vector<std::string>>
MergedImages::collect(const std::set<std::string>& snapshots) const {
  return remove_others(directory_, snapshots);
}

} // namespace kindling::vmm
