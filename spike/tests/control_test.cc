// SPDX-License-Identifier: Apache-2.0
// The control socket of whole virtual machines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <sys/stat.h>

#include "spike/tests/boot_process.h"
#include "vmm/control/testing/connection.h"

namespace kindling::spike::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using vmm::testing::Connection;
using Console = BootProcess::Console;

constexpr char kDone[] = R"({"ok":true})";

std::string command(const std::string& name) {
  return R"({"command":")" + name + R"("})";
}

// A machine with a control socket and the guest vm_commanded, which counts what is typed.
class ControlTest : public ::testing::Test {
protected:
  std::vector<std::string> with_socket(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--control-sock", path_});
    return arguments;
  }
  bool socket_exists() const {
    struct stat info = {};
    return ::lstat(path_.c_str(), &info) == 0;
  }
  // What the guest answers to a byte when it has received so many.
  static std::string count(int n) { return "000000000000000" + std::to_string(n) + "\r\n"; }
  static void type_and_expect(BootProcess& boot, int n) {
    boot.send("x");
    ASSERT_TRUE(boot.expect(count(n)));
  }
  static std::string guest_time(Connection& client) {
    const std::string status = client.ask(command("status"));
    const size_t at = status.find("\"guest_time_ms\"");
    return status.substr(at, status.find(',', at) - at);
  }

  TemporaryDirectory dir_;
  const std::string path_ = dir_.path("control");
};

TEST_F(ControlTest, StatusDescribesTheMachine) {
  BootProcess boot(
      with_socket({"--smp", "2", "--mem", "64M", "--engine", "interp", guest("vm_commanded")}));
  ASSERT_TRUE(boot.expect("counting"));
  Connection client(path_);
  const std::string status = client.ask(R"({"command":"status","id":"s"})");
  EXPECT_THAT(status, HasSubstr(R"({"id":"s","ok":true,"state":"running","vcpus":2,)"
                                R"("memory_bytes":67108864,"backend":"soft","engine":"interp",)"));
  EXPECT_THAT(status, Not(HasSubstr(R"("boot_time_ms":null)")));
  EXPECT_THAT(status, HasSubstr(R"("checkpoints":0})"));
  EXPECT_EQ(client.ask(command("quit")), kDone);
  EXPECT_EQ(boot.wait(), 0);
}

TEST_F(ControlTest, APausedGuestDoesNothingAndItsTimeStands) {
  BootProcess boot(with_socket({guest("vm_commanded")}));
  ASSERT_TRUE(boot.expect("counting"));
  Connection client(path_);
  type_and_expect(boot, 1);
  EXPECT_EQ(client.ask(command("pause")), kDone);
  EXPECT_THAT(client.ask(command("pause")), HasSubstr("paused already"));
  EXPECT_THAT(client.ask(command("status")), HasSubstr(R"("state":"paused")"));
  const std::string time = guest_time(client);
  const size_t printed = boot.output().size();
  boot.send("x");
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(guest_time(client), time);
  }
  boot.send("x"); // which reads the console, too
  EXPECT_EQ(boot.output().size(), printed);
  EXPECT_EQ(client.ask(command("resume")), kDone);
  ASSERT_TRUE(boot.expect(count(2)));
  ASSERT_TRUE(boot.expect(count(3)));
  EXPECT_THAT(client.ask(command("resume")), HasSubstr("not paused"));
  EXPECT_THAT(client.ask(command("status")), HasSubstr(R"("state":"running")"));
}

