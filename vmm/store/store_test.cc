// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/store.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kindling::vmm {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr u64 kRam = 16ULL << 20;
constexpr u64 kDisk = 10 * kStoreBlock + 512;

class StoreTest : public testing::Test {
protected:
  StoreTest() : directory(OwnedDirectory::create(testing::TempDir(), "store-").value()) {}

  struct Block {
    u64 number;
    u8 value;
  };
  // A snapshot whose RAM has these blocks and whose disk has its last block.
  Status make(const std::string& name, const std::string& parent, std::vector<Block> ram) {
    auto writer = store.begin(name);
    if (!writer) {
      return writer.error();
    }
    Manifest manifest;
    manifest.id = random_id();
    manifest.created = "2026-11-29T00:00:00Z";
    manifest.vcpus = 1;
    if (!parent.empty()) {
      manifest.parent = {parent, store.read_manifest(parent)->id};
    }
    auto image = writer->create_image("ram", kRam);
    for (const auto& [number, value] : ram) {
      if (Status s = image->add(number, std::vector<u8>(kStoreBlock, value)); !s) {
        return s;
      }
    }
    manifest.ram = *image->finish();
    auto disk = writer->create_image("disk0", kDisk);
    if (Status s = disk->add(10, std::vector<u8>(512, 9)); !s) {
      return s;
    }
    manifest.disks = {{"root", false, *disk->finish()}};
    return std::move(*writer).commit(manifest, std::vector<u8>{1, 2, 3});
  }
  static u8 first_byte(const Image& image, u64 block) {
    u8 byte = 0;
    EXPECT_TRUE(image.file.read(block * kStoreBlock, {&byte, 1}).ok());
    return byte;
  }
  std::vector<std::string> entries(const std::string& below = "/snapshots") {
    return *list_directory(store.path() + below);
  }

  OwnedDirectory directory;
  Store store{directory.path()};
};

