// SPDX-License-Identifier: Apache-2.0
// The terminal in raw mode, and back to what it was on every way out.
#pragma once

#include <memory>

#include "arch/result.h"

namespace kindling::spike {

// While it lives, the terminal passes every key on as it is typed, without echo, and shows output
// as it is: a line of ours has to end with "\r\n". The old settings come back when it is destroyed,
// and also when the process dies of a fault (SIGSEGV and its kind): for those it installs handlers,
// which is why there can be only one at a time.
class RawTerminal {
public:
  // Null when `fd` is not a terminal: then there is nothing to do.
  static Result<std::unique_ptr<RawTerminal>> enter(int fd);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

private:
  RawTerminal() = default;
};

} // namespace kindling::spike
