// SPDX-License-Identifier: Apache-2.0
#include "spike/signals.h"

#include <pthread.h>

namespace kindling::spike {

namespace {
// Ends the watching thread; nobody else sends it to a thread of ours.
constexpr int kStop = SIGUSR1;
} // namespace

SignalWatch::SignalWatch() {
  sigemptyset(&set_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, kStop}) {
    sigaddset(&set_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
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
