// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/working_sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/testing/temporary_directory.h"
#include "vmm/file.h"

namespace kindling::vmm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr u64 kBlocks = 100;

RangeMap some_blocks() {
  RangeMap map;
  EXPECT_TRUE(map.append({1, 2}) && map.append({50, 50}));
  return map;
}

class WorkingSetsTest : public testing::Test {
protected:
  TemporaryDirectory directory;
  WorkingSets sets{directory.path("sets")};
};

TEST_F(WorkingSetsTest, WhatWasWrittenIsRead) {
  EXPECT_FALSE(sets.read("ab", kBlocks).value());
  ASSERT_TRUE(sets.write("ab", RangeMap()).ok());
  ASSERT_TRUE(sets.write("ab", some_blocks()).ok()) << "in place of the other";
  EXPECT_EQ(sets.read("ab", kBlocks).value(), some_blocks());
  EXPECT_FALSE(sets.read("cd", kBlocks).value());
  sets.remove("ab");
  EXPECT_FALSE(sets.read("ab", kBlocks).value());
}

TEST_F(WorkingSetsTest, NoDamageGoesUnnoticed) {
  ASSERT_TRUE(sets.write("ab", some_blocks()).ok());
  const std::string path = directory.path("sets/ab");
  const std::vector<u8> whole = *read_file(path, 4096);
  const auto replace = [&](std::span<const u8> bytes) {
    std::filesystem::remove(path);
    ASSERT_TRUE(write_file(path, bytes).ok());
  };
  for (size_t i = 0; i < whole.size(); ++i) {
    std::vector<u8> damaged = whole;
    damaged[i] ^= 1;
    replace(damaged);
    EXPECT_FALSE(sets.read("ab", kBlocks).ok()) << i;
    replace(std::span(whole).first(i));
    EXPECT_FALSE(sets.read("ab", kBlocks).ok()) << i;
  }
  replace(whole);
  EXPECT_TRUE(sets.read("ab", kBlocks).ok());
  EXPECT_FALSE(sets.read("ab", kBlocks - 1).ok()) << "memory is smaller";
  std::filesystem::rename(path, directory.path("sets/cd"));
  EXPECT_THAT(sets.read("cd", kBlocks).error().message, HasSubstr("damaged")) << "of another";
}

TEST_F(WorkingSetsTest, ThoseOfNoSnapshotAreCollected) {
  EXPECT_THAT(*sets.collect({}), IsEmpty());
  ASSERT_TRUE(sets.write("ab", some_blocks()).ok());
  ASSERT_TRUE(sets.write("cd", some_blocks()).ok());
  std::filesystem::create_directory(directory.path("sets/.tmp-dead"));
  EXPECT_THAT(*sets.collect({"cd"}), ElementsAre(".tmp-dead", "ab"));
  EXPECT_TRUE(sets.read("cd", kBlocks).value());
}

TEST_F(WorkingSetsTest, ADirectoryThatCannotBeWrittenIsTold) {
  const WorkingSets below_a_file(directory.file("file", "") + "/sets");
  EXPECT_THAT(below_a_file.write("ab", some_blocks()).error().message, HasSubstr("file/sets"));
}

} // namespace
} // namespace kindling::vmm