TEST_F(ControlTest, AResetTakesTheGuestBack) {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{}, {"--smp", "4"}, {"--engine", "interp"}}) {
    std::vector<std::string> arguments = options;
    arguments.push_back(guest("vm_commanded"));
    BootProcess boot(with_socket(arguments));
    ASSERT_TRUE(boot.expect("counting"));
    Connection client(path_);
    EXPECT_THAT(client.ask(command("reset")), HasSubstr("there is no checkpoint yet"));
    type_and_expect(boot, 1);
    EXPECT_EQ(client.ask(command("checkpoint")), R"({"ok":true,"checkpoint":1})");
    type_and_expect(boot, 2);
    EXPECT_EQ(client.ask(command("checkpoint")), R"({"ok":true,"checkpoint":2})");
    type_and_expect(boot, 3);
    type_and_expect(boot, 4);
    EXPECT_THAT(client.ask(command("list")),
                HasSubstr(R"({"ok":true,"checkpoints":[{"checkpoint":1,"age_ms":)"));
    EXPECT_THAT(client.ask(command("reset")), HasSubstr(R"("ok":true,"checkpoint":2,)"));
    type_and_expect(boot, 3);
    EXPECT_THAT(client.ask(R"({"command":"reset","checkpoint":1})"),
                HasSubstr(R"("ok":true,"checkpoint":1,)"));
    type_and_expect(boot, 2);
    EXPECT_THAT(client.ask(R"({"command":"reset","checkpoint":2})"),
                HasSubstr("there is no checkpoint 2; there are 1 to 1"));
    type_and_expect(boot, 3);
    EXPECT_EQ(client.ask(command("quit")), kDone);
    EXPECT_EQ(boot.wait(), 0);
  }
}

TEST_F(ControlTest, CheckpointsCanBeMadeAndGoneBackToWhilePaused) {
  BootProcess boot(with_socket({guest("vm_commanded")}));
  ASSERT_TRUE(boot.expect("counting"));
  Connection client(path_);
  EXPECT_EQ(client.ask(command("pause")), kDone);
  EXPECT_EQ(client.ask(command("checkpoint")), R"({"ok":true,"checkpoint":1})");
  EXPECT_EQ(client.ask(command("resume")), kDone);
  type_and_expect(boot, 1);
  EXPECT_EQ(client.ask(command("pause")), kDone);
  EXPECT_THAT(client.ask(command("reset")), HasSubstr(R"("ok":true)"));
  EXPECT_THAT(client.ask(command("status")), HasSubstr(R"("state":"paused")"));
  EXPECT_EQ(client.ask(command("resume")), kDone);
  type_and_expect(boot, 1);
}

TEST_F(ControlTest, SubscribersHearOfEverything) {
  BootProcess boot(with_socket({guest("vm_commanded")}));
  ASSERT_TRUE(boot.expect("counting"));
  Connection events(path_);
  Connection client(path_);
  EXPECT_EQ(events.ask(command("events")), kDone);
  for (const char* name : {"pause", "resume", "checkpoint", "reset"}) {
    EXPECT_THAT(client.ask(command(name)), HasSubstr(R"("ok":true)"));
  }
  EXPECT_EQ(events.line(), R"({"event":"paused"})");
  EXPECT_EQ(events.line(), R"({"event":"resumed"})");
  EXPECT_EQ(events.line(), R"({"event":"checkpoint","checkpoint":1})");
  EXPECT_EQ(events.line(), R"({"event":"reset","checkpoint":1})");
  boot.send("r");
  EXPECT_EQ(events.line(), R"({"event":"guest_reset"})");
  EXPECT_THAT(events.line(), HasSubstr(R"({"event":"guest_boot_time","boot_time_ms":)"));
  EXPECT_THAT(client.ask(command("status")), HasSubstr(R"("checkpoints":0})"));
  ASSERT_TRUE(boot.expect("counting"));
  boot.send("o");
  EXPECT_EQ(events.line(), R"({"event":"ended","reason":"power_off"})");
  EXPECT_EQ(events.line(), "(end)");
  EXPECT_EQ(boot.wait(), 0);
  EXPECT_FALSE(socket_exists());
}

