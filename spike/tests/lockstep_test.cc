// SPDX-License-Identifier: Apache-2.0
// A kernel boots with every block that is translated compared with the interpreter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "spike/tests/boot_process.h"

namespace kindling::spike::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr unsigned long long kInstructions = 200'000'000;

std::string guest_file(const char* name) {
  return std::string(KINDLING_GUEST_FILES) + "/" + name;
}

// The number behind `name` in what --stats prints, without its separators.
unsigned long long statistic(const std::string& errors, const std::string& name) {
  const size_t at = errors.find("\n  " + name + " ");
  if (at == std::string::npos)
    return 0;
  std::string digits = errors.substr(at, errors.find('\n', at + 1) - at);
  std::erase_if(digits, [](unsigned char c) { return std::isdigit(c) == 0; });
  return std::strtoull(digits.c_str(), nullptr, 10);
}

// The small kernel needs fewer instructions to its shell, which then has some work to do.
TEST(Lockstep, AKernelBoots) {
  const std::string small = guest_file("Image.microvm");
  const std::string large = guest_file("Image");
  const std::string initramfs = guest_file("initramfs.cpio.gz");
  const bool is_small = std::filesystem::exists(small);
  if (!std::filesystem::exists(initramfs) || (!is_small && !std::filesystem::exists(large)))
    GTEST_SKIP() << "there is no guest kernel in " << KINDLING_GUEST_FILES;
  BootProcess boot({"--lockstep", "--stats", "--initramfs", initramfs, is_small ? small : large});
  ASSERT_TRUE(boot.expect("Linux version")) << boot.errors();
  ASSERT_TRUE(boot.expect("Memory: ")) << boot.errors();
  ASSERT_TRUE(boot.expect("Freeing unused kernel memory")) << boot.errors();
  ASSERT_TRUE(boot.expect("(initramfs) ")) << boot.errors();
  boot.send("head -c 300000 /bin/busybox | gzip -c | sha256sum; sha256sum /bin/busybox "
            "/bin/busybox; echo do''ne\n");
  ASSERT_TRUE(boot.expect("done")) << boot.errors();
  boot.send("\x01x");
  EXPECT_EQ(boot.wait(), 0);
  EXPECT_THAT(boot.errors(), Not(HasSubstr("the engines differ")));
  EXPECT_GE(statistic(boot.errors(), "lockstep checked"), kInstructions);
}

} // namespace
} // namespace kindling::spike::testing
