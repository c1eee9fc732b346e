// SPDX-License-Identifier: Apache-2.0
#include "vmm/control/socket_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "arch/testing/temporary_directory.h"
#include "vmm/control/testing/connection.h"

namespace kindling::vmm {
namespace {

using testing::Connection;
using ::testing::HasSubstr;

class SocketFileTest : public ::testing::Test {
protected:
  bool exists() const {
    struct stat info = {};
    return ::lstat(path_.c_str(), &info) == 0;
  }
  // A socket at the path that nobody listens at any more.
  void leave_stale_socket() const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ::close(fd);
  }
  static std::string refusal(const std::string& path) {
    const auto socket = SocketFile::listen(path);
    return socket ? "(none)" : socket.error().message;
  }

  TemporaryDirectory dir_;
  std::string path_ = dir_.path("socket");
};

TEST_F(SocketFileTest, IsForItsOwnerAndGoesWithTheObject) {
  auto socket = SocketFile::listen(path_);
  ASSERT_TRUE(socket) << socket.error().message;
  struct stat info = {};
  ASSERT_EQ(::lstat(path_.c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_NE(::fcntl((*socket)->fd(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_TRUE(Connection(path_).connected());
  socket->reset();
  EXPECT_FALSE(exists());
}

TEST_F(SocketFileTest, OneThatIsListenedAtIsNotTakenOver) {
  auto first = SocketFile::listen(path_);
  ASSERT_TRUE(first);
  EXPECT_THAT(refusal(path_), HasSubstr("a running program listens there"));
  EXPECT_TRUE(Connection(path_).connected());
  // Nor when it has no time for anybody.
  std::vector<std::unique_ptr<Connection>> waiting;
  for (bool full = false; !full && waiting.size() < 1000;) {
    auto connection = std::make_unique<Connection>(path_, SOCK_NONBLOCK);
    full = !connection->connected();
    waiting.push_back(std::move(connection));
  }
  EXPECT_THAT(refusal(path_), HasSubstr("a running program listens there"));
}

TEST_F(SocketFileTest, AStaleOneIsReplaced) {
  leave_stale_socket();
  ASSERT_TRUE(exists());
  const auto socket = SocketFile::listen(path_);
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_TRUE(Connection(path_).connected());
}

TEST_F(SocketFileTest, AnotherFileIsLeftAlone) {
  const std::string file = dir_.file("file", "precious");
  EXPECT_THAT(refusal(file), HasSubstr("it is no socket"));
  EXPECT_THAT(refusal(dir_.path()), HasSubstr("it is no socket"));
  ASSERT_EQ(::symlink(file.c_str(), path_.c_str()), 0);
  EXPECT_THAT(refusal(path_), HasSubstr("it is no socket"));
  EXPECT_EQ(std::filesystem::file_size(file), 8U);
}

TEST_F(SocketFileTest, WhatHasTakenItsPlaceStays) {
  auto first = SocketFile::listen(path_);
  ASSERT_TRUE(first);
  ASSERT_EQ(::rename(path_.c_str(), dir_.path("moved").c_str()), 0);
  const auto second = SocketFile::listen(path_);
  ASSERT_TRUE(second);
  first->reset();
  EXPECT_TRUE(Connection(path_).connected());
}

TEST_F(SocketFileTest, PathsThatCannotBeSayWhy) {
  EXPECT_THAT(refusal(""), HasSubstr("1 to "));
  EXPECT_THAT(refusal(dir_.path(std::string(200, 'a'))), HasSubstr("1 to "));
  EXPECT_THAT(refusal(dir_.path("missing/socket")), HasSubstr("No such file or directory"));
}

} // namespace
} // namespace kindling::vmm
