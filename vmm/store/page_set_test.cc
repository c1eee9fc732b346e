// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/page_set.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace kindling::vmm {
namespace {

TEST(PageSet, TellsItsRanges) {
  PageSet set(300);
  for (u64 page = 60; page < 200; ++page) {
    set.insert(page);
  }
  set.insert(0);
  set.insert(299);
  set.insert(299);
  const RangeMap map = set.ranges();
  ASSERT_EQ(map.ranges().size(), 3U);
  EXPECT_EQ(map.ranges()[0], (BlockRange{0, 1}));
  EXPECT_EQ(map.ranges()[1], (BlockRange{60, 140}));
  EXPECT_EQ(map.ranges()[2], (BlockRange{299, 1}));
  EXPECT_TRUE(set.contains(199));
  EXPECT_FALSE(set.contains(200));
  set.clear();
  EXPECT_TRUE(set.ranges().empty());
}

TEST(PageSet, TakesInAnother) {
  PageSet a(100);
  PageSet b(100);
  a.insert(1);
  b.insert(2);
  b.insert(99);
  a.insert_all(b);
  EXPECT_EQ(a.ranges().blocks(), 3U);
  EXPECT_EQ(b.ranges().blocks(), 2U);
}

TEST(PageSet, ThreadsAddWithoutLosingAny) {
  PageSet set(64 * 100);
  std::vector<std::thread> threads;
  for (u64 t = 0; t < 4; ++t) {
    threads.emplace_back([&set, t] {
      for (u64 page = t; page < 64 * 100; page += 4) {
        set.insert(page);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(set.ranges().ranges().size(), 1U);
  EXPECT_EQ(set.ranges().blocks(), 64U * 100);
}

} // namespace
} // namespace kindling::vmm
