// SPDX-License-Identifier: Apache-2.0
#include "spike/script.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>

namespace kindling::spike {

Result<std::vector<u8>> read_script(int fd) {
  std::vector<u8> bytes;
  std::array<u8, 65536> buffer{};
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n == 0) {
      return bytes;
    }
    if (n > 0) {
      bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + n);
      if (bytes.size() > kMaxScript) {
        return Error{fmt::format("--icount: standard input is longer than {} MiB, and is read "
                                 "before the guest starts",
                                 kMaxScript >> 20)};
      }
    } else if (errno == EAGAIN) {
      pollfd ready = {fd, POLLIN, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return Error{
          fmt::format("--icount: standard input cannot be read: {}", std::strerror(errno))};
    }
  }
}

} // namespace kindling::spike
