// SPDX-License-Identifier: Apache-2.0
// Whole virtual machines with small bare-metal guests, through the program `boot`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <string>
#include <sys/wait.h>

#include "spike/tests/boot_process.h"

namespace kindling::spike::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Console = BootProcess::Console;

constexpr char kQuit[] = "\x01x";

bool same_settings(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag &&
         a.c_lflag == b.c_lflag && std::memcmp(a.c_cc, b.c_cc, sizeof(a.c_cc)) == 0;
}

// 100 kB of lines that are all different.
std::string make_paste() {
  std::string text;
  for (int i = 0; text.size() < 100000; ++i) {
    text += "line " + std::to_string(i) + " of a long paste\n";
  }
  return text;
}

TEST(Vm, PrintsAndPowersOff) {
  const Finished boot = run_boot({guest("vm_hello")});
  EXPECT_EQ(boot.status, 0);
  EXPECT_EQ(boot.output, "hello from the guest\r\ndevice tree found\r\n");
  EXPECT_EQ(boot.errors, "");
}

TEST(Vm, StatisticsComeAtTheEnd) {
  const Finished boot = run_boot({"--engine", "interp", "--stats", guest("vm_hello")});
  EXPECT_EQ(boot.status, 0);
  EXPECT_EQ(boot.output, "hello from the guest\r\ndevice tree found\r\n");
  EXPECT_THAT(boot.errors, StartsWith("Statistics:\n"));
  EXPECT_THAT(boot.errors, ContainsRegex("\n  instructions retired +[0-9,]+\n"));
  EXPECT_THAT(boot.errors, ContainsRegex("\n  exits data abort +[0-9]+\n"));
}

TEST(Vm, StatisticsCoverEveryBootOfAMachine) {
  BootProcess boot({"--stats", guest("vm_reset")});
  ASSERT_TRUE(boot.expect("started"));
  boot.send("r");
  ASSERT_TRUE(boot.expect("started"));
  boot.send("o");
  EXPECT_EQ(boot.wait(), 0);
  // The first boot's PSCI_SYSTEM_RESET, the second one's PSCI_SYSTEM_OFF.
  EXPECT_THAT(boot.errors(), ContainsRegex("\n  exits hvc +2\n"));
}

TEST(Vm, ADamagedInitramfsEndsTheMachine) {
  TemporaryDirectory dir;
  const Finished boot =
      run_boot({"--initramfs", dir.file("cut.gz", "\x1f\x8b\x08"), guest("vm_idle")});
  EXPECT_EQ(boot.status, 1);
  EXPECT_THAT(boot.errors, HasSubstr("cut.gz: its gzip data ends in the middle"));
}

TEST(Vm, SmallAndLargeMachinesBoot) {
  for (const char* size : {"16M", "3G", "70"}) {
    const Finished boot = run_boot({"--mem", size, "--smp", "32", guest("vm_hello")});
    EXPECT_EQ(boot.status, 0) << boot.errors;
    EXPECT_THAT(boot.output, HasSubstr("device tree found")) << size;
  }
}

TEST(Vm, APasteOnAPipeComesBackWhole) {
  BootProcess boot({guest("vm_echo")});
  ASSERT_TRUE(boot.expect("echo ready\r\n"));
  const std::string paste = make_paste();
  boot.send(paste + "\x04");
  EXPECT_EQ(boot.wait(), 0);
  EXPECT_EQ(boot.output(), "echo ready\r\n" + paste + "\r\necho done\r\n");
}

TEST(Vm, APasteOnATerminalComesBackWhole) {
  BootProcess boot({guest("vm_echo")}, Console::kPty);
  ASSERT_TRUE(boot.expect("echo ready\r\n"));
  const std::string paste = make_paste();
  boot.send(paste);
  boot.send("\x04");
  ASSERT_TRUE(boot.expect("echo done"));
  EXPECT_EQ(boot.wait(), 0);
  EXPECT_EQ(boot.output(), "echo ready\r\n" + paste + "\r\necho done\r\n");
}

