// SPDX-License-Identifier: Apache-2.0
#include "devices/undo_disk.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devices/virtio/testing/memory_disk.h"

namespace kindling::devices {
namespace {

using virtio::testing::MemoryDisk;

class UndoDiskTest : public testing::Test {
protected:
  static constexpr u64 kSectors = 805; // the last block is not whole

  explicit UndoDiskTest(bool read_only = false) {
    auto memory = std::make_unique<MemoryDisk>(kSectors, read_only);
    below = memory.get();
    disk = std::make_unique<UndoDisk>(std::move(memory));
  }
  bool write(u64 offset, u64 length, u8 value) {
    std::vector<u8> bytes(length, value);
    // In two pieces, as drivers do.
    const u64 half = length / 2;
    const iovec pieces[] = {{bytes.data(), half}, {bytes.data() + half, length - half}};
    return disk->write(offset, pieces);
  }

  MemoryDisk* below = nullptr;
  std::unique_ptr<UndoDisk> disk;
};

TEST_F(UndoDiskTest, GoesBackToWhatItWas) {
  ASSERT_TRUE(write(0, 4096, 1));
  ASSERT_TRUE(disk->push().ok());
  ASSERT_TRUE(write(512, 512, 2));
  ASSERT_TRUE(write(disk->size() - 512, 512, 3));
  EXPECT_EQ(disk->changed_bytes(0), 8192U);
  EXPECT_EQ(below->bytes[512], 2);
  ASSERT_TRUE(disk->roll_back(0).ok());
  EXPECT_EQ(disk->changed_bytes(0), 0U);
  EXPECT_EQ(std::count(below->bytes.begin(), below->bytes.end(), 1), 4096);
  EXPECT_EQ(std::count(below->bytes.begin(), below->bytes.end(), 0),
            static_cast<ptrdiff_t>(disk->size()) - 4096);
}

TEST_F(UndoDiskTest, AnyMomentOfARandomCourseComesBackExactly) {
  std::mt19937 random(1);
  std::vector<std::vector<u8>> past;
  for (int step = 0; step < 2000; ++step) {
    if (random() % 50 == 0 && past.size() < 6) {
      ASSERT_TRUE(disk->push().ok());
      past.push_back(below->bytes);
    } else if (random() % 60 == 0 && !past.empty()) {
      const size_t index = random() % past.size();
      ASSERT_TRUE(disk->roll_back(index).ok());
      past.resize(index + 1);
      ASSERT_EQ(below->bytes, past[index]) << step;
      ASSERT_EQ(disk->moments(), past.size());
    } else {
      const u64 sectors = 1 + random() % 100;
      ASSERT_TRUE(
          write(random() % (kSectors - sectors) * 512, sectors * 512, static_cast<u8>(random())));
    }
  }
}

TEST_F(UndoDiskTest, KeepsWhatDiscardAndWriteZeroesMayChange) {
  ASSERT_TRUE(disk->push().ok());
  EXPECT_TRUE(disk->discard(0, 1024));
  EXPECT_TRUE(disk->write_zeroes(8192, 512, false));
  EXPECT_EQ(disk->changed_bytes(0), 8192U);
  EXPECT_EQ(below->discarded.size(), 1U);
  EXPECT_EQ(below->zeroed.size(), 1U);
}

TEST_F(UndoDiskTest, TellsWhenSomethingCouldNotBeKeptAndGoesOnWriting) {
  ASSERT_TRUE(disk->push().ok());
  below->fail = true;
  EXPECT_FALSE(write(0, 512, 1));
  below->fail = false;
  EXPECT_TRUE(write(0, 512, 2));
  const Status back = disk->roll_back(0);
  ASSERT_FALSE(back.ok());
  EXPECT_THAT(back.error().message, testing::HasSubstr("could not be kept"));
  disk->clear();
  ASSERT_TRUE(disk->push().ok());
  EXPECT_TRUE(disk->roll_back(0).ok());
}

class ReadOnlyUndoDiskTest : public UndoDiskTest {
protected:
  ReadOnlyUndoDiskTest() : UndoDiskTest(true) {}
};

TEST_F(ReadOnlyUndoDiskTest, HasMomentsAndNothingToUndo) {
  ASSERT_TRUE(disk->push().ok());
  ASSERT_TRUE(disk->push().ok());
  EXPECT_TRUE(disk->roll_back(0).ok());
  EXPECT_EQ(disk->moments(), 1U);
}

} // namespace
} // namespace kindling::devices