TEST_F(StoreTest, WhatWasCommittedIsThere) {
  ASSERT_TRUE(make("base", "", {{0, 1}, {7, 2}}).ok());
  const auto chain = store.open("base");
  ASSERT_TRUE(chain.ok()) << chain.error().message;
  ASSERT_EQ(chain->layers.size(), 1U);
  EXPECT_THAT(chain->state, ElementsAre(1, 2, 3));
  EXPECT_EQ(chain->layers[0].ram.map.blocks(), 2U);
  EXPECT_EQ(first_byte(chain->layers[0].ram, 7), 2);
  EXPECT_EQ(first_byte(chain->layers[0].disks[0], 10), 9);
  EXPECT_TRUE(store.verify("base").ok());
  EXPECT_LT(store.disk_usage("base"), 200'000U) << "holes take no room";
  EXPECT_EQ(store.list()->snapshots.size(), 1U);
  EXPECT_THAT(entries(), ElementsAre("base"));
}

TEST_F(StoreTest, AWriterThatIsNotCommittedLeavesNothing) {
  {
    auto writer = store.begin("half");
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(writer->create_image("ram", kRam).ok());
    EXPECT_EQ(entries().size(), 1U);
    EXPECT_TRUE(store.list()->snapshots.empty());
    EXPECT_THAT(*store.collect(), IsEmpty()) << "it is in use";
  }
  EXPECT_THAT(entries(), IsEmpty());
}

TEST_F(StoreTest, WhatDeadProcessesLeaveIsCollected) {
  for (const char* left : {"/snapshots/.tmp-dead", "/instances/dead"}) {
    ASSERT_TRUE(make_directory(store.path() + left).ok());
    std::ofstream(store.path() + left + "/file") << "x";
  }
  EXPECT_THAT(*store.collect(), ElementsAre(".tmp-dead", "dead"));
  EXPECT_THAT(entries(), IsEmpty());
  EXPECT_THAT(entries("/instances"), IsEmpty());
}

TEST_F(StoreTest, ANameIsGivenOnce) {
  auto first = store.begin("same");
  auto second = store.begin("same");
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(second.ok());
  const auto commit = [](SnapshotWriter writer) {
    Manifest manifest;
    manifest.vcpus = 1;
    manifest.ram = *writer.create_image("ram", kRam)->finish();
    return std::move(writer).commit(manifest, {});
  };
  EXPECT_TRUE(commit(std::move(*first)).ok());
  const Status late = commit(std::move(*second));
  ASSERT_FALSE(late.ok());
  EXPECT_THAT(late.error().message, HasSubstr("there already"));
  EXPECT_THAT(store.begin("same").error().message, HasSubstr("already"));
  EXPECT_THAT(entries(), ElementsAre("same"));
}

TEST_F(StoreTest, NamesThatLeadOutAreRefusedEverywhere) {
  for (const char* name : {"../x", ".", "a/b", ""}) {
    EXPECT_FALSE(store.begin(name).ok());
    EXPECT_FALSE(store.open(name).ok());
    EXPECT_FALSE(store.remove(name).ok());
    EXPECT_FALSE(store.flatten(name).ok());
  }
}

TEST_F(StoreTest, ChainsOpenFromTheBase) {
  ASSERT_TRUE(make("base", "", {{0, 1}, {1, 1}, {2, 1}}).ok());
  ASSERT_TRUE(make("middle", "base", {{1, 2}}).ok());
  ASSERT_TRUE(make("top", "middle", {{2, 3}, {5, 3}}).ok());
  const auto chain = store.open("top");
  ASSERT_TRUE(chain.ok());
  ASSERT_EQ(chain->layers.size(), 3U);
  EXPECT_EQ(chain->layers[0].manifest.name, "base");
  EXPECT_EQ(chain->top().name, "top");
}

TEST_F(StoreTest, FlatteningKeepsTheContentsAndThoseAbove) {
  ASSERT_TRUE(make("base", "", {{0, 1}, {1, 1}, {2, 1}}).ok());
  ASSERT_TRUE(make("middle", "base", {{1, 2}, {6, 2}}).ok());
  ASSERT_TRUE(make("top", "middle", {{2, 3}}).ok());
  ASSERT_TRUE(store.flatten("middle").ok());
  const auto middle = store.open("middle");
  ASSERT_TRUE(middle.ok()) << middle.error().message;
  ASSERT_EQ(middle->layers.size(), 1U);
  const Image& ram = middle->layers[0].ram;
  EXPECT_EQ(ram.map.blocks(), 4U);
  for (const auto& [block, value] : {std::pair{0, 1}, {1, 2}, {2, 1}, {6, 2}}) {
    EXPECT_EQ(first_byte(ram, static_cast<u64>(block)), value) << block;
  }
  EXPECT_TRUE(store.verify("top").ok());
  EXPECT_TRUE(store.remove("base").ok());
  EXPECT_TRUE(store.verify("top").ok());
  EXPECT_THAT(entries(), ElementsAre("middle", "top"));
}

TEST_F(StoreTest, WhatOthersNeedIsNotRemoved) {
  ASSERT_TRUE(make("base", "", {}).ok());
  ASSERT_TRUE(make("top", "base", {}).ok());
  EXPECT_THAT(store.remove("base").error().message, HasSubstr("needed by top"));
  EXPECT_TRUE(store.remove("top").ok());
  EXPECT_TRUE(store.remove("base").ok());
  EXPECT_THAT(store.remove("base").error().message, HasSubstr("no snapshot base"));
  EXPECT_THAT(entries(), IsEmpty());
}

TEST_F(StoreTest, WhatClonesUseIsRemovedByForceOnly) {
  ASSERT_TRUE(make("base", "", {}).ok());
  const Manifest base = *store.read_manifest("base");
  {
    const auto clone = store.begin_clone(base);
    ASSERT_TRUE(clone.ok());
    EXPECT_THAT(store.clones_of(base.id), ElementsAre(static_cast<u64>(::getpid())));
    EXPECT_THAT(store.remove("base").error().message,
                HasSubstr(fmt::format("in use by clones: process {}", ::getpid())));
    EXPECT_THAT(entries(), ElementsAre("base"));
    EXPECT_TRUE(store.remove("base", true).ok());
    ASSERT_TRUE(make("base", "", {}).ok());
    EXPECT_TRUE(store.remove("base").ok()) << "the clone is of another";
  }
  EXPECT_THAT(store.clones_of(base.id), IsEmpty());
}

TEST_F(StoreTest, WhatADeadProcessHasUsedIsNotInUse) {
  ASSERT_TRUE(make("base", "", {}).ok());
  ASSERT_TRUE(make_directory(store.path() + "/instances/dead").ok());
  std::ofstream(store.path() + "/instances/dead/clone-of")
      << store.read_manifest("base")->id << "\n1\n";
  EXPECT_TRUE(store.remove("base").ok());
}

TEST_F(StoreTest, NothingGetsItsNameOverWhatWasRemoved) {
  ASSERT_TRUE(make("base", "", {}).ok());
  auto writer = store.begin("top");
  Manifest manifest;
  manifest.vcpus = 1;
  manifest.parent = {"base", store.read_manifest("base")->id};
  manifest.ram = *writer->create_image("ram", kRam)->finish();
  ASSERT_TRUE(store.remove("base").ok());
  ASSERT_TRUE(make("base", "", {}).ok());
  const Status late = std::move(*writer).commit(manifest, {});
  ASSERT_FALSE(late.ok());
  EXPECT_THAT(late.error().message, HasSubstr("removed meanwhile"));
}

TEST_F(StoreTest, ClonesThatBeginWhileOrphansAreRemovedKeepTheirDirectories) {
  ASSERT_TRUE(make("base", "", {}).ok());
  const Manifest base = *store.read_manifest("base");
  std::jthread collector([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      EXPECT_TRUE(store.collect().ok());
    }
  });
  for (int i = 0; i < 300; ++i) {
    const auto clone = store.begin_clone(base);
    ASSERT_TRUE(clone.ok()) << clone.error().message;
    EXPECT_TRUE(fs::exists(clone->path()));
  }
}

