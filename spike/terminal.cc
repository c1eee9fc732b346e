// SPDX-License-Identifier: Apache-2.0
#include "spike/terminal.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>
#include <string>
#include <termios.h>
#include <unistd.h>

namespace kindling::spike {

namespace {

constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

// A signal handler finds its data nowhere but in static storage. Written before `fd` is set and
// not while it is.
struct Saved {
  std::atomic<int> fd{-1};
  termios settings = {};
  struct sigaction handlers[std::size(kFaults)] = {}; // that were there before
};
Saved saved; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

// Once, whoever comes first: the destructor or a fault. Async-signal-safe.
void restore() {
  const int fd = saved.fd.exchange(-1);
  if (fd >= 0) {
    ::tcsetattr(fd, TCSANOW, &saved.settings);
  }
}

void remove_fault_handlers() {
  for (size_t i = 0; i < std::size(kFaults); ++i) {
    ::sigaction(kFaults[i], &saved.handlers[i], nullptr);
  }
}

// The fault comes again, to whoever was there before.
void on_fault(int signal) {
  restore();
  remove_fault_handlers();
  ::raise(signal);
}

void install_fault_handlers() {
  struct sigaction action = {};
  action.sa_handler = on_fault;
  action.sa_flags = static_cast<int>(SA_NODEFER);
  for (size_t i = 0; i < std::size(kFaults); ++i) {
    ::sigaction(kFaults[i], &action, &saved.handlers[i]);
  }
}

} // namespace

Result<std::unique_ptr<RawTerminal>> RawTerminal::enter(int fd) {
  if (::isatty(fd) == 0) {
    return std::unique_ptr<RawTerminal>();
  }
  if (::tcgetattr(fd, &saved.settings) != 0) {
    return Error{std::string("the terminal's settings cannot be read: ") + std::strerror(errno)};
  }
  termios raw = saved.settings;
  ::cfmakeraw(&raw);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  saved.fd = fd;
  install_fault_handlers();
  if (::tcsetattr(fd, TCSANOW, &raw) != 0) {
    const int error = errno;
    restore();
    remove_fault_handlers();
    return Error{std::string("the terminal cannot be put into raw mode: ") + std::strerror(error)};
  }
  return std::unique_ptr<RawTerminal>(new RawTerminal());
}

RawTerminal::~RawTerminal() {
  restore();
  remove_fault_handlers();
}

} // namespace kindling::spike
