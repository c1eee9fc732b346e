// SPDX-License-Identifier: Apache-2.0
// Files that hold blocks of an image of memory or of a disk, each at its own offset, with holes
// where they have none. A RangeMap beside the file tells which blocks mean something.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "arch/result.h"
#include "vmm/store/range_map.h"

namespace kindling::vmm {

// An open file; closes it.
class File {
public:
  File() = default;
  explicit File(int fd) : fd_(fd) {}
  ~File();
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept;

  [[nodiscard]] int fd() const { return fd_; }

  static Result<File> open_to_read(const std::string& path);
  // A file that is not there yet.
  static Result<File> create(const std::string& path);

  [[nodiscard]] Result<u64> size() const;
  Status resize(u64 size);
  Status read(u64 offset, std::span<u8> to) const;
  Status write(u64 offset, std::span<const u8> from);
  // What was written is on stable storage when it returns.
  Status sync() const;

private:
  int fd_ = -1;
};

// A whole file of at most `limit` bytes.
Result<std::vector<u8>> read_file(const std::string& path, u64 limit);
// Makes a file that is not there yet, and brings it to stable storage.
Status write_file(const std::string& path, std::span<const u8> bytes);
// The same for the entries of a directory.
Status sync_directory(const std::string& path);

// A checksum of bytes, or of the blocks of an image in their order: XXH3, 128 bits, as 32
// hexadecimal digits. It tells damage, not malice.
class Checksum {
public:
  Checksum();
  ~Checksum();
  Checksum(const Checksum&) = delete;
  Checksum& operator=(const Checksum&) = delete;
  void add(std::span<const u8> bytes);
  [[nodiscard]] std::string digest() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};
std::string checksum(std::span<const u8> bytes);
// Of the blocks of `map` in `file`; the last one may be cut short by the end of an image of `size`
// bytes.
Result<std::string> checksum(const File& file, const RangeMap& map, u64 size);

[[nodiscard]] bool is_zero(std::span<const u8> bytes);

// Copies the blocks of `map` from one file to the same place in another, sharing storage where the
// file system can.
Status copy_blocks(const File& from, File& to, const RangeMap& map, u64 size);

// The blocks of a file of `size` bytes that are not holes. A file system without holes has all.
Result<RangeMap> data_blocks(const File& file, u64 size);

} // namespace kindling::vmm
