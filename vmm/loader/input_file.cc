// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/input_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace kindling::vmm {

Result<InputFile> InputFile::open(const std::string& path, const std::string& wanted) {
  // Without O_NONBLOCK the open of a FIFO would wait for a writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return Error{fmt::format("{}: cannot be opened: {}; give the path of {}", path,
                             std::strerror(errno), wanted)};
  }
  InputFile file(path, File(fd));
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return file.error(fmt::format("cannot be examined: {}", std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    return file.error(fmt::format("is {}; give the path of {}",
                                  S_ISDIR(status.st_mode) ? "a directory" : "not a regular file",
                                  wanted));
  }
  if (status.st_size == 0) {
    return file.error(fmt::format("is empty; give the path of {}", wanted));
  }
  file.size_ = static_cast<u64>(status.st_size);
  return file;
}

Result<u64> InputFile::read(u64 offset, std::span<u8> to) const {
  u64 done = 0;
  while (done < to.size()) {
    const ssize_t n =
        ::pread(file_.fd(), to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return error(fmt::format("cannot be read: {}", std::strerror(errno)));
    }
    if (n == 0) {
      break;
    }
    done += static_cast<u64>(n);
  }
  return done;
}

} // namespace kindling::vmm
