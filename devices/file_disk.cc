// SPDX-License-Identifier: Apache-2.0
#include "devices/block_backend.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace kindling::devices {
namespace {

class FileDisk final : public BlockBackend {
public:
  FileDisk(int fd, u64 size, bool read_only) : fd_(fd), size_(size), read_only_(read_only) {}
  ~FileDisk() override { close(fd_); }
  FileDisk(const FileDisk&) = delete;
  FileDisk& operator=(const FileDisk&) = delete;

  [[nodiscard]] u64 size() const override { return size_; }
  [[nodiscard]] bool read_only() const override { return read_only_; }
  bool read(u64 offset, std::span<u8> to) override;
  bool write(u64 offset, std::span<const iovec> from) override;
  bool flush() override;
  bool discard(u64 offset, u64 length) override;
  bool write_zeroes(u64 offset, u64 length, bool may_unmap) override;

private:
  const int fd_;
  const u64 size_;
  const bool read_only_;
};

bool FileDisk::read(u64 offset, std::span<u8> to) {
  while (!to.empty()) {
    const ssize_t count = pread(fd_, to.data(), to.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return false; // an error, or the file was cut short under us
    }
    offset += static_cast<u64>(count);
    to = to.subspan(static_cast<size_t>(count));
  }
  return true;
}

bool FileDisk::write(u64 offset, std::span<const iovec> from) {
  constexpr size_t kMostAtOnce = 256; // well below IOV_MAX
  std::vector<iovec> left(from.begin(), from.end());
  size_t first = 0;
  while (first < left.size()) {
    if (left[first].iov_len == 0) {
      ++first;
      continue;
    }
    const size_t count = std::min(kMostAtOnce, left.size() - first);
    const ssize_t written =
        pwritev(fd_, &left[first], static_cast<int>(count), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return false;
    }
    offset += static_cast<u64>(written);
    for (size_t rest = static_cast<size_t>(written); rest > 0;) {
      iovec& next = left[first];
      const size_t part = std::min(rest, next.iov_len);
      next.iov_base = static_cast<u8*>(next.iov_base) + part;
      next.iov_len -= part;
      rest -= part;
      first += next.iov_len == 0 ? 1 : 0;
    }
  }
  return true;
}

bool FileDisk::flush() {
#ifdef __APPLE__
  return fcntl(fd_, F_FULLFSYNC) == 0;
#else
  return fdatasync(fd_) == 0;
#endif
}

#ifdef __APPLE__
bool punch_hole(int fd, u64 offset, u64 length) {
  fpunchhole_t hole{};
  hole.fp_offset = static_cast<off_t>(offset);
  hole.fp_length = static_cast<off_t>(length);
  return fcntl(fd, F_PUNCHHOLE, &hole) == 0;
}
bool zero_range(int /*fd*/, u64 /*offset*/, u64 /*length*/) {
  errno = ENOTSUP;
  return false;
}
#else
bool punch_hole(int fd, u64 offset, u64 length) {
  return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                   static_cast<off_t>(length)) == 0;
}
bool zero_range(int fd, u64 offset, u64 length) {
  return fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                   static_cast<off_t>(length)) == 0;
}
#endif

// Whether the host failed because its file system has no such operation.
bool unsupported() {
  return errno == EOPNOTSUPP || errno == ENOTSUP || errno == ENOSYS || errno == EINVAL;
}

bool FileDisk::discard(u64 offset, u64 length) {
  return length == 0 || punch_hole(fd_, offset, length) || unsupported();
}

bool FileDisk::write_zeroes(u64 offset, u64 length, bool may_unmap) {
  if (length == 0) {
    return true;
  }
  const bool done = may_unmap ? punch_hole(fd_, offset, length) : zero_range(fd_, offset, length);
  if (done || !unsupported()) {
    return done;
  }
  static constexpr std::array<u8, 64ULL * 1024> kZeroes{};
  while (length > 0) {
    const size_t part = std::min<u64>(length, kZeroes.size());
    const iovec from{const_cast<u8*>(kZeroes.data()), part};
    if (!write(offset, {&from, 1})) {
      return false;
    }
    offset += part;
    length -= part;
  }
  return true;
}

Error cannot(const std::string& path, const std::string& why) {
  return Error{fmt::format("cannot use the disk {}: {}", path, why)};
}

// What opening failed for, and what would help.
std::string open_error(int error, bool read_only) {
  const std::string why = std::generic_category().message(error);
  const bool readable_only = error == EACCES || error == EPERM || error == EROFS;
  return !read_only && readable_only ? why + "; opening it read-only (,ro) may do" : why;
}

} // namespace

Result<std::unique_ptr<BlockBackend>> open_disk(const std::string& path, bool read_only) {
  // O_NONBLOCK: a FIFO shall not make us wait for its other end.
  const int fd =
      open(path.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    return cannot(path, open_error(errno, read_only));
  }
  auto refuse = [&](const std::string& why) {
    close(fd);
    return cannot(path, why);
  };
  struct stat info {};
  if (fstat(fd, &info) != 0 || !(S_ISREG(info.st_mode) || S_ISBLK(info.st_mode))) {
    return refuse("it is neither a file nor a block device; a raw disk image would do");
  }
  if (flock(fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    return refuse(read_only
                      ? "something else writes to it; wait for it to end or use a copy"
                      : "something else has it in use; wait for it to end, use a copy, or let "
                        "both open it read-only (,ro)");
  }
  const off_t size = lseek(fd, 0, SEEK_END);
  if (size <= 0) {
    return refuse("it is empty; a raw disk image would do");
  }
  if (size % static_cast<off_t>(kSectorSize) != 0) {
    return refuse(fmt::format("its size of {} bytes is not a multiple of {}; is it a raw disk "
                              "image, and whole?",
                              size, kSectorSize));
  }
  return std::unique_ptr<BlockBackend>(
      std::make_unique<FileDisk>(fd, static_cast<u64>(size), read_only));
}

Result<std::unique_ptr<BlockBackend>> open_scratch_disk() {
  std::error_code error;
  const std::filesystem::path directory = std::filesystem::temp_directory_path(error);
  if (error) {
    return Error{fmt::format("there is no directory for temporary files: {}", error.message())};
  }
  std::string name = (directory / "kindling-XXXXXX").string();
  const int fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) {
    return Error{fmt::format("cannot make a temporary file in {}: {}", directory.string(),
                             std::generic_category().message(errno))};
  }
  unlink(name.c_str());
  return std::unique_ptr<BlockBackend>(std::make_unique<FileDisk>(fd, 0, false));
}

} // namespace kindling::devices