TEST_F(ControlTest, KeysAndTheSocketSeeOneMachine) {
  BootProcess boot(with_socket({guest("vm_commanded")}), Console::kPty);
  ASSERT_TRUE(boot.expect("counting"));
  Connection client(path_);
  EXPECT_EQ(client.ask(command("events")), kDone);
  boot.send("\x01p");
  EXPECT_EQ(client.line(), R"({"event":"paused"})");
  EXPECT_EQ(client.ask(command("resume")), R"({"event":"resumed"})");
  EXPECT_EQ(client.line(), kDone);
  boot.send("\x01p");
  EXPECT_EQ(client.line(), R"({"event":"paused"})");
  boot.send("\x01p");
  EXPECT_EQ(client.line(), R"({"event":"resumed"})");
  boot.send("\x01"
            "c");
  EXPECT_EQ(client.line(), R"({"event":"checkpoint","checkpoint":1})");
  boot.send("\x01x");
  EXPECT_EQ(client.line(), R"({"event":"ended","reason":"quit"})");
  EXPECT_EQ(boot.wait(), 0);
}

TEST_F(ControlTest, QuitIsAnsweredWhenTheMachineHasEnded) {
  BootProcess boot(with_socket({guest("vm_commanded")}));
  ASSERT_TRUE(boot.expect("counting"));
  Connection client(path_);
  EXPECT_EQ(client.ask(command("events")), kDone);
  EXPECT_EQ(client.ask(command("pause")), R"({"event":"paused"})");
  EXPECT_EQ(client.line(), kDone);
  EXPECT_EQ(client.ask(command("quit")), R"({"event":"ended","reason":"quit"})");
  EXPECT_EQ(client.line(), kDone);
  EXPECT_EQ(client.line(), "(end)");
  EXPECT_EQ(boot.wait(), 0);
}

TEST_F(ControlTest, AMachineThatWaitsForItsConsoleCanBeQuit) {
  BootProcess boot(with_socket({guest("vm_flood")}));
  ASSERT_TRUE(boot.expect("lazy dog"));
  Connection client(path_);
  EXPECT_EQ(client.ask(command("quit")), kDone);
  EXPECT_EQ(boot.wait(), 0);
}

TEST_F(ControlTest, AMachineThatFailsSaysWhy) {
  BootProcess boot(with_socket({guest("vm_commanded")}));
  ASSERT_TRUE(boot.expect("counting"));
  Connection client(path_);
  EXPECT_EQ(client.ask(command("events")), kDone);
  boot.signal(SIGTERM);
  EXPECT_THAT(client.line(),
              HasSubstr(R"({"event":"ended","reason":"failure","error":"ended by signal 15)"));
  EXPECT_EQ(client.line(), "(end)");
  EXPECT_EQ(boot.wait(), 1);
  EXPECT_FALSE(socket_exists());
}

TEST_F(ControlTest, ASocketInUseIsRefusedAndAStaleOneReplaced) {
  BootProcess first(with_socket({guest("vm_commanded")}));
  ASSERT_TRUE(first.expect("counting"));
  const Finished second = run_boot(with_socket({guest("vm_hello")}));
  EXPECT_EQ(second.status, 1);
  EXPECT_EQ(second.output, "");
  EXPECT_EQ(second.errors,
            "boot: --control-sock " + path_ +
                ": a running program listens there; end it or choose another path\n");
  first.kill();
  ASSERT_TRUE(socket_exists());
  BootProcess third(with_socket({guest("vm_commanded")}));
  ASSERT_TRUE(third.expect("counting"));
  EXPECT_EQ(Connection(path_).ask(command("quit")), kDone);
  EXPECT_EQ(third.wait(), 0);
}

TEST_F(ControlTest, ARunWithCountedInstructionsCanBeTakenBackToo) {
  BootProcess boot(with_socket({"--icount", guest("vm_commanded")}), Console::kPty);
  ASSERT_TRUE(boot.expect("counting"));
  Connection client(path_);
  type_and_expect(boot, 1);
  EXPECT_THAT(client.ask(command("checkpoint")), HasSubstr(R"("ok":true)"));
  type_and_expect(boot, 2);
  EXPECT_THAT(client.ask(command("reset")), HasSubstr(R"("ok":true)"));
  type_and_expect(boot, 2);
  EXPECT_EQ(client.ask(command("quit")), kDone);
  EXPECT_EQ(boot.wait(), 0);
}

} // namespace
} // namespace kindling::spike::testing
