// SPDX-License-Identifier: Apache-2.0
#include "vmm/wake_pipe.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "arch/types.h"

namespace kindling::vmm {

Result<std::unique_ptr<WakePipe>> WakePipe::create() {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) {
    return Error{std::string("the host gives no pipe: ") + std::strerror(errno)};
  }
  for (const int end : ends) {
    ::fcntl(end, F_SETFD, FD_CLOEXEC);
    ::fcntl(end, F_SETFL, O_NONBLOCK);
  }
  return std::unique_ptr<WakePipe>(new WakePipe(ends[0], ends[1]));
}

WakePipe::~WakePipe() {
  ::close(reader_);
  ::close(writer_);
}

void WakePipe::clear() const {
  std::array<u8, 256> sink{};
  while (::read(reader_, sink.data(), sink.size()) > 0) {
  }
}

void WakePipe::wake() const {
  const u8 byte = 0;
  // A full pipe wakes as well.
  [[maybe_unused]] const ssize_t n = ::write(writer_, &byte, 1);
}

} // namespace kindling::vmm
