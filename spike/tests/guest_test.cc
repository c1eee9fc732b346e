// SPDX-License-Identifier: Apache-2.0
// The real Debian guest that scripts/guest/fetch-debian.sh makes, driven on a pseudo-terminal.
// Tests are skipped when its files are not there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "spike/tests/boot_process.h"

namespace kindling::spike::testing {
namespace {

using ::testing::HasSubstr;

// What the guest's shell prints when it waits for a command, after the banner.
constexpr char kPrompt[] = "root@kindling:";

class GuestTest : public ::testing::Test {
protected:
  void SetUp() override {
    for (const char* name : {"Image", "initramfs.cpio.gz", "rootfs.ext4"}) {
      if (!std::filesystem::exists(file(name))) {
        GTEST_SKIP() << file(name) << " is missing; scripts/guest/fetch-debian.sh makes it";
      }
    }
    std::filesystem::copy_file(file("rootfs.ext4"), rootfs());
  }
  static std::string file(const std::string& name) {
    return std::string(KINDLING_GUEST_FILES) + "/" + name;
  }
  [[nodiscard]] std::string rootfs() const { return dir_.path("rootfs.ext4"); }
  [[nodiscard]] std::vector<std::string> arguments(const std::string& vcpus = "1") const {
    return {"--smp",    vcpus,   "--initramfs", file("initramfs.cpio.gz"),
            "--append", "quiet", file("Image"), rootfs()};
  }
  // Types a command and waits for what it prints: the echo of the command itself has `marker`
  // in quotes, its output has not.
  static bool run(BootProcess& boot, const std::string& command, const std::string& output) {
    boot.send(command + "; echo do''ne\n");
    return boot.expect(output) && boot.expect("done\r\n");
  }

  TemporaryDirectory dir_;
};

TEST_F(GuestTest, GuestShellRunsCommandsOnAllVcpusAndPowersOff) {
  BootProcess boot(arguments("4"), BootProcess::Console::kPty);
  ASSERT_TRUE(boot.expect(kPrompt));
  ASSERT_TRUE(run(boot, "echo cpus=$(nproc)", "cpus=4"));
  ASSERT_TRUE(run(boot, "echo machine=$(uname -m)", "machine=aarch64"));
  boot.send("poweroff\n");
  EXPECT_EQ(boot.wait(), 0);
  EXPECT_THAT(boot.errors(), HasSubstr("Guest-boot-time = "));
}

TEST_F(GuestTest, GuestFilesSurviveARebootAndASecondBoot) {
  {
    BootProcess boot(arguments(), BootProcess::Console::kPty);
    ASSERT_TRUE(boot.expect(kPrompt));
    ASSERT_TRUE(run(boot, "echo first > /root/kept; sync; cat /root/kept", "first"));
    boot.send("reboot\n");
    // The old shell still prints a prompt, and would take what is typed now.
    ASSERT_TRUE(boot.expect("Restarting system"));
    ASSERT_TRUE(boot.expect(kPrompt));
    ASSERT_TRUE(run(boot, "echo second >> /root/kept; cat /root/kept", "first\r\nsecond"));
    boot.send("sync; poweroff\n");
    EXPECT_EQ(boot.wait(), 0);
  }
  BootProcess boot(arguments(), BootProcess::Console::kPty);
  ASSERT_TRUE(boot.expect(kPrompt));
  ASSERT_TRUE(run(boot, "cat /root/kept", "first\r\nsecond"));
  boot.send("\x01x");
  EXPECT_EQ(boot.wait(), 0);
}

TEST_F(GuestTest, GuestTakesALongPasteWhole) {
  BootProcess boot(arguments(), BootProcess::Console::kPty);
  ASSERT_TRUE(boot.expect(kPrompt));
  std::string paste;
  for (int i = 0; paste.size() < 100000; ++i) {
    paste += "line " + std::to_string(i) + " of a long paste\n";
  }
  boot.send("stty -echo; cat > /tmp/paste; echo size=$(wc -c < /tmp/paste)\n");
  boot.send(paste);
  boot.send("\x04");
  ASSERT_TRUE(boot.expect("size=" + std::to_string(paste.size())));
  boot.send("\x01x");
  EXPECT_EQ(boot.wait(), 0);
}

} // namespace
} // namespace kindling::spike::testing
