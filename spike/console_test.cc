// SPDX-License-Identifier: Apache-2.0
#include "spike/console.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <future>
#include <string>
#include <unistd.h>

namespace kindling::spike {
namespace {

std::span<const u8> bytes(const std::string& text) {
  return {reinterpret_cast<const u8*>(text.data()), text.size()};
}

class Pipe {
public:
  Pipe() { EXPECT_EQ(::pipe(ends_.data()), 0); }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  [[nodiscard]] int reader() const { return ends_[0]; }
  [[nodiscard]] int writer() const { return ends_[1]; }
  void close_reader() { close_end(0); }
  void close_writer() { close_end(1); }
  void write_all(const std::string& text) const {
    size_t done = 0;
    while (done < text.size()) {
      const ssize_t n = ::write(ends_[1], text.data() + done, text.size() - done);
      ASSERT_GT(n, 0);
      done += static_cast<size_t>(n);
    }
  }
  [[nodiscard]] std::string read_all() const {
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = ::read(ends_[0], buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<size_t>(n));
    }
    return text;
  }

private:
  void close_end(size_t i) {
    if (ends_[i] >= 0) {
      ::close(std::exchange(ends_[i], -1));
    }
  }
  std::array<int, 2> ends_{};
};

TEST(ConsoleOutput, WritesEverythingInOrder) {
  Pipe pipe;
  auto reader = std::async(std::launch::async, [&] { return pipe.read_all(); });
  std::string text;
  {
    ConsoleOutput output(pipe.writer(), [](const Error&) { ADD_FAILURE(); });
    for (int i = 0; i < 100000; ++i) {
      const std::string piece = std::to_string(i) + "\n";
      output.write(bytes(piece));
      text += piece;
    }
  }
  pipe.close_writer();
  EXPECT_EQ(reader.get(), text);
}

TEST(ConsoleOutput, AWriterIsLetGoWhenTheReaderDoesNotRead) {
  Pipe pipe;
  ConsoleOutput output(pipe.writer(), [](const Error&) {});
  std::promise<void> started;
  auto writer = std::async(std::launch::async, [&] {
    started.set_value();
    output.write(bytes(std::string(2 << 20, 'x')));
  });
  started.get_future().wait();
  output.give_up();
  writer.wait();
}

TEST(ConsoleOutput, AReaderMayTakeItsTimeAfterTheEnd) {
  Pipe pipe;
  const std::string text(200'000, 'x');
  ConsoleOutput output(pipe.writer(), [](const Error&) { ADD_FAILURE(); });
  output.write(bytes(text));
  auto closed = std::async(std::launch::async, [&] { output.close(); });
  EXPECT_EQ(closed.wait_for(std::chrono::milliseconds(1500)), std::future_status::timeout);
  auto reader = std::async(std::launch::async, [&] { return pipe.read_all(); });
  closed.wait();
  pipe.close_writer();
  EXPECT_EQ(reader.get().size(), text.size());
}

TEST(ConsoleOutput, TheEndDoesNotWaitForAReaderThatWasGivenUp) {
  Pipe pipe;
  ConsoleOutput output(pipe.writer(), [](const Error&) {});
  output.write(bytes(std::string(200'000, 'x')));
  auto closed = std::async(std::launch::async, [&] { output.close(); });
  output.give_up();
  closed.wait();
}

TEST(ConsoleOutput, ABrokenReaderIsReportedOnce) {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  pipe.close_reader();
  std::promise<std::string> failure;
  ConsoleOutput output(pipe.writer(), [&](const Error& e) { failure.set_value(e.message); });
  output.write(bytes("x"));
  EXPECT_NE(failure.get_future().get().find("standard output"), std::string::npos);
  output.write(bytes("y"));
}

// A UART that takes 16 bytes at a time, and none until it has been emptied.
class SlowUart {
public:
  size_t take(std::span<const u8> offered) {
    const std::lock_guard lock(mutex_);
    size_t n = 0;
    while (n < offered.size() && fifo_.size() < 16) {
      fifo_.push_back(static_cast<char>(offered[n++]));
    }
    return n;
  }
  std::string drain() {
    const std::lock_guard lock(mutex_);
    return std::exchange(fifo_, {});
  }

private:
  std::mutex mutex_;
  std::string fifo_;
};

TEST(ConsoleInput, ASlowUartLosesNothing) {
  Pipe pipe;
  SlowUart uart;
  auto input = ConsoleInput::start(pipe.reader(), KeyFilter({}),
                                   [&](std::span<const u8> offered) { return uart.take(offered); });
  ASSERT_TRUE(input.ok());
  std::string text;
  for (int i = 0; text.size() < 300000; ++i) {
    text += std::to_string(i) + ' ';
  }
  auto writer = std::async(std::launch::async, [&] { pipe.write_all(text); });
  std::string got;
  while (got.size() < text.size()) {
    got += uart.drain();
    (*input)->sink_ready();
  }
  writer.wait();
  EXPECT_EQ(got, text);
}

TEST(ConsoleInput, KeysActAlthoughTheUartIsFull) {
  Pipe pipe;
  std::promise<void> quit;
  KeyFilter keys({{'x', "Ctrl-A x", "quit", [&] { quit.set_value(); }}});
  auto input = ConsoleInput::start(pipe.reader(), std::move(keys),
                                   [](std::span<const u8>) { return size_t{0}; });
  ASSERT_TRUE(input.ok());
  pipe.write_all(std::string(5000, 'a') + "\x01x");
  quit.get_future().wait();
}

TEST(ConsoleInput, TheEndOfTheInputEndsOnlyTheReading) {
  Pipe pipe;
  SlowUart uart;
  auto input = ConsoleInput::start(pipe.reader(), KeyFilter({}),
                                   [&](std::span<const u8> offered) { return uart.take(offered); });
  ASSERT_TRUE(input.ok());
  pipe.write_all(std::string(40, 'z'));
  pipe.close_writer();
  std::string got;
  while (got.size() < 40) {
    got += uart.drain();
    (*input)->sink_ready();
  }
  EXPECT_EQ(got, std::string(40, 'z'));
}

} // namespace
} // namespace kindling::spike
