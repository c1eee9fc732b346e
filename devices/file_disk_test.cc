// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <gtest/gtest.h>

#include "arch/testing/temporary_directory.h"
#include "devices/block_backend.h"

namespace kindling::devices {
namespace {

class FileDiskTest : public ::testing::Test {
protected:
  void fill(size_t size) const { (void)dir.file("disk", std::string(size, 'x')); }
  std::string error(bool read_only = false) {
    const auto disk = open_disk(path, read_only);
    return disk.ok() ? "" : disk.error().message;
  }

  TemporaryDirectory dir;
  const std::string path = dir.file("disk", "");
};

TEST_F(FileDiskTest, ReadsAndWrites) {
  fill(4096);
  auto disk = open_disk(path, false);
  ASSERT_TRUE(disk.ok()) << disk.error().message;
  EXPECT_EQ((*disk)->size(), 4096U);
  EXPECT_FALSE((*disk)->read_only());
  std::array<u8, 512> a{};
  a.fill('a');
  std::array<u8, 1024> b{};
  b.fill('b');
  const std::array<iovec, 3> from = {{{a.data(), a.size()}, {nullptr, 0}, {b.data(), b.size()}}};
  ASSERT_TRUE((*disk)->write(512, from));
  ASSERT_TRUE((*disk)->flush());
  std::array<u8, 4096> all{};
  ASSERT_TRUE((*disk)->read(0, all));
  EXPECT_EQ(std::string(all.begin(), all.end()), std::string(512, 'x') + std::string(512, 'a') +
                                                     std::string(1024, 'b') +
                                                     std::string(2048, 'x'));
  ASSERT_TRUE((*disk)->write_zeroes(0, 1024, false));
  ASSERT_TRUE((*disk)->write_zeroes(1024, 512, true));
  ASSERT_TRUE((*disk)->discard(3584, 512));
  ASSERT_TRUE((*disk)->read(0, all));
  EXPECT_EQ(std::string(all.begin(), all.begin() + 2048),
            std::string(1536, '\0') + std::string(512, 'b'));
  EXPECT_FALSE((*disk)->read(4096, a)) << "past the end";
}

TEST_F(FileDiskTest, WritesManyPieces) {
  fill(512 * 1000);
  auto disk = open_disk(path, false);
  ASSERT_TRUE(disk.ok());
  std::vector<u8> bytes(512 * 1000);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<u8>(i * 31 >> 4);
  }
  std::vector<iovec> from;
  for (size_t i = 0; i < 1000; ++i) {
    from.push_back({&bytes[512 * i], 512});
  }
  ASSERT_TRUE((*disk)->write(0, from));
  std::vector<u8> back(bytes.size());
  ASSERT_TRUE((*disk)->read(0, back));
  EXPECT_EQ(back, bytes);
}

TEST_F(FileDiskTest, RefusesBadFiles) {
  EXPECT_NE(error().find("empty"), std::string::npos) << error();
  fill(1000);
  EXPECT_NE(error().find("not a multiple of 512"), std::string::npos) << error();
  const auto missing = open_disk(path + "-missing", false);
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find("No such file"), std::string::npos);
  const auto folder = open_disk("/tmp", true);
  ASSERT_FALSE(folder.ok());
  EXPECT_NE(folder.error().message.find("neither a file nor a block device"), std::string::npos);
}

TEST_F(FileDiskTest, LocksAgainstWriters) {
  fill(512);
  {
    auto writer = open_disk(path, false);
    ASSERT_TRUE(writer.ok());
    EXPECT_NE(error().find("in use"), std::string::npos) << error();
    EXPECT_NE(error(true).find("writes to it"), std::string::npos) << error(true);
  }
  auto reader = open_disk(path, true);
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE((*reader)->read_only());
  EXPECT_EQ(error(true), "") << "readers share";
  EXPECT_NE(error(), "");
}

} // namespace
} // namespace kindling::devices
