// SPDX-License-Identifier: Apache-2.0
// The command line of `boot`: what it refuses, with which status and which line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <sys/resource.h>
#include <vector>

#include "spike/tests/boot_process.h"

namespace kindling::spike::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class CliTest : public ::testing::Test {
protected:
  // One line on standard error, of the program, with all of `parts`; nothing on standard output.
  void expect_refusal(const std::vector<std::string>& arguments, int status,
                      const std::vector<std::string>& parts) {
    const Finished boot = run_boot(arguments);
    EXPECT_EQ(boot.status, status) << boot.errors;
    EXPECT_EQ(boot.output, "");
    EXPECT_THAT(boot.errors, StartsWith("boot: "));
    EXPECT_EQ(std::count(boot.errors.begin(), boot.errors.end(), '\n'), 1) << boot.errors;
    for (const std::string& part : parts) {
      EXPECT_THAT(boot.errors, HasSubstr(part));
    }
  }

  TemporaryDirectory dir_;
  std::string hello_ = guest("vm_hello");
};

TEST_F(CliTest, HelpAndVersionGoToStandardOutput) {
  const Finished help = run_boot({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.output, AllOf(HasSubstr("--initramfs"), HasSubstr("Ctrl-A x")));
  EXPECT_EQ(help.errors, "");
  const Finished version = run_boot({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_THAT(version.output, StartsWith("boot (Kindling) "));
}

TEST_F(CliTest, WrongCommandLinesAreUsageErrors) {
  expect_refusal({}, 2, {"Image"});
  expect_refusal({hello_, "--nonsense"}, 2, {"--nonsense"});
  expect_refusal({hello_, "a", "b"}, 2, {"b"});
  expect_refusal({hello_, "--smp"}, 2, {"--smp"});
  for (const char* smp : {"0", "33", "two", "-1", "4x"}) {
    expect_refusal({"--smp=" + std::string(smp), hello_}, 2, {"--smp", "1 to 32"});
  }
  for (const char* mem : {"0", "banana", "-5", "1T", "99999999999999999999", "1.5G"}) {
    expect_refusal({"--mem=" + std::string(mem), hello_}, 2, {"--mem"});
  }
  expect_refusal({"--mem", "1M", hello_}, 2, {"--mem 1M"});
  expect_refusal({"--mem", "65G", hello_}, 2, {"--mem 65G"});
  expect_refusal({"--backend", "xen", hello_}, 2, {"--backend xen", "auto, soft, hvf or kvm"});
  expect_refusal({"--engine", "fast", hello_}, 2, {"--engine fast", "auto, jit or interp"});
  expect_refusal({"--perf", "file", hello_}, 2, {"--perf file", "none, map or jitdump"});
  expect_refusal({"--icount=11", hello_}, 2, {"--icount=11", "0 to 10"});
  expect_refusal({"--icount", "--seed", "x", hello_}, 2, {"--seed x"});
  expect_refusal({"--seed", "1", hello_}, 2, {"--seed", "--icount"});
  expect_refusal({"--icount-report", hello_}, 2, {"--icount-report", "--icount"});
  expect_refusal({"--log-level", "loud", hello_}, 2, {"--log-level loud", "error, warn"});
  expect_refusal({hello_, "--disk", "x,rw"}, 2, {"--disk x,rw", "\"rw\""});
  expect_refusal({hello_, "--disk", ",ro"}, 2, {"--disk ,ro"});
  expect_refusal({hello_, "--disk", "x,id=" + std::string(21, 'a')}, 2, {"1 to 20"});
  expect_refusal({hello_, "--append", std::string(3000, 'a')}, 2, {"--append"});
}

TEST_F(CliTest, BackendsThatThisHostLacksSayWhatTheyNeed) {
  expect_refusal({"--backend", "hvf", hello_}, 1, {"--backend hvf", "macOS"});
  expect_refusal({"--backend", "kvm", hello_}, 1, {"--backend kvm"});
}

TEST_F(CliTest, PerfNeedsTheJit) {
  for (const char* format : {"map", "jitdump"}) {
    expect_refusal({"--engine", "interp", "--perf", format, hello_}, 1,
                   {"--perf " + std::string(format), "--engine jit"});
  }
}

TEST_F(CliTest, WrongImagesAreNamed) {
  const std::string missing = dir_.path("missing");
  expect_refusal({missing}, 1, {missing, "No such file"});
  expect_refusal({dir_.path("")}, 1, {"is a directory"});
  expect_refusal({dir_.file("empty", "")}, 1, {dir_.path("empty"), "is empty"});
  expect_refusal({dir_.file("text", "hello, this is no kernel\n")}, 1, {"is not a kernel"});
  expect_refusal({dir_.file("elf", "\x7f"
                                   "ELF\x02\x01\x01")},
                 1, {"is an ELF file"});
  std::string bz(0x400, '\0');
  bz.replace(0x202, 4, "HdrS");
  expect_refusal({dir_.file("bzImage", bz)}, 1, {"x86", "arm64"});
  expect_refusal({dir_.file("cut.gz", "\x1f\x8b\x08")}, 1, {"truncated"});
}

TEST_F(CliTest, WrongInitramfsFilesAreNamed) {
  expect_refusal({hello_, "--initramfs", dir_.path("missing")}, 1,
                 {"--initramfs", "missing", "No such file"});
  expect_refusal({hello_, "--initramfs", dir_.file("empty", "")}, 1, {"--initramfs", "is empty"});
  expect_refusal({hello_, "--initramfs", dir_.file("text", "hello")}, 1, {"is not an initramfs"});
  expect_refusal({hello_, "--initramfs", dir_.file("cut", "070701")}, 1, {"truncated"});
  const std::string xz("\xfd"
                       "7zXZ\0",
                       6);
  expect_refusal(
      {"--mem", "16M", hello_, "--initramfs", dir_.file("large", xz + std::string(15 << 20, 'a'))},
      1, {"--initramfs", "large"});
}

TEST_F(CliTest, WrongDisksAreNamed) {
  const std::string missing = dir_.path("missing");
  expect_refusal({hello_, missing}, 1, {missing, "No such file"});
  expect_refusal({hello_, "--disk", dir_.file("empty", "")}, 1, {dir_.path("empty"), "empty"});
  expect_refusal({hello_, dir_.file("odd", std::string(1000, 'x'))}, 1, {"odd", "512"});
  std::string ext4(65536, '\0');
  ext4[1024 + 0x38] = '\x53';
  ext4[1024 + 0x39] = '\xef';
  ext4[1024 + 5] = 1; // 256 blocks of 1 KiB
  expect_refusal({hello_, dir_.file("cut.ext4", ext4)}, 1, {"cut.ext4", "truncated"});
}

TEST_F(CliTest, ADiskInUseIsRefusedAndReadOnlyOnesAreShared) {
  const std::string disk = dir_.file("disk", std::string(4096, 'x'));
  BootProcess first({guest("vm_idle"), disk});
  ASSERT_TRUE(first.expect("idling"));
  expect_refusal({hello_, disk}, 1, {disk, "in use"});
  expect_refusal({hello_, "--disk", disk + ",ro"}, 1, {disk});
  first.send("\x01x");
  EXPECT_EQ(first.wait(), 0);
  BootProcess reader({guest("vm_idle"), "--disk", disk + ",ro"});
  ASSERT_TRUE(reader.expect("idling"));
  EXPECT_EQ(run_boot({hello_, "--disk", disk + ",ro,id=second"}).status, 0);
}

// Sanitizers reserve more address space than the limit leaves.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(CliTest, AHostWithoutMemoryIsAFailureOfMem) {
  rlimit old = {};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &old), 0);
  const rlimit tight = {4ULL << 30, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &tight), 0);
  expect_refusal({"--mem", "32G", hello_}, 1, {"--mem", "32768 MiB"});
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &old), 0);
}
#endif

} // namespace
} // namespace kindling::spike::testing
