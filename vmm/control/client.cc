// SPDX-License-Identifier: Apache-2.0
#include "vmm/control/client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {

using Clock = std::chrono::steady_clock;

// How long a client may take for what is queued after finish().
constexpr std::chrono::milliseconds kFlush{1000};

#if defined(MSG_NOSIGNAL)
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;
#endif

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

// For poll(): rounded up, so that it is over then.
int milliseconds_until(Clock::time_point moment) {
  if (moment == Clock::time_point::max()) {
    return -1;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(moment - Clock::now());
  return static_cast<int>(std::max<i64>(left.count(), 0));
}

void prepare(int fd) {
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
#if defined(SO_NOSIGPIPE)
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
#endif
}

} // namespace

void ControlClient::refuse(int fd, const Error& error) {
  prepare(fd);
  const std::string line = error_line(error);
  (void)::send(fd, line.data(), line.size(), kSendFlags); // there is room: nothing was sent yet
  ::close(fd);
}

Result<std::unique_ptr<ControlClient>> ControlClient::start(int fd, const Answer& answer) {
  prepare(fd);
  auto wake = WakePipe::create();
  if (!wake) {
    ::close(fd);
    return wake.error();
  }
  std::unique_ptr<ControlClient> client(new ControlClient(fd, answer, std::move(*wake)));
  try {
    client->thread_ = std::thread([&self = *client] { self.main(); });
  } catch (const std::system_error& error) {
    return Error{fmt::format("the host gives no thread: {}", error.what())};
  }
  return client;
}

ControlClient::ControlClient(int fd, const Answer& answer, std::unique_ptr<WakePipe> wake)
    : fd_(fd), answer_(answer), wake_(std::move(wake)) {}

ControlClient::~ControlClient() {
  finish();
  if (thread_.joinable()) {
    thread_.join();
  }
  ::close(fd_);
}

void ControlClient::publish(const std::string& line) {
  const std::lock_guard lock(mutex_);
  if (!subscribed_) {
    return;
  }
  if (queued_.size() + line.size() <= kMaxQueued) {
    queued_ += line;
  } else {
    queued_ += events_lost_line();
    subscribed_ = reading_ = false;
  }
  wake_->wake();
}

bool ControlClient::subscribed() const {
  const std::lock_guard lock(mutex_);
  return subscribed_;
}

void ControlClient::finish() {
  const std::lock_guard lock(mutex_);
  subscribed_ = reading_ = false;
  give_up_ = std::min(give_up_, Clock::now() + kFlush);
  wake_->wake();
}

void ControlClient::main() {
  while (step()) {
  }
  ::shutdown(fd_, SHUT_RDWR); // the other side need not wait for the destructor
  done_ = true;
}

// False: there is nothing left to do for this client.
bool ControlClient::step() {
  short wanted = 0;
  int timeout = -1;
  {
    const std::lock_guard lock(mutex_);
    // Whoever does not read replies is not read from.
    const bool reads = reading_ && !end_of_input_ && queued_.size() < kMaxQueued;
    const bool over = !subscribed_ && (!reading_ || end_of_input_);
    if (over && (queued_.empty() || Clock::now() >= give_up_)) {
      return false;
    }
    wanted = static_cast<short>((reads ? POLLIN : 0) | (queued_.empty() ? 0 : POLLOUT));
    timeout = milliseconds_until(give_up_);
  }
  std::array<pollfd, 2> ready = {{{fd_, wanted, 0}, {wake_->reader(), POLLIN, 0}}};
  if (::poll(ready.data(), ready.size(), timeout) < 0) {
    return errno == EINTR;
  }
  if (ready[1].revents != 0) {
    wake_->clear();
  }
  const short events = ready[0].revents;
  const bool may_read = (events & POLLIN) != 0;
  if (may_read && !read_some()) {
    return false;
  }
  if ((events & POLLOUT) != 0) {
    return write_some() || may_read; // requests of a client that has gone are executed all the same
  }
  // Nobody is there any more, and nothing that was sent is left to read.
  return may_read || (events & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}

bool ControlClient::read_some() {
  std::array<char, 4096> buffer{};
  const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (n < 0) {
    return errno == EINTR || errno == EAGAIN;
  }
  if (n == 0) {
    end_of_input_ = true; // events may still be wanted
    return true;
  }
  splitter_.feed(
      {buffer.data(), static_cast<size_t>(n)},
      {[this](std::string_view line) { execute(line); },
       [this] {
         queue({error_line(Error{fmt::format("a request has at most {} bytes", kMaxRequest)}),
                false});
       }});
  return true;
}

bool ControlClient::write_some() {
  const std::lock_guard lock(mutex_);
  const ssize_t n = ::send(fd_, queued_.data(), queued_.size(), kSendFlags);
  if (n < 0) {
    return errno == EINTR || errno == EAGAIN;
  }
  queued_.erase(0, static_cast<size_t>(n));
  return true;
}

void ControlClient::execute(std::string_view line) {
  if (!is_blank(line)) {
    queue(answer_(line));
  }
}

void ControlClient::queue(const ControlReply& reply) {
  const std::lock_guard lock(mutex_);
  queued_ += reply.line;
  subscribed_ = subscribed_ || (reply.subscribes && reading_);
  if (give_up_ != Clock::time_point::max()) { // finish() was called while the request was executed
    give_up_ = Clock::now() + kFlush;
  }
}

} // namespace kindling::vmm
