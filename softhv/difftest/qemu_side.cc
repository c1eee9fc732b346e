// SPDX-License-Identifier: Apache-2.0
#include "softhv/difftest/qemu_side.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace softhv::difftest {
namespace {

kindling::Error system_error(const std::string& what) {
  return {what + ": " + std::strerror(errno)};
}

// Calls transfer(done) until `size` bytes are done; it returns what read(2) or write(2) did with
// the rest of them.
template <typename Transfer>
bool transfer_fully(size_t size, Transfer transfer) {
  for (size_t done = 0; done < size;) {
    const ssize_t n = transfer(done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

bool write_fully(int fd, const void* data, size_t size) {
  const char* p = static_cast<const char*>(data);
  return transfer_fully(size, [=](size_t done) { return write(fd, p + done, size - done); });
}

bool read_fully(int fd, void* data, size_t size) {
  char* p = static_cast<char*>(data);
  return transfer_fully(size, [=](size_t done) { return read(fd, p + done, size - done); });
}

} // namespace

kindling::Result<QemuSide> QemuSide::start(const std::string& qemu, const std::string& runner) {
  int to[2];
  int from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
    return system_error("cannot make a pipe");
  const pid_t pid = fork();
  if (pid < 0)
    return system_error("cannot fork");
  if (pid == 0) {
    // SVE off: its record in the signal frame would override the FPSIMD one. PAuth off: its hints
    // are NOPs in SoftHV's profile.
    dup2(to[0], STDIN_FILENO);
    dup2(from[1], STDOUT_FILENO);
    execlp(qemu.c_str(), qemu.c_str(), "-cpu", "max,sve=off,sme=off,pauth=off", runner.c_str(),
           nullptr);
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  return QemuSide(pid, to[1], from[0]);
}

QemuSide::QemuSide(QemuSide&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), in_(other.in_), out_(other.out_) {}

QemuSide& QemuSide::operator=(QemuSide&& other) noexcept {
  stop();
  pid_ = std::exchange(other.pid_, -1);
  in_ = other.in_;
  out_ = other.out_;
  return *this;
}

QemuSide::~QemuSide() {
  stop();
}

void QemuSide::stop() {
  if (pid_ < 0)
    return;
  close(in_);
  close(out_);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

kindling::Result<difftest_outcome> QemuSide::run(const difftest_case& c) {
  difftest_outcome outcome;
  if (!write_fully(in_, &c, sizeof c) || !read_fully(out_, &outcome, sizeof outcome))
    return kindling::Error{"the runner under qemu-aarch64 died; is qemu-user installed?"};
  return outcome;
}

} // namespace softhv::difftest
