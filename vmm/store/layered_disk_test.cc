// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/layered_disk.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "vmm/store/directory.h"

namespace kindling::vmm {
namespace {

constexpr u64 kSectors = 8 * 40 + 3; // the last block is not whole
constexpr u64 kSize = kSectors * devices::kSectorSize;

class LayeredDiskTest : public testing::Test {
protected:
  LayeredDiskTest() : directory(OwnedDirectory::create(testing::TempDir(), "disk-").value()) {
    std::mt19937 random(1);
    for (int layer = 0; layer < 3; ++layer) {
      const std::string stem = directory.path() + "/layer" + std::to_string(layer);
      auto writer = ImageWriter::create(stem, kSize);
      for (u64 block = 0; block * kStoreBlock < kSize; ++block) {
        if (random() % 3 != 0) {
          continue;
        }
        std::vector<u8> bytes(std::min(kStoreBlock, kSize - block * kStoreBlock),
                              static_cast<u8>(random()));
        EXPECT_TRUE(writer->add(block, bytes).ok());
        std::ranges::copy(bytes, expected.begin() + static_cast<ptrdiff_t>(block * kStoreBlock));
      }
      const auto manifest = writer->finish();
      layers.push_back(Image::open(stem, *manifest).value());
    }
    File overlay = File::create(directory.path() + "/overlay").value();
    EXPECT_TRUE(overlay.resize(kSize).ok());
    disk = std::make_unique<LayeredDisk>(std::move(layers), std::move(overlay), false);
  }
  std::vector<u8> whole() {
    std::vector<u8> bytes(kSize);
    EXPECT_TRUE(disk->read(0, bytes));
    return bytes;
  }

  OwnedDirectory directory;
  std::vector<Image> layers;
  std::vector<u8> expected = std::vector<u8>(kSize);
  std::unique_ptr<LayeredDisk> disk;
};

TEST_F(LayeredDiskTest, ShowsTheTopmostLayerOfEachBlock) {
  EXPECT_EQ(whole(), expected);
}

TEST_F(LayeredDiskTest, BehavesAsADiskUnderRandomReadsAndWrites) {
  std::mt19937 random(2);
  for (int step = 0; step < 3000; ++step) {
    const u64 sectors = 1 + random() % 40;
    const u64 offset = random() % (kSectors - sectors) * devices::kSectorSize;
    const u64 length = sectors * devices::kSectorSize;
    const auto at = expected.begin() + static_cast<ptrdiff_t>(offset);
    switch (random() % 4) {
    case 0: {
      std::vector<u8> bytes(length, static_cast<u8>(random()));
      const iovec pieces[] = {{bytes.data(), 512}, {bytes.data() + 512, length - 512}};
      ASSERT_TRUE(disk->write(offset, pieces));
      std::ranges::copy(bytes, at);
      break;
    }
    case 1:
      ASSERT_TRUE(disk->write_zeroes(offset, length, true));
      std::fill_n(at, length, u8{0});
      break;
    default: {
      std::vector<u8> bytes(length);
      ASSERT_TRUE(disk->read(offset, bytes));
      ASSERT_TRUE(std::ranges::equal(bytes, std::span(at, length))) << step;
    }
    }
  }
  EXPECT_EQ(whole(), expected);
}

TEST_F(LayeredDiskTest, TellsWhereDataMayBe) {
  std::vector<u8> bytes(512, 1);
  const iovec piece{bytes.data(), bytes.size()};
  ASSERT_TRUE(disk->write(kSize - 512, {&piece, 1}));
  const RangeMap data = disk->data();
  EXPECT_TRUE(data.contains(40));
  for (u64 block = 0; block < 40; ++block) {
    const auto first = expected.begin() + static_cast<ptrdiff_t>(block * kStoreBlock);
    const bool zero = std::all_of(first, first + kStoreBlock, [](u8 b) { return b == 0; });
    EXPECT_TRUE(zero || data.contains(block)) << block;
  }
}

TEST_F(LayeredDiskTest, ALogHasTheBlocksThatWereWritten) {
  ChangeLog log(41);
  LoggedDisk logged(std::move(disk), log);
  std::vector<u8> bytes(1024, 1);
  const iovec piece{bytes.data(), bytes.size()};
  ASSERT_TRUE(logged.write(0, {&piece, 1}));
  EXPECT_FALSE(log.since("a").has_value());
  log.mark("a");
  ASSERT_TRUE(logged.write(kStoreBlock - 512, {&piece, 1}));
  log.mark("b");
  ASSERT_TRUE(logged.write_zeroes(8 * kStoreBlock, 512, false));
  EXPECT_EQ(log.since("a")->blocks(), 3U);
  EXPECT_EQ(log.since("b")->ranges()[0], (BlockRange{8, 1}));
  EXPECT_EQ(log.since("b")->blocks(), 1U);
}

} // namespace
} // namespace kindling::vmm
