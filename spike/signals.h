// SPDX-License-Identifier: Apache-2.0
// Signals that ask the program to end, turned into a call.
#pragma once

#include <csignal>
#include <functional>
#include <thread>

namespace kindling::spike {

// While it lives, SIGINT, SIGTERM, SIGHUP and SIGQUIT call `on_signal` on a thread of its own
// instead of ending the process, and SIGPIPE is ignored, so that writing reports EPIPE. To be made
// before any other thread: they inherit the blocked signals from the one that makes it.
//
// From then on SIGBUS, which is what a mapped file of a snapshot that cannot be read ends in, says
// so on standard error and ends the process with status 1.
class SignalWatch {
public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  void start(std::function<void(int)> on_signal);

private:
  sigset_t set_ = {};
  std::thread thread_;
};

} // namespace kindling::spike
