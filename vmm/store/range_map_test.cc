// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/range_map.h"

#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kindling::vmm {
namespace {

RangeMap map_of(std::initializer_list<BlockRange> ranges) {
  RangeMap map;
  for (const BlockRange& range : ranges) {
    EXPECT_TRUE(map.append(range));
  }
  return map;
}

std::set<u64> blocks_of(const RangeMap& map) {
  std::set<u64> blocks;
  for (const BlockRange& range : map.ranges()) {
    for (u64 block = range.first; block < range.end(); ++block) {
      EXPECT_TRUE(blocks.insert(block).second);
    }
  }
  return blocks;
}

RangeMap random_map(std::mt19937& random, u64 blocks) {
  RangeMap map;
  for (u64 at = random() % 10; at < blocks;) {
    const u64 count = std::min<u64>(random() % 9, blocks - at);
    EXPECT_TRUE(map.append({at, count}));
    at += count + random() % 12;
  }
  return map;
}

TEST(RangeMap, JoinsRangesThatTouchAndRefusesThoseThatDoNotAscend) {
  RangeMap map = map_of({{1, 2}, {3, 1}, {7, 0}, {8, 2}});
  EXPECT_EQ(map, map_of({{1, 3}, {8, 2}}));
  EXPECT_FALSE(map.append({9, 1}));
  EXPECT_FALSE(map.append({20, ~u64{0}}));
  EXPECT_EQ(map.blocks(), 5U);
  EXPECT_TRUE(map.contains(3));
  EXPECT_FALSE(map.contains(4));
  EXPECT_FALSE(map.contains(0));
  EXPECT_TRUE(map.contains(9));
}

TEST(RangeMap, SetsOfBlocksBehaveAsSets) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    const RangeMap a = random_map(random, 100);
    const RangeMap b = random_map(random, 100);
    std::set<u64> both = blocks_of(a);
    both.merge(blocks_of(b));
    EXPECT_EQ(blocks_of(RangeMap::united(a, b)), both);
    std::set<u64> rest = blocks_of(a);
    for (const u64 block : blocks_of(b)) {
      rest.erase(block);
    }
    EXPECT_EQ(blocks_of(RangeMap::without(a, b)), rest);
  }
}

TEST(RangeMap, LaterLayersLieOverEarlierOnes) {
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    std::vector<RangeMap> layers;
    std::vector<int> expected(100, -1);
    for (int layer = 0; layer < 4; ++layer) {
      layers.push_back(random_map(random, 100));
      for (const u64 block : blocks_of(layers.back())) {
        expected[block] = layer;
      }
    }
    std::vector<int> found(100, -1);
    u64 end = 0;
    for (const LayerRange& range : resolve_layers(layers)) {
      EXPECT_GE(range.blocks.first, end);
      end = range.blocks.end();
      for (u64 block = range.blocks.first; block < range.blocks.end(); ++block) {
        found[block] = static_cast<int>(range.layer);
      }
    }
    ASSERT_EQ(found, expected);
  }
}

TEST(RangeMap, BytesAndBack) {
  const RangeMap map = map_of({{0, 1}, {5, 100}, {~u64{0} - 10, 10}});
  const auto back = RangeMap::decode(map.encode(), ~u64{0});
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, map);
  EXPECT_TRUE(RangeMap::decode(RangeMap().encode(), 0).ok());
}

TEST(RangeMap, DamagedBytesAreRefused) {
  const std::vector<u8> good = map_of({{3, 4}, {9, 1}}).encode();
  EXPECT_TRUE(RangeMap::decode(good, 10).ok());
  EXPECT_FALSE(RangeMap::decode(good, 9).ok()) << "beyond the image";
  EXPECT_FALSE(RangeMap::decode({}, 10).ok());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(RangeMap::decode(std::span(good).first(size), 10).ok()) << size;
  }
  for (size_t i = 0; i < 5; ++i) { // each word
    std::vector<u8> bad = good;
    bad[8 * i] = 7;
    EXPECT_FALSE(RangeMap::decode(bad, 10).ok()) << i;
    bad[8 * i + 7] = 0xff;
    EXPECT_FALSE(RangeMap::decode(bad, 10).ok()) << i;
  }
}

} // namespace
} // namespace kindling::vmm
