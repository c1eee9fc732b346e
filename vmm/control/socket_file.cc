// SPDX-License-Identifier: Apache-2.0
#include "vmm/control/socket_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {

constexpr int kBacklog = 16;
constexpr mode_t kOwnerOnly = 0600;

Error host_error(const std::string& what) {
  return Error{what + ": " + std::strerror(errno)};
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return Error{fmt::format("the path of a socket has 1 to {} bytes, not {}",
                             sizeof(address.sun_path) - 1, path.size())};
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

// A file descriptor that goes at the end of its scope.
struct ScopedFd {
  explicit ScopedFd(int descriptor) : fd(descriptor) {}
  ~ScopedFd() {
    if (fd >= 0) {
      ::close(fd);
    }
  }
  ScopedFd(const ScopedFd&) = delete;
  ScopedFd& operator=(const ScopedFd&) = delete;
  const int fd;
};

int new_socket() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd >= 0) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  return fd;
}

// Removes a socket that nobody listens at. Anything else is an error.
Status remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat info = {};
  if (::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? Status() : host_error("it cannot be looked at");
  }
  if (!S_ISSOCK(info.st_mode)) {
    return Error{"there is a file of that name, and it is no socket"};
  }
  const ScopedFd probe(new_socket());
  if (probe.fd < 0) {
    return host_error("the host gives no socket");
  }
  if (::connect(probe.fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
      errno == EAGAIN) { // its backlog is full
    return Error{"a running program listens there; end it or choose another path"};
  }
  if (errno != ECONNREFUSED) {
    return host_error("the socket that is there cannot be tried");
  }
  return ::unlink(path.c_str()) == 0 ? Status()
                                     : host_error("the stale socket there cannot be removed");
}

} // namespace

Result<std::unique_ptr<SocketFile>> SocketFile::listen(const std::string& path) {
  const int fd = new_socket();
  if (fd < 0) {
    return host_error("the host gives no socket");
  }
  std::unique_ptr<SocketFile> file(new SocketFile(path, fd));
  if (Status s = file->bind_and_listen(); !s) {
    return s.error();
  }
  return file;
}

Status SocketFile::bind_and_listen() {
  const auto address = address_of(path_);
  if (!address) {
    return address.error();
  }
  // Two programs that find the same stale socket must not remove each other's new one, nor take a
  // socket for stale that is about to listen.
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const ScopedFd lock(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC));
  if (lock.fd < 0 || ::flock(lock.fd, LOCK_EX) != 0) {
    return host_error("its folder cannot be used");
  }
  if (Status s = remove_stale(path_, *address); !s) {
    return s;
  }
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0) {
    return host_error("there can be no socket");
  }
  bound_ = true;
  struct stat info = {};
  if (::chmod(path_.c_str(), kOwnerOnly) != 0 || ::lstat(path_.c_str(), &info) != 0 ||
      ::listen(fd_, kBacklog) != 0) { // nobody can connect before
    return host_error("the socket cannot be set up");
  }
  device_ = info.st_dev;
  inode_ = info.st_ino;
  return {};
}

SocketFile::~SocketFile() {
  struct stat info = {};
  if (bound_ && ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ &&
      info.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
  ::close(fd_);
}

} // namespace kindling::vmm
