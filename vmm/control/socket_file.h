// SPDX-License-Identifier: Apache-2.0
// A Unix socket that listens at a path, for its owner only. The file goes with the object.
#pragma once

#include <memory>
#include <string>

#include <sys/types.h>

#include "arch/result.h"

namespace kindling::vmm {

class SocketFile {
public:
  // A socket that is there already and that nobody listens at is replaced. Errors: somebody listens
  // there; something else is there; the host does not let a socket be there. They do not name the
  // path.
  static Result<std::unique_ptr<SocketFile>> listen(const std::string& path);
  ~SocketFile();
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  // Accepts without waiting.
  [[nodiscard]] int fd() const { return fd_; }

private:
  SocketFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  Status bind_and_listen();

  const std::string path_;
  const int fd_;
  bool bound_ = false;
  dev_t device_ = 0; // and inode_: what this object has made at the path
  ino_t inode_ = 0;
};

} // namespace kindling::vmm
