// SPDX-License-Identifier: Apache-2.0
// Files of the host.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arch/result.h"
#include "arch/types.h"

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
// Makes one that nobody needs after the host has gone down: it is on its way there.
Status write_passing_file(const std::string& path, std::span<const u8> bytes);
// The same for the entries of a directory.
Status sync_directory(const std::string& path);

} // namespace kindling::vmm
