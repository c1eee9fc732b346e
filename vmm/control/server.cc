// SPDX-License-Identifier: Apache-2.0
#include "vmm/control/server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {
// Before the host is asked again for what it did not have: descriptors, or memory.
constexpr int kRetryMilliseconds = 100;
} // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::listen(const std::string& path,
                                                             ControlClient::Answer answer) {
  auto socket = SocketFile::listen(path);
  if (!socket) {
    return socket.error();
  }
  auto wake = WakePipe::create();
  if (!wake) {
    return wake.error();
  }
  std::unique_ptr<ControlServer> server(
      new ControlServer(std::move(*socket), std::move(answer), std::move(*wake)));
  try {
    server->thread_ = std::thread([&self = *server] { self.main(); });
  } catch (const std::system_error& error) {
    return Error{fmt::format("the host gives no thread: {}", error.what())};
  }
  return server;
}

ControlServer::ControlServer(std::unique_ptr<SocketFile> socket, ControlClient::Answer answer,
                             std::unique_ptr<WakePipe> wake)
    : socket_(std::move(socket)), answer_(std::move(answer)), wake_(std::move(wake)) {}

ControlServer::~ControlServer() {
  close();
}

void ControlServer::open() {
  open_ = true;
  wake_->wake();
}

void ControlServer::publish(const std::string& line) {
  const std::lock_guard lock(mutex_);
  for (const auto& client : clients_) {
    client->publish(line);
  }
}

bool ControlServer::has_subscribers() const {
  const std::lock_guard lock(mutex_);
  return std::any_of(clients_.begin(), clients_.end(),
                     [](const auto& client) { return client->subscribed(); });
}

void ControlServer::close() {
  closing_ = true;
  wake_->wake();
  if (thread_.joinable()) {
    thread_.join();
  }
  socket_.reset();
  std::vector<std::unique_ptr<ControlClient>> clients;
  {
    const std::lock_guard lock(mutex_);
    clients.swap(clients_);
  }
  for (const auto& client : clients) {
    client->finish();
  }
}

void ControlServer::main() {
  bool tired = false; // the host had no room for a client
  while (!closing_) {
    const bool accepts = open_ && !tired;
    // A negative descriptor is one that poll() passes over.
    std::array<pollfd, 2> ready = {
        {{accepts ? socket_->fd() : -1, POLLIN, 0}, {wake_->reader(), POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), tired ? kRetryMilliseconds : -1) < 0 && errno != EINTR) {
      return;
    }
    tired = false;
    if (ready[1].revents != 0) {
      wake_->clear();
    }
    if (ready[0].revents != 0) {
      tired = !accept_one();
    }
  }
}

// False: the host has no room now.
bool ControlServer::accept_one() {
  const int fd = ::accept(socket_->fd(), nullptr, nullptr);
  if (fd < 0) { // or the client has gone
    return errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM;
  }
  add(fd);
  return true;
}

void ControlServer::add(int fd) {
  const std::lock_guard lock(mutex_);
  clients_.erase(std::remove_if(clients_.begin(), clients_.end(),
                                [](const auto& client) { return client->done(); }),
                 clients_.end());
  if (clients_.size() == kMaxControlClients) {
    ControlClient::refuse(
        fd, Error{fmt::format("{} clients are connected already", kMaxControlClients)});
    return;
  }
  auto client = ControlClient::start(fd, answer_);
  if (client) { // else it sees its connection closed
    clients_.push_back(std::move(*client));
  }
}

} // namespace kindling::vmm
