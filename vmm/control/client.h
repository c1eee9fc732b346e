// SPDX-License-Identifier: Apache-2.0
// One client of the control socket, with a thread that reads its requests, executes them one after
// the other, and writes replies and events.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "arch/result.h"
#include "vmm/control/line_splitter.h"
#include "vmm/control/protocol.h"
#include "vmm/wake_pipe.h"

namespace kindling::vmm {

// The longest request, without its newline.
inline constexpr size_t kMaxRequest = 16ULL * 1024;
// A client that is told of events may lag so many bytes behind, and no further.
inline constexpr size_t kMaxQueued = 256ULL * 1024;

class ControlClient {
public:
  // Executes a request, on the client's thread.
  using Answer = std::function<ControlReply(std::string_view line)>;

  // Takes `fd`, a connected stream socket, also when it fails. `answer` outlives the client.
  static Result<std::unique_ptr<ControlClient>> start(int fd, const Answer& answer);
  // Says why, and closes `fd`.
  static void refuse(int fd, const Error& error);
  ~ControlClient(); // finishes and waits for it
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;

  // Queues a line if the client has asked for events. Never waits for the client: one that lags too
  // far behind is sent what was queued and a line that says so, and nothing more.
  void publish(const std::string& line);
  [[nodiscard]] bool subscribed() const;

  // Reads no more requests, and ends when what is queued has been read, or soon.
  void finish();
  // The connection has been closed; destroying this does not wait.
  [[nodiscard]] bool done() const { return done_; }

private:
  ControlClient(int fd, const Answer& answer, std::unique_ptr<WakePipe> wake);
  void main();
  bool step();
  bool read_some();
  bool write_some();
  void execute(std::string_view line);
  void queue(const ControlReply& reply);

  const int fd_;
  const Answer& answer_;
  const std::unique_ptr<WakePipe> wake_;
  LineSplitter splitter_{kMaxRequest}; // the thread's
  bool end_of_input_ = false;          // likewise

  mutable std::mutex mutex_; // of what follows
  std::string queued_;       // from the byte after what was sent
  bool subscribed_ = false;
  bool reading_ = true; // requests are wanted
  std::chrono::steady_clock::time_point give_up_ = std::chrono::steady_clock::time_point::max();

  std::atomic<bool> done_{false};
  std::thread thread_;
};

} // namespace kindling::vmm
