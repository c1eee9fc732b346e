// SPDX-License-Identifier: Apache-2.0
#include "spike/signals.h"

#include <pthread.h>
#include <unistd.h>

namespace kindling::spike {

namespace {
// Ends the watching thread; nobody else sends it to a thread of ours.
constexpr int kStop = SIGUSR1;

// Async-signal-safe.
void on_bus_error(int /*signal*/) {
  constexpr char kText[] =
      "boot: memory that comes from a file cannot be read any more: the file's disk has failed, or "
      "somebody has cut a file of the snapshot short\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText, sizeof kText - 1);
  ::_exit(1);
}
} // namespace

SignalWatch::SignalWatch() {
  sigemptyset(&set_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, kStop}) {
    sigaddset(&set_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGBUS, on_bus_error);
  std::signal(SIGXFSZ, SIG_IGN); // a write beyond `ulimit -f` fails, and ends nothing
}

void SignalWatch::start(std::function<void(int)> on_signal) {
  thread_ = std::thread([this, on_signal = std::move(on_signal)] {
    int signal = 0;
    while (sigwait(&set_, &signal) == 0 && signal != kStop) {
      on_signal(signal);
    }
  });
}

SignalWatch::~SignalWatch() {
  if (thread_.joinable()) {
    pthread_kill(thread_.native_handle(), kStop);
    thread_.join();
  }
}

} // namespace kindling::spike
