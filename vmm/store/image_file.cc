// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/image_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>

#include <fmt/format.h>
#if defined(__linux__)
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

#define XXH_STATIC_LINKING_ONLY // the state's size
#include <xxhash.h>

namespace kindling::vmm {

namespace {

constexpr size_t kCopyBuffer = 1ULL << 20;

// `range` in bytes, cut at `size`.
struct ByteRange {
  u64 offset;
  u64 length;
};
ByteRange bytes_of(const BlockRange& range, u64 size) {
  const u64 offset = std::min(range.first * kStoreBlock, size);
  return {offset, std::min(range.end() * kStoreBlock, size) - offset};
}

} // namespace

struct Checksum::State {
  XXH3_state_t xxh;
};

Checksum::Checksum() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(&state_->xxh);
}
Checksum::~Checksum() = default;

void Checksum::add(std::span<const u8> bytes) {
  XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size());
}

std::string Checksum::digest() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(&state_->xxh);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

// Eight bytes at a time: it looks at all of a guest's memory.
bool is_zero(std::span<const u8> bytes) {
  u64 any = 0;
  const size_t words = bytes.size() / sizeof any;
  for (size_t i = 0; i < words; ++i) {
    u64 word = 0;
    std::memcpy(&word, bytes.data() + i * sizeof word, sizeof word);
    any |= word;
  }
  const auto rest = bytes.subspan(words * sizeof any);
  return any == 0 && std::ranges::all_of(rest, [](u8 byte) { return byte == 0; });
}

std::string checksum(std::span<const u8> bytes) {
  Checksum sum;
  sum.add(bytes);
  return sum.digest();
}

Result<std::string> checksum(const File& file, const RangeMap& map, u64 size) {
  Checksum sum;
  std::vector<u8> buffer(kCopyBuffer);
  for (const BlockRange& range : map.ranges()) {
    for (ByteRange bytes = bytes_of(range, size); bytes.length != 0;) {
      const auto part = std::span(buffer).first(std::min<u64>(bytes.length, buffer.size()));
      if (Status s = file.read(bytes.offset, part); !s) {
        return s.error();
      }
      sum.add(part);
      bytes.offset += part.size();
      bytes.length -= part.size();
    }
  }
  return sum.digest();
}

namespace {

// By the kernel; false: it cannot, between these two files, and has changed nothing that matters.
bool copy_by_kernel(const File& from, File& to, ByteRange bytes) {
#if defined(__linux__)
  off_t source = static_cast<off_t>(bytes.offset);
  off_t target = source;
  while (bytes.length != 0) {
    const ssize_t n = ::copy_file_range(from.fd(), &source, to.fd(), &target, bytes.length, 0);
    if (n <= 0) {
      return false;
    }
    bytes.length -= static_cast<u64>(n);
  }
  return true;
#else
  (void)from;
  (void)to;
  return bytes.length == 0;
#endif
}

Status copy_by_hand(const File& from, File& to, ByteRange bytes) {
  std::vector<u8> buffer(std::min<u64>(kCopyBuffer, bytes.length));
  while (bytes.length != 0) {
    const auto part = std::span(buffer).first(std::min<u64>(bytes.length, buffer.size()));
    if (Status s = from.read(bytes.offset, part); !s) {
      return s;
    }
    if (Status s = to.write(bytes.offset, part); !s) {
      return s;
    }
    bytes.offset += part.size();
    bytes.length -= part.size();
  }
  return {};
}

} // namespace

Status copy_blocks(const File& from, File& to, const RangeMap& map, u64 size) {
#if defined(__linux__)
  const auto whole = from.size();
  if (whole && *whole == size && ::ioctl(to.fd(), FICLONE, from.fd()) == 0) {
    return {};
  }
#endif
  for (const BlockRange& range : map.ranges()) {
    const ByteRange bytes = bytes_of(range, size);
    if (copy_by_kernel(from, to, bytes)) {
      continue;
    }
    if (Status s = copy_by_hand(from, to, bytes); !s) {
      return s;
    }
  }
  return {};
}

Result<RangeMap> data_blocks(const File& file, u64 size) {
  RangeMap map;
  const u64 blocks = (size + kStoreBlock - 1) / kStoreBlock;
  for (u64 done = 0; done < blocks;) {
    const off_t data = ::lseek(file.fd(), static_cast<off_t>(done * kStoreBlock), SEEK_DATA);
    if (data < 0 && errno == ENXIO) {
      break; // the rest is a hole
    }
    const off_t hole = data < 0 ? -1 : ::lseek(file.fd(), data, SEEK_HOLE);
    const bool told = hole >= 0;
    const u64 first = told ? std::max(done, static_cast<u64>(data) / kStoreBlock) : done;
    const u64 end =
        told ? std::min(blocks, (static_cast<u64>(hole) + kStoreBlock - 1) / kStoreBlock) : blocks;
    if (end <= first || !map.append({first, end - first})) {
      return Error{"the host contradicts itself about a file's holes"};
    }
    done = end;
  }
  return map;
}

} // namespace kindling::vmm