TEST(Vm, TheEndOfTheInputKeepsTheGuestRunning) {
  BootProcess boot({guest("vm_idle")});
  boot.close_input();
  ASSERT_TRUE(boot.expect("idling"));
  boot.signal(SIGTERM);
  EXPECT_EQ(boot.wait(), 1);
}

TEST(Vm, AllVcpusStartStopAndStartAgain) {
  const Finished boot = run_boot({"--smp", "4", guest("vm_smp")});
  EXPECT_EQ(boot.status, 0);
  EXPECT_EQ(boot.output, "all vCPUs counted\r\n");
}

// From one vCPU that prints to four that are turned on and off, whichever engine runs them.
TEST(VmIcount, RunsRepeatThemselves) {
  for (const char* name : {"vm_hello", "vm_abuse", "vm_rings", "vm_smp"}) {
    TemporaryDirectory dir;
    const std::string disk = dir.file("disk", std::string(65536, 'x'));
    const auto run = [&](const char* seed, const char* engine) {
      return run_boot({"--icount", "--icount-report", "--seed", seed, "--engine", engine, "--smp",
                       "4", "--mem", "16M", guest(name), disk});
    };
    const Finished first = run("1", "auto");
    EXPECT_EQ(first.status, 0) << first.errors;
    EXPECT_THAT(first.errors, HasSubstr("instructions retired: "));
    for (const char* engine : {"auto", "interp"}) {
      const Finished again = run("1", engine);
      EXPECT_EQ(first.output, again.output) << engine;
      EXPECT_EQ(first.errors, again.errors) << engine;
    }
    EXPECT_NE(run("2", "auto").errors, first.errors) << "the device tree holds the seeds";
  }
}

TEST(VmIcount, InputOnAPipeIsReadBeforeTheStart) {
  const std::string paste = make_paste();
  std::string outputs[2];
  for (std::string& output : outputs) {
    BootProcess boot({"--icount", guest("vm_echo")});
    boot.send(paste + "\x04");
    boot.close_input();
    EXPECT_EQ(boot.wait(), 0);
    output = boot.output();
  }
  EXPECT_EQ(outputs[0], "echo ready\r\n" + paste + "\r\necho done\r\n");
  EXPECT_EQ(outputs[1], outputs[0]);
}

TEST(VmIcount, ATerminalIsReadAsItGoes) {
  BootProcess boot({"--icount", guest("vm_echo")}, Console::kPty);
  ASSERT_TRUE(boot.expect("echo ready"));
  boot.send("abc");
  ASSERT_TRUE(boot.expect("abc"));
  boot.send(kQuit);
  EXPECT_EQ(boot.wait(), 0);
}

TEST(VmIcount, AnIdleGuestCanBeEnded) {
  BootProcess boot({"--icount", "--smp", "2", guest("vm_idle")});
  boot.close_input();
  ASSERT_TRUE(boot.expect("idling"));
  boot.signal(SIGTERM);
  EXPECT_EQ(boot.wait(), 1);
}

TEST(Vm, AResetBootsTheMachineAnew) {
  BootProcess boot({"--smp", "2", guest("vm_reset")});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(boot.expect("started with clean RAM"));
    boot.send("r");
  }
  ASSERT_TRUE(boot.expect("started with clean RAM"));
  boot.send("o");
  EXPECT_EQ(boot.wait(), 0);
  EXPECT_THAT(boot.output(), Not(HasSubstr("soiled")));
}

TEST(Vm, AGuestThatDoesAnythingAtAllSurvives) {
  TemporaryDirectory dir;
  const std::string disk = dir.file("disk", std::string(65536, 'x'));
  const Finished boot = run_boot({guest("vm_abuse"), disk});
  EXPECT_EQ(boot.status, 0);
  EXPECT_EQ(boot.output, "external abort taken\r\nrandom accesses done\r\n"
                         "undefined instructions done\r\nsurvived\r\n");
}

