// SPDX-License-Identifier: Apache-2.0
// `boot` as a child process, on pipes or on a pseudo-terminal, driven by what it prints.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <sys/types.h>
#include <termios.h>

#include "arch/testing/temporary_directory.h"

namespace kindling::spike::testing {

// Long, for hosts that are busy: a test that passes never waits for it.
inline constexpr std::chrono::seconds kDeadline{120};

class BootProcess {
public:
  enum class Console { kPipe, kPty };

  BootProcess(const std::vector<std::string>& arguments, Console console = Console::kPipe);
  ~BootProcess(); // kills the process if it is still there
  BootProcess(const BootProcess&) = delete;
  BootProcess& operator=(const BootProcess&) = delete;

  // Reads until the console has printed `text` behind what earlier calls found. False, with a test
  // failure, when the process ends or the deadline passes first.
  bool expect(const std::string& text);
  // Types `text`, all of it, reading the console meanwhile.
  void send(const std::string& text);
  void close_input();
  // Stops reading the console for good.
  void close_output();

  // Waits for the process to end; its exit status, or -1 with a test failure.
  int wait();
  void signal(int number) const;
  // Ends the process without letting it know.
  void kill();
  [[nodiscard]] pid_t pid() const { return pid_; }

  // Everything printed so far.
  [[nodiscard]] const std::string& output() const { return output_; }
  [[nodiscard]] const std::string& errors() const { return errors_; }
  // The settings of the pseudo-terminal now, and as they were before the process started.
  [[nodiscard]] termios terminal() const;
  [[nodiscard]] const termios& original_terminal() const { return original_; }

private:
  // Moves bytes for a moment; false once the process has closed its outputs.
  bool pump(std::string* to_send);
  bool read_one(int& fd, std::string& to);
  // Takes what the process left behind.
  void drain();

  pid_t pid_ = -1;
  int input_ = -1;
  int console_ = -1; // its standard output; on a pty the same as input_
  int errors_fd_ = -1;
  int slave_ = -1; // of the pty, kept open to look at its settings
  termios original_ = {};
  std::string output_;
  std::string errors_;
  size_t seen_ = 0;
};

// Runs `boot` with nothing on its input, to its end.
struct Finished {
  int status = -1;
  std::string output;
  std::string errors;
};
Finished run_boot(const std::vector<std::string>& arguments);

// The path of a bare-metal guest of this folder.
std::string guest(const std::string& name);

} // namespace kindling::spike::testing
