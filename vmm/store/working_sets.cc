// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/working_sets.h"

#include <cerrno>
#include <cstdio>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "vmm/store/directory.h"
#include "vmm/store/image_file.h"

namespace kindling::vmm {

namespace {

constexpr std::string_view kMagic = "KLPAGES1"; // the last character is the version
constexpr size_t kChecksum = 32;
constexpr u64 kMaxBytes = 256ULL << 20;

void append(std::vector<u8>& bytes, std::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}

// A file is of one snapshot, whatever its name is.
std::string checksum_of(std::span<const u8> bytes, const std::string& id) {
  Checksum sum;
  sum.add(bytes);
  sum.add({reinterpret_cast<const u8*>(id.data()), id.size()});
  return sum.digest();
}

std::string_view text_of(std::span<const u8> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

Result<std::optional<RangeMap>> WorkingSets::read(const std::string& id, u64 blocks) const {
  using Found = std::optional<RangeMap>;
  struct stat info {};
  if (::stat(path(id).c_str(), &info) != 0 && errno == ENOENT) {
    return Found();
  }
  const auto file = read_file(path(id), kMaxBytes);
  if (!file) {
    return file.error();
  }
  const std::span<const u8> bytes(*file);
  if (bytes.size() < kMagic.size() + kChecksum || text_of(bytes.first(kMagic.size())) != kMagic ||
      text_of(bytes.last(kChecksum)) != checksum_of(bytes.first(bytes.size() - kChecksum), id)) {
    return Error{fmt::format("{} is damaged, or of another version; nothing is lost by removing it",
                             path(id))};
  }
  auto map = RangeMap::decode(
      bytes.subspan(kMagic.size(), bytes.size() - kMagic.size() - kChecksum), blocks);
  return map ? Found(std::move(*map)) : Result<Found>(map.error().with_context(path(id)));
}

Status WorkingSets::write(const std::string& id, const RangeMap& blocks) const {
  std::vector<u8> bytes;
  append(bytes, kMagic);
  const std::vector<u8> map = blocks.encode();
  bytes.insert(bytes.end(), map.begin(), map.end());
  append(bytes, checksum_of(bytes, id));
  const auto temporary = OwnedDirectory::create(directory_, kTemporaryPrefix);
  if (!temporary) {
    return temporary.error();
  }
  const std::string written = temporary->path() + "/" + id;
  if (Status s = write_file(written, bytes); !s) {
    return s;
  }
  if (std::rename(written.c_str(), path(id).c_str()) != 0) {
    return Error{fmt::format("cannot give {} its name: {}", path(id),
                             std::generic_category().message(errno))};
  }
  return sync_directory(directory_);
}

void WorkingSets::remove(const std::string& id) const {
  ::unlink(path(id).c_str());
}

Result<std::vector<std::string>>
WorkingSets::collect(const std::set<std::string>& snapshots) const {
  return remove_others(directory_, snapshots);
}

} // namespace kindling::vmm
