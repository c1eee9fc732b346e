// SPDX-License-Identifier: Apache-2.0
#include "spike/console.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <poll.h>
#include <string>
#include <unistd.h>

namespace kindling::spike {

namespace {

// How far the reader of standard output may lag behind.
constexpr size_t kOutputBuffer = 256ULL * 1024;
// How long it may take for more after give_up().
constexpr int kFlushMilliseconds = 1000;
// How much is read ahead of the UART: enough for keys to be seen although the guest does not read,
// little enough to hold a paste up.
constexpr size_t kInputBuffer = 64ULL * 1024;

} // namespace

ConsoleOutput::ConsoleOutput(int fd, std::function<void(Error)> failed)
    : fd_(fd), failed_(std::move(failed)), thread_([this] { main(); }) {}

ConsoleOutput::~ConsoleOutput() {
  close();
}

void ConsoleOutput::write(std::span<const u8> bytes) {
  std::unique_lock lock(mutex_);
  while (!bytes.empty()) {
    changed_.wait(lock, [this] { return closing_ || broken_ || buffer_.size() < kOutputBuffer; });
    if (closing_ || broken_) {
      return;
    }
    const size_t n = std::min(bytes.size(), kOutputBuffer - buffer_.size());
    if (buffer_.empty()) {
      changed_.notify_all();
    }
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    bytes = bytes.subspan(n);
  }
}

void ConsoleOutput::give_up() {
  const std::lock_guard lock(mutex_);
  closing_ = gave_up_ = true;
  changed_.notify_all();
}

void ConsoleOutput::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

void ConsoleOutput::main() {
  std::vector<u8> bytes;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || !buffer_.empty(); });
    if (buffer_.empty()) {
      return;
    }
    bytes.swap(buffer_);
    changed_.notify_all();
    lock.unlock();
    const size_t done = write_out(bytes);
    const int error = errno;
    lock.lock();
    if (done == bytes.size()) {
      bytes.clear();
      continue;
    }
    broken_ = true;
    const bool report = !closing_;
    changed_.notify_all();
    lock.unlock();
    if (report) {
      failed_(Error{std::string("standard output takes no more of the console: ") +
                    std::strerror(error)});
    }
    return;
  }
}

size_t ConsoleOutput::write_out(std::span<const u8> bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    // Never more than a pipe takes at once: the write itself must not block after give_up().
    pollfd ready = {fd_, POLLOUT, 0};
    const int n = ::poll(&ready, 1, kFlushMilliseconds);
    if (n == 0) {
      const std::lock_guard lock(mutex_);
      if (gave_up_) {
        break;
      }
      continue;
    }
    const size_t chunk = std::min<size_t>(bytes.size() - done, PIPE_BUF);
    const ssize_t written = ::write(fd_, bytes.data() + done, chunk);
    if (written < 0 && errno != EINTR && errno != EAGAIN) {
      break;
    }
    done += written > 0 ? static_cast<size_t>(written) : 0;
  }
  return done;
}

Result<std::unique_ptr<ConsoleInput>> ConsoleInput::start(int fd, KeyFilter keys,
                                                          ConsoleSink sink) {
  auto wake = vmm::WakePipe::create();
  if (!wake) {
    return wake.error().with_context("standard input");
  }
  return std::unique_ptr<ConsoleInput>(
      new ConsoleInput(fd, std::move(keys), std::move(sink), std::move(*wake)));
}

ConsoleInput::ConsoleInput(int fd, KeyFilter keys, ConsoleSink sink,
                           std::unique_ptr<vmm::WakePipe> wake)
    : fd_(fd), keys_(std::move(keys)), sink_(std::move(sink)), wake_(std::move(wake)),
      thread_([this] { main(); }) {}

ConsoleInput::~ConsoleInput() {
  ending_ = true;
  wake_->wake();
  thread_.join();
}

void ConsoleInput::main() {
  bool open = true;
  while (!ending_) {
    const bool room = pending_.size() - next_ < kInputBuffer;
    // A negative descriptor is one that poll() passes over.
    std::array<pollfd, 2> ready = {
        {{open && room ? fd_ : -1, POLLIN, 0}, {wake_->reader(), POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) {
      return;
    }
    if (ready[1].revents != 0) {
      wake_->clear();
    }
    if (ready[0].revents != 0) {
      open = read_some();
    }
    deliver();
  }
}

bool ConsoleInput::read_some() {
  std::array<u8, 4096> buffer{};
  const ssize_t n = ::read(fd_, buffer.data(), buffer.size());
  if (n > 0) {
    keys_.feed(std::span(buffer).first(static_cast<size_t>(n)), pending_);
    return true;
  }
  return n < 0 && (errno == EINTR || errno == EAGAIN);
}

void ConsoleInput::deliver() {
  while (next_ < pending_.size()) {
    const size_t taken = sink_(std::span(pending_).subspan(next_));
    if (taken == 0) {
      pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(next_));
      next_ = 0;
      return;
    }
    next_ += taken;
  }
  pending_.clear();
  next_ = 0;
}

} // namespace kindling::spike
