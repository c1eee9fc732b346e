// SPDX-License-Identifier: Apache-2.0
#include "spike/tests/boot_process.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace kindling::spike::testing {

namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0); }
  int ends[2] = {-1, -1};
};

void close_fd(int& fd) {
  if (fd >= 0) {
    ::close(fd);
    fd = -1;
  }
}

} // namespace

BootProcess::BootProcess(const std::vector<std::string>& arguments, Console console) {
  std::vector<char*> argv;
  std::string program = KINDLING_BOOT;
  argv.push_back(program.data());
  std::vector<std::string> copies = arguments;
  for (std::string& argument : copies) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);

  const Pipe errors;
  int child_input = -1;
  int child_output = -1;
  if (console == Console::kPty) {
    EXPECT_EQ(::openpty(&console_, &slave_, nullptr, nullptr, nullptr), 0);
    ::fcntl(console_, F_SETFD, FD_CLOEXEC);
    ::fcntl(slave_, F_SETFD, FD_CLOEXEC);
    EXPECT_EQ(::tcgetattr(slave_, &original_), 0);
    input_ = ::fcntl(console_, F_DUPFD_CLOEXEC, 0);
    child_input = child_output = slave_;
  } else {
    const Pipe in;
    const Pipe out;
    input_ = in.ends[1];
    console_ = out.ends[0];
    child_input = in.ends[0];
    child_output = out.ends[1];
  }
  errors_fd_ = errors.ends[0];
  pid_ = ::fork();
  if (pid_ == 0) {
    ::setsid();
#ifdef __linux__
    ::prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that is killed leaves nothing running
#endif
    ::dup2(child_input, STDIN_FILENO);
    ::dup2(child_output, STDOUT_FILENO);
    ::dup2(errors.ends[1], STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(errors.ends[1]);
  if (console == Console::kPipe) {
    ::close(child_input);
    ::close(child_output);
  }
  ::fcntl(input_, F_SETFL, O_NONBLOCK);
}

BootProcess::~BootProcess() {
  kill();
  close_fd(input_);
  close_fd(console_);
  close_fd(errors_fd_);
  close_fd(slave_);
}

bool BootProcess::read_one(int& fd, std::string& to) {
  std::array<char, 65536> buffer{};
  const ssize_t n = ::read(fd, buffer.data(), buffer.size());
  if (n > 0) {
    to.append(buffer.data(), static_cast<size_t>(n));
    return true;
  }
  return n < 0 && (errno == EINTR || errno == EAGAIN);
}

bool BootProcess::pump(std::string* to_send) {
  const bool sending = to_send != nullptr && !to_send->empty();
  std::array<pollfd, 3> ready = {
      {{console_, POLLIN, 0}, {errors_fd_, POLLIN, 0}, {sending ? input_ : -1, POLLOUT, 0}}};
  ::poll(ready.data(), ready.size(), 100);
  if (ready[0].revents != 0 && !read_one(console_, output_)) {
    close_fd(console_);
  }
  if (ready[1].revents != 0 && !read_one(errors_fd_, errors_)) {
    close_fd(errors_fd_);
  }
  if (sending && ready[2].revents != 0) {
    const ssize_t n = ::write(input_, to_send->data(), std::min<size_t>(to_send->size(), 4096));
    if (n > 0) {
      to_send->erase(0, static_cast<size_t>(n));
    } else if (errno != EAGAIN) {
      return false;
    }
  }
  // On a pty our own copy of the other side keeps the console open: standard error tells.
  return errors_fd_ >= 0;
}

void BootProcess::drain() {
  for (;;) {
    pollfd ready = {console_, POLLIN, 0};
    if (console_ < 0 || ::poll(&ready, 1, 0) <= 0 || !read_one(console_, output_)) {
      return;
    }
  }
}

bool BootProcess::expect(const std::string& text) {
  const auto end = Clock::now() + kDeadline;
  for (bool running = true;;) {
    const size_t at = output_.find(text, seen_);
    if (at != std::string::npos) {
      seen_ = at + text.size();
      return true;
    }
    if (running && Clock::now() < end) {
      running = pump(nullptr);
      if (!running) {
        drain();
      }
    } else {
      ADD_FAILURE() << "the console did not print \"" << text << "\" but\n"
                    << output_.substr(seen_) << "\nand on standard error\n"
                    << errors_;
      return false;
    }
  }
}

void BootProcess::send(const std::string& text) {
  std::string rest = text;
  const auto end = Clock::now() + kDeadline;
  while (!rest.empty()) {
    if (Clock::now() > end || !pump(&rest)) {
      ADD_FAILURE() << rest.size() << " bytes could not be typed";
      return;
    }
  }
}

void BootProcess::close_input() {
  close_fd(input_);
}

void BootProcess::close_output() {
  close_fd(console_);
}

int BootProcess::wait() {
  const auto end = Clock::now() + kDeadline;
  while (pump(nullptr)) {
    if (Clock::now() > end) {
      ADD_FAILURE() << "the process did not end; it printed\n" << output_ << errors_;
      return -1;
    }
  }
  drain();
  int status = 0;
  const pid_t pid = std::exchange(pid_, -1);
  if (::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
    ADD_FAILURE() << "the process ended by signal " << WTERMSIG(status);
    return -1;
  }
  return WEXITSTATUS(status);
}

void BootProcess::signal(int number) const {
  ::kill(pid_, number);
}

void BootProcess::kill() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  }
}

termios BootProcess::terminal() const {
  termios settings = {};
  EXPECT_EQ(::tcgetattr(slave_, &settings), 0);
  return settings;
}

Finished run_boot(const std::vector<std::string>& arguments) {
  BootProcess process(arguments);
  process.close_input();
  Finished finished;
  finished.status = process.wait();
  finished.output = process.output();
  finished.errors = process.errors();
  return finished;
}

std::string guest(const std::string& name) {
  return std::string(KINDLING_GUEST_PROGRAMS) + "/" + name + ".bin";
}

} // namespace kindling::spike::testing
