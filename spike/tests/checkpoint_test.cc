// SPDX-License-Identifier: Apache-2.0
// The keys that stop a machine and take it back, through the program `boot`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "arch/types.h"
#include "spike/tests/boot_process.h"

namespace kindling::spike::testing {
namespace {

using Clock = std::chrono::steady_clock;
using Console = BootProcess::Console;

constexpr char kCheckpoint[] = "\x01"
                               "c";
constexpr char kBack[] = "\x01r";
constexpr char kList[] = "\x01l";
constexpr char kPause[] = "\x01p";

char first_byte(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return static_cast<char>(file.get());
}

class MemoMachine {
public:
  explicit MemoMachine(std::vector<std::string> arguments = {})
      : boot_(with_files(std::move(arguments)), Console::kPty) {
    EXPECT_TRUE(boot_.expect("memo ready"));
  }

  void keep(char letter) {
    boot_.send(std::string("w") + letter);
    EXPECT_TRUE(boot_.expect("kept"));
  }
  void expect_kept(char letter) {
    boot_.send("?");
    const std::string text(1, letter);
    EXPECT_TRUE(boot_.expect("memory " + text + ", disk " + text + ", uart " + text + "."));
    EXPECT_EQ(first_byte(disk_), letter);
  }
  bool press(const std::string& keys, const std::string& answer) {
    boot_.send(keys);
    return boot_.expect(answer);
  }
  // The guest's counter, 24 MHz.
  u64 now() {
    boot_.send("t");
    EXPECT_TRUE(boot_.expect("now "));
    const size_t at = boot_.output().rfind("now ") + 4;
    EXPECT_TRUE(boot_.expect("."));
    return std::stoull(boot_.output().substr(at, 16), nullptr, 16);
  }

private:
  std::vector<std::string> with_files(std::vector<std::string> arguments) {
    arguments.push_back(guest("vm_memo"));
    arguments.push_back(disk_);
    return arguments;
  }

  TemporaryDirectory dir_;
  const std::string disk_ = dir_.file("disk", std::string(65536, 'x'));
  BootProcess boot_;
};

class CheckpointKeysTest : public ::testing::TestWithParam<std::vector<std::string>> {};

TEST_P(CheckpointKeysTest, TakeMemoryDisksAndDevicesBack) {
  MemoMachine memo(GetParam());
  memo.keep('a');
  ASSERT_TRUE(memo.press(kCheckpoint, "[kindling] checkpoint 1"));
  memo.keep('b');
  ASSERT_TRUE(memo.press(kCheckpoint, "[kindling] checkpoint 2"));
  memo.keep('c');
  memo.expect_kept('c');
  ASSERT_TRUE(memo.press(kBack, "back at checkpoint 2"));
  memo.expect_kept('b');
  memo.keep('d');
  ASSERT_TRUE(memo.press("\x01"
                         "1",
                         "back at checkpoint 1"));
  memo.expect_kept('a');
  ASSERT_TRUE(memo.press("\x01"
                         "2",
                         "there is no checkpoint 2"));
  ASSERT_TRUE(memo.press(kList, "checkpoint 1: "));
  memo.keep('e');
  ASSERT_TRUE(memo.press(kBack, "back at checkpoint 1"));
  memo.expect_kept('a');
}

INSTANTIATE_TEST_SUITE_P(Engines, CheckpointKeysTest,
                         ::testing::Values(std::vector<std::string>{},
                                           std::vector<std::string>{"--engine", "interp"},
                                           std::vector<std::string>{"--write-tracking", "faults"},
                                           std::vector<std::string>{"--smp", "4"}));

TEST(CheckpointKeys, SayWhatCannotBeDone) {
  MemoMachine memo;
  ASSERT_TRUE(memo.press(kBack, "there is no checkpoint yet"));
  ASSERT_TRUE(memo.press(kList, "no checkpoints; Ctrl-A c makes one"));
  for (char number = '1'; number <= '9'; ++number) {
    ASSERT_TRUE(memo.press(kCheckpoint, std::string("[kindling] checkpoint ") + number));
  }
  ASSERT_TRUE(memo.press(kCheckpoint, "there are 9 checkpoints already"));
  ASSERT_TRUE(memo.press("\x01"
                         "9",
                         "back at checkpoint 9"));
}

TEST(CheckpointKeys, AResetOfTheGuestForgetsCheckpoints) {
  MemoMachine memo;
  memo.keep('a');
  ASSERT_TRUE(memo.press(kCheckpoint, "[kindling] checkpoint 1"));
  memo.keep('b');
  ASSERT_TRUE(memo.press("z", "memo ready"));
  ASSERT_TRUE(memo.press(kBack, "there is no checkpoint"));
  memo.keep('c');
  memo.expect_kept('c');
}

// What the guest's counter went on by since `earlier`, as time.
std::chrono::nanoseconds since(u64 earlier, u64 now) {
  return std::chrono::nanoseconds((now - earlier) * 125 / 3);
}

// However long a busy host takes, the guest cannot have lived longer than the host less the pause.
TEST(CheckpointKeys, APausedGuestsTimeStands) {
  MemoMachine memo;
  const Clock::time_point start = Clock::now();
  const u64 before = memo.now();
  ASSERT_TRUE(memo.press(kPause, "paused; Ctrl-A p resumes"));
  const Clock::time_point paused = Clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(300)); // the pause that is measured
  const auto pause = Clock::now() - paused;
  ASSERT_TRUE(memo.press(kPause, "running"));
  const u64 after = memo.now();
  EXPECT_GT(after, before);
  EXPECT_LE(since(before, after), Clock::now() - start - pause);
}

TEST(CheckpointKeys, TheGuestsTimeGoesBack) {
  MemoMachine memo;
  const Clock::time_point start = Clock::now();
  const u64 before = memo.now();
  ASSERT_TRUE(memo.press(kCheckpoint, "[kindling] checkpoint 1"));
  const Clock::time_point made = Clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(300)); // the time that is taken back
  memo.now();
  const auto taken_back = Clock::now() - made;
  ASSERT_TRUE(memo.press(kBack, "back at checkpoint 1"));
  const u64 after = memo.now();
  EXPECT_GT(after, before);
  EXPECT_LE(since(before, after), Clock::now() - start - taken_back);
}

} // namespace
} // namespace kindling::spike::testing