TEST(Vm, BrokenRingsMakeTheDeviceAskForAReset) {
  TemporaryDirectory dir;
  const std::string disk = dir.file("disk", std::string(65536, 'x'));
  const Finished boot = run_boot({guest("vm_rings"), disk});
  EXPECT_EQ(boot.status, 0);
  EXPECT_EQ(boot.output, "broken rings: the device asked for resets\r\n");
}

TEST(Vm, AGuestInAnEndlessExceptionCanBeQuit) {
  BootProcess boot({guest("vm_wild")}, Console::kPty);
  ASSERT_TRUE(boot.expect("going wild"));
  boot.send(kQuit);
  EXPECT_EQ(boot.wait(), 0);
}

TEST(Vm, TheBootTimeIsReportedOnce) {
  BootProcess boot({guest("vm_idle")});
  ASSERT_TRUE(boot.expect("idling"));
  boot.send(kQuit);
  EXPECT_EQ(boot.wait(), 0);
  EXPECT_THAT(boot.errors(), ::testing::MatchesRegex("Guest-boot-time = [0-9]+ ms\n"));
}

TEST(VmTerminal, IsRawWhileTheGuestRunsAndRestoredAfterwards) {
  BootProcess boot({guest("vm_idle")}, Console::kPty);
  ASSERT_TRUE(boot.expect("idling"));
  EXPECT_EQ(boot.terminal().c_lflag & (ECHO | ICANON | ISIG), 0U);
  boot.send(kQuit);
  EXPECT_EQ(boot.wait(), 0);
  EXPECT_TRUE(same_settings(boot.terminal(), boot.original_terminal()));
}

TEST(VmTerminal, IsRestoredWhenASignalEndsTheProgram) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    BootProcess boot({guest("vm_idle")}, Console::kPty);
    ASSERT_TRUE(boot.expect("idling"));
    boot.signal(number);
    EXPECT_EQ(boot.wait(), 1);
    EXPECT_THAT(boot.errors(), HasSubstr("boot: ended by signal " + std::to_string(number)));
    EXPECT_TRUE(same_settings(boot.terminal(), boot.original_terminal())) << number;
  }
}

TEST(VmTerminal, IsRestoredWhenTheProgramFaults) {
  BootProcess boot({guest("vm_idle")}, Console::kPty);
  ASSERT_TRUE(boot.expect("idling"));
  boot.signal(SIGSEGV);
  int status = 0;
  ASSERT_EQ(::waitpid(boot.pid(), &status, 0), boot.pid());
  // Sanitizers have handlers of their own, which were there before.
  EXPECT_TRUE(WIFSIGNALED(status) ? WTERMSIG(status) == SIGSEGV : WEXITSTATUS(status) != 0);
  EXPECT_TRUE(same_settings(boot.terminal(), boot.original_terminal()));
}

TEST(VmKeys, CtrlAQuestionMarkListsThemAndCtrlACtrlASendsOne) {
  BootProcess boot({guest("vm_echo")}, Console::kPty);
  ASSERT_TRUE(boot.expect("echo ready"));
  boot.send("\x01?");
  ASSERT_TRUE(boot.expect("Ctrl-A x"));
  ASSERT_TRUE(boot.expect("Ctrl-A Ctrl-A"));
  boot.send("a\x01\x01z");
  ASSERT_TRUE(boot.expect("a\x01z"));
  boot.send("\x01");
  boot.send("x");
  EXPECT_EQ(boot.wait(), 0);
}

TEST(VmOutput, AReaderThatGoesAwayEndsTheProgram) {
  BootProcess boot({guest("vm_flood")});
  ASSERT_TRUE(boot.expect("lazy dog"));
  boot.close_output();
  EXPECT_EQ(boot.wait(), 1);
  EXPECT_THAT(boot.errors(), HasSubstr("boot: standard output takes no more of the console"));
}

TEST(VmOutput, AGuestThatFloodsAnIdleReaderCanBeQuit) {
  BootProcess boot({guest("vm_flood")});
  boot.send(kQuit);
  EXPECT_EQ(boot.wait(), 0);
}

} // namespace
} // namespace kindling::spike::testing
