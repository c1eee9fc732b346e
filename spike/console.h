// SPDX-License-Identifier: Apache-2.0
// The guest's serial console on standard input and output.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "arch/result.h"
#include "spike/keys.h"
#include "vmm/wake_pipe.h"

namespace kindling::spike {

// Writes bytes to a file descriptor from a thread of its own. write() waits while the reader lags
// more than a buffer behind, and then holds the writer, which is the guest, up; it never waits
// after close() or give_up(). Thread-safe.
class ConsoleOutput {
public:
  // `failed` is called once, from the thread, when the descriptor takes no more.
  ConsoleOutput(int fd, std::function<void(Error)> failed);
  ~ConsoleOutput();
  ConsoleOutput(const ConsoleOutput&) = delete;
  ConsoleOutput& operator=(const ConsoleOutput&) = delete;

  void write(std::span<const u8> bytes);
  // Lets whoever waits in write() or close() go; what it still wants to write is dropped, and what
  // the reader does not take without much delay.
  void give_up();
  // Writes out what there is, however long the reader takes, and ends the thread. Later writes are
  // dropped.
  void close();

private:
  void main();
  // How much of `bytes` went out; fewer than all when the descriptor failed or, after give_up(),
  // when it does not take more.
  size_t write_out(std::span<const u8> bytes);

  const int fd_;
  const std::function<void(Error)> failed_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<u8> buffer_;
  bool closing_ = false;
  bool gave_up_ = false;
  bool broken_ = false;
  std::thread thread_;
};

// Where typed bytes go: takes some of them, and returns how many.
using ConsoleSink = std::function<size_t(std::span<const u8>)>;

// Reads a file descriptor from a thread of its own, takes keys out, and hands the rest to the
// guest's UART. When that is full it keeps a bounded number of bytes back and reads no further, so
// that nothing is lost and whoever types is held up. The end of the input ends the reading only.
class ConsoleInput {
public:
  static Result<std::unique_ptr<ConsoleInput>> start(int fd, KeyFilter keys, ConsoleSink sink);
  ~ConsoleInput();
  ConsoleInput(const ConsoleInput&) = delete;
  ConsoleInput& operator=(const ConsoleInput&) = delete;

  // The UART has room again. Any thread, from within the UART too.
  void sink_ready() { wake_->wake(); }

private:
  ConsoleInput(int fd, KeyFilter keys, ConsoleSink sink, std::unique_ptr<vmm::WakePipe> wake);
  void main();
  bool read_some(); // false: the input has ended
  void deliver();

  const int fd_;
  KeyFilter keys_;
  const ConsoleSink sink_;
  const std::unique_ptr<vmm::WakePipe> wake_;
  std::vector<u8> pending_; // for the guest, from next_ on
  size_t next_ = 0;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

} // namespace kindling::spike
