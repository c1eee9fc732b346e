// SPDX-License-Identifier: Apache-2.0
// A client of a control socket, for tests: sends bytes and reads lines.
#pragma once

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace kindling::vmm::testing {

class Connection {
public:
  explicit Connection(const std::string& path, int flags = 0)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | flags, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] int fd() const { return fd_; }

  void send(const std::string& bytes) {
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      ASSERT_GT(n, 0) << std::strerror(errno);
      done += static_cast<size_t>(n);
    }
  }
  // The next line without its newline, waiting for it; "(end)" after the last one.
  std::string line() {
    for (;;) {
      const size_t end = received_.find('\n');
      if (end != std::string::npos) {
        std::string text = received_.substr(0, end);
        received_.erase(0, end + 1);
        return text;
      }
      std::array<char, 65536> buffer{};
      // Long, for hosts that are busy: a test that passes never waits for it.
      pollfd ready = {fd_, POLLIN, 0};
      if (::poll(&ready, 1, 120'000) <= 0) {
        ADD_FAILURE() << "no line came";
        return "(nothing)";
      }
      const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (n <= 0) {
        EXPECT_EQ(received_, "") << "half a line at the end";
        return "(end)";
      }
      received_.append(buffer.data(), static_cast<size_t>(n));
    }
  }
  std::string ask(const std::string& request) {
    send(request + "\n");
    return line();
  }
  // The same of a server that may hang up without reading.
  std::string ask_if_let_in(const std::string& request) {
    const std::string bytes = request + "\n";
    (void)::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return line();
  }
  // Lines until one that contains `text`; returns that one.
  std::string line_with(const std::string& text) {
    for (;;) {
      std::string next = line();
      if (next.find(text) != std::string::npos) {
        return next;
      }
      if (next == "(end)" || next == "(nothing)") {
        ADD_FAILURE() << "no line with " << text;
        return next;
      }
    }
  }
  void end_input() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) {
      ::close(fd_);
      fd_ = -1;
    }
  }

private:
  int fd_;
  bool connected_ = false;
  std::string received_;
};

} // namespace kindling::vmm::testing
