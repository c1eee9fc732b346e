// SPDX-License-Identifier: Apache-2.0
#include "vmm/file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {

Error failure(const std::string& what) {
  return Error{fmt::format("{}: {}", what, std::generic_category().message(errno))};
}

} // namespace

File::~File() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

File& File::operator=(File&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Result<File> File::open_to_read(const std::string& path) {
  // Without O_NONBLOCK the open of a FIFO would wait for a writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    return failure("cannot open " + path);
  }
  struct stat info {};
  File file(fd);
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return Error{fmt::format("{} is not a file", path)};
  }
  return file;
}

Result<File> File::create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  return fd < 0 ? Result<File>(failure("cannot make " + path)) : File(fd);
}

Result<u64> File::size() const {
  struct stat info {};
  if (::fstat(fd_, &info) != 0) {
    return failure("cannot tell a file's size");
  }
  return static_cast<u64>(info.st_size);
}

Status File::resize(u64 size) {
  return ::ftruncate(fd_, static_cast<off_t>(size)) == 0 ? Status()
                                                         : failure("cannot set a file's size");
}

Status File::read(u64 offset, std::span<u8> to) const {
  while (!to.empty()) {
    const ssize_t n = ::pread(fd_, to.data(), to.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return failure("cannot read a file");
    }
    if (n == 0) {
      return Error{
          fmt::format("a file ends at {}, and {} more bytes are wanted", offset, to.size())};
    }
    offset += static_cast<u64>(n);
    to = to.subspan(static_cast<size_t>(n));
  }
  return {};
}

Status File::write(u64 offset, std::span<const u8> from) {
  while (!from.empty()) {
    const ssize_t n = ::pwrite(fd_, from.data(), from.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return failure("cannot write a file");
    }
    offset += static_cast<u64>(n);
    from = from.subspan(static_cast<size_t>(n));
  }
  return {};
}

Status File::sync() const {
#if defined(__APPLE__)
  return ::fcntl(fd_, F_FULLFSYNC) == 0 ? Status() : failure("cannot bring a file to its disk");
#else
  return ::fsync(fd_) == 0 ? Status() : failure("cannot bring a file to its disk");
#endif
}

Result<std::vector<u8>> read_file(const std::string& path, u64 limit) {
  const auto file = File::open_to_read(path);
  if (!file) {
    return file.error();
  }
  const auto size = file->size();
  if (!size) {
    return size.error().with_context(path);
  }
  if (*size > limit) {
    return Error{fmt::format("{} has {} bytes, and at most {} make sense", path, *size, limit)};
  }
  std::vector<u8> bytes(*size);
  if (Status s = file->read(0, bytes); !s) {
    return s.error().with_context(path);
  }
  return bytes;
}

namespace {

Status write_file(const std::string& path, std::span<const u8> bytes, bool sync) {
  auto file = File::create(path);
  if (!file) {
    return file.error();
  }
  Status s = file->write(0, bytes);
  if (s && sync) {
    s = file->sync();
  }
  return s ? s : s.error().with_context(path);
}

} // namespace

Status write_file(const std::string& path, std::span<const u8> bytes) {
  return write_file(path, bytes, true);
}

Status write_passing_file(const std::string& path, std::span<const u8> bytes) {
  return write_file(path, bytes, false);
}

Status sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  if (fd < 0) {
    return failure("cannot open " + path);
  }
  return File(fd).sync();
}

} // namespace kindling::vmm