TEST_F(StoreTest, AnOpenSnapshotOutlivesItsName) {
  ASSERT_TRUE(make("base", "", {{3, 4}}).ok());
  const auto chain = store.open("base");
  ASSERT_TRUE(store.remove("base").ok());
  EXPECT_EQ(first_byte(chain->layers[0].ram, 3), 4);
}

TEST_F(StoreTest, MissingAndReplacedParentsAreTold) {
  ASSERT_TRUE(make("base", "", {}).ok());
  ASSERT_TRUE(make("top", "base", {}).ok());
  fs::rename(store.path() + "/snapshots/base", store.path() + "/away");
  EXPECT_THAT(store.open("top").error().message, HasSubstr("top needs base"));
  ASSERT_TRUE(make("base", "", {}).ok());
  EXPECT_THAT(store.open("top").error().message, HasSubstr("another"));
}

TEST_F(StoreTest, ACycleIsTold) {
  ASSERT_TRUE(make("a", "", {}).ok());
  ASSERT_TRUE(make("b", "a", {}).ok());
  // "a" over "b", with a manifest that is right in itself.
  Manifest manifest = *store.read_manifest("a");
  manifest.parent = {"b", store.read_manifest("b")->id};
  const std::string path = store.path() + "/snapshots/a/manifest.json";
  std::ofstream(path) << to_json(manifest);
  EXPECT_THAT(store.open("b").error().message, HasSubstr("over itself"));
}

TEST_F(StoreTest, NoDamageGoesUnnoticed) {
  ASSERT_TRUE(make("base", "", {{0, 1}, {7, 2}}).ok());
  ASSERT_TRUE(make("top", "base", {{1, 3}}).ok());
  const auto good = *store.read_manifest("top");
  std::mt19937 random(1);
  const std::string files[] = {"manifest.json", "state.bin", "ram.map",
                               "disk0.map",     "ram.img",   "disk0.img"};
  const auto path_of = [&](const std::string& file) {
    return store.path() + "/snapshots/top/" + file;
  };
  for (int i = 0; i < 10'000; ++i) {
    const std::string& file = files[random() % std::size(files)];
    const std::string path = path_of(file);
    const u64 size = fs::file_size(path);
    if (random() % 20 == 0 && !file.ends_with(".img")) { // cut short
      std::vector<u8> whole = *read_file(path, 1 << 20);
      fs::resize_file(path, random() % size);
      EXPECT_FALSE(store.verify("top").ok()) << path;
      fs::remove(path);
      ASSERT_TRUE(write_file(path, whole).ok());
      continue;
    }
    // Images: where they have blocks.
    const u64 at = file == "ram.img"     ? kStoreBlock + random() % kStoreBlock
                   : file == "disk0.img" ? 10 * kStoreBlock + random() % 512
                                         : random() % size;
    std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(stream.get());
    const auto other = static_cast<char>(byte ^ (1 << random() % 8));
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(other).flush();
    const bool noticed = !store.verify("top").ok();
    // White space of JSON means nothing.
    EXPECT_TRUE(noticed || (file == "manifest.json" && *store.read_manifest("top") == good))
        << path << " at " << at;
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(byte).flush();
  }
  EXPECT_TRUE(store.verify("top").ok());
}

TEST_F(StoreTest, AFifoInPlaceOfAFileIsToldAndNotWaitedFor) {
  ASSERT_TRUE(make("base", "", {}).ok());
  const std::string path = store.path() + "/snapshots/base/ram.img";
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(store.open("base").error().message, HasSubstr("not a file"));
}

TEST_F(StoreTest, ADirectoryThatCannotBeWrittenIsTold) {
  std::ofstream(store.path() + "/snapshots") << "a file";
  EXPECT_FALSE(store.begin("x").ok());
  EXPECT_FALSE(store.list().ok());
}

} // namespace
} // namespace kindling::vmm
