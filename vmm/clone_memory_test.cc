// SPDX-License-Identifier: Apache-2.0
#include "vmm/clone_memory.h"

#include <cstring>
#include <filesystem>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/testing/temporary_directory.h"

namespace kindling::vmm {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr u64 kRam = 16ULL << 20;
constexpr u64 kBlocks = kRam / kStoreBlock;

// Each layer has every fifth block, from another one on, in ranges of one block.
class CloneMemoryTest : public testing::Test {
protected:
  CloneMemoryTest() : expected(kBlocks) {
    std::string parent;
    for (u8 layer = 1; layer <= 4; ++layer) {
      const std::string name = std::string("s").append(std::to_string(layer));
      add_layer(name, parent, layer);
      parent = name;
    }
  }

  void add_layer(const std::string& name, const std::string& parent, u8 value) {
    auto writer = store.begin(name);
    Manifest manifest;
    manifest.id = random_id();
    manifest.vcpus = 1;
    if (!parent.empty()) {
      manifest.parent = {parent, store.read_manifest(parent)->id};
    }
    auto image = writer->create_image("ram", kRam);
    for (u64 block = value; block < kBlocks; block += 5) {
      ASSERT_TRUE(image->add(block, std::vector<u8>(kStoreBlock, value)).ok());
      expected[block] = value;
    }
    manifest.ram = *image->finish();
    ASSERT_TRUE(std::move(*writer).commit(manifest, {}).ok());
  }

  // What a clone of the last one sees.
  void expect_memory(size_t most_ranges) {
    auto chain = store.open("s4");
    ASSERT_TRUE(chain.ok());
    const auto ram = GuestRam::create(kRam).value();
    const Status shown = show_snapshot(*ram, *chain, store, log, most_ranges);
    ASSERT_TRUE(shown.ok()) << shown.error().message;
    for (u64 block = 0; block < kBlocks; ++block) {
      const std::vector<u8> wanted(kStoreBlock, expected[block]);
      const u8* there = ram->bytes().data() + block * kStoreBlock;
      ASSERT_EQ(std::memcmp(there, wanted.data(), kStoreBlock), 0) << block;
    }
    ram->bytes()[kRam - 1] ^= 1; // is nobody else's
    EXPECT_GE(ram->used_blocks()->blocks(), 4 * (kBlocks / 5));
  }
  [[nodiscard]] std::string merged() const {
    return store.path() + "/merged/" + store.read_manifest("s4")->id;
  }
  [[nodiscard]] std::string log_text() const {
    const auto bytes = read_file(directory.path("log"), 1 << 20);
    return {bytes->begin(), bytes->end()};
  }

  TemporaryDirectory directory;
  Store store{directory.path("store")};
  File log_file = File::create(directory.path("log")).value();
  Log log{log_file.fd(), "test", LogLevel::kWarn};
  std::vector<u8> expected;
};

TEST_F(CloneMemoryTest, FewRangesAreMapped) {
  expect_memory(10'000);
  EXPECT_FALSE(fs::exists(merged()));
}

TEST_F(CloneMemoryTest, ManyRangesAreMergedOnce) {
  expect_memory(100);
  const auto first = fs::last_write_time(merged());
  expect_memory(100);
  EXPECT_EQ(fs::last_write_time(merged()), first);
  EXPECT_TRUE(store.verify("s4").ok());
  EXPECT_THAT(log_text(), IsEmpty());
  EXPECT_EQ(list_directory(store.path() + "/merged")->size(), 1U);
}

TEST_F(CloneMemoryTest, AMergedFileThatIsDamagedIsMadeAnew) {
  expect_memory(100);
  for (const char* file : {"/ram.img", "/ram.map", "/manifest.json"}) {
    fs::resize_file(merged() + file, 5);
    EXPECT_THAT(store.verify("s4").error().message, HasSubstr("merged")) << file;
    expect_memory(100);
    EXPECT_TRUE(store.verify("s4").ok()) << file;
  }
  EXPECT_THAT(log_text(), HasSubstr("damaged"));
  EXPECT_EQ(list_directory(store.path() + "/merged")->size(), 1U);
}

TEST_F(CloneMemoryTest, WhereNothingCanBeMadeRangesAreMapped) {
  [[maybe_unused]] const std::string file = directory.file("store/merged", "");
  expect_memory(100);
  EXPECT_THAT(log_text(), HasSubstr("merging them failed"));
}

TEST_F(CloneMemoryTest, RangesThatCannotBeMappedAreRead) {
  auto chain = store.open("s4");
  std::vector<Image> layers;
  for (SnapshotLayer& layer : chain->layers) {
    layers.push_back(std::move(layer.ram));
  }
  const auto ram = GuestRam::create(kRam).value();
  ASSERT_TRUE(ram->show(layers, ranges_above_the_lowest(layers), 100).ok());
  for (u64 block = 0; block < kBlocks; ++block) {
    ASSERT_EQ(ram->bytes()[block * kStoreBlock], expected[block]) << block;
  }
}

TEST_F(CloneMemoryTest, AMergedFileGoesWithItsSnapshot) {
  expect_memory(100);
  const std::string path = merged();
  ASSERT_TRUE(store.flatten("s4").ok());
  EXPECT_FALSE(fs::exists(path)) << "there are no layers any more";
  expect_memory(0);
  ASSERT_TRUE(make_directory(path).ok());
  ASSERT_TRUE(store.collect_unneeded()->empty());
  ASSERT_TRUE(store.remove("s4").ok());
  EXPECT_FALSE(fs::exists(path));
  ASSERT_TRUE(make_directory(path).ok());
  EXPECT_EQ(store.collect_unneeded()->size(), 1U);
  EXPECT_FALSE(fs::exists(path));
}

} // namespace
} // namespace kindling::vmm
