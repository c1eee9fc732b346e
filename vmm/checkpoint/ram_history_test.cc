// SPDX-License-Identifier: Apache-2.0
#include "vmm/checkpoint/ram_history.h"

#include <algorithm>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "vmm/checkpoint/copy_page.h"

namespace kindling::vmm {
namespace {

constexpr size_t kPages = 64;

TEST(CopyPage, EveryWayMakesThePageTheSame) {
  std::mt19937_64 random(7);
  for (unsigned i = 0; i < kPageCopiers; ++i) {
    const PageCopier& copier = page_copier(i);
    if (!copier.supported()) {
      continue;
    }
    SCOPED_TRACE(copier.name);
    std::vector<u8> from(kPageSize);
    std::ranges::generate(from, [&] { return static_cast<u8>(random()); });
    // A page between two, one byte after the other different, then all of them.
    std::vector<u8> ram(3 * kPageSize, 0xaa);
    const std::span<u8> to(ram.data() + kPageSize, kPageSize);
    std::ranges::copy(from, to.begin());
    for (size_t at = 0; at < kPageSize; at += 1 + random() % 8) {
      to[at] ^= 0x80;
      copier.copy(to.data(), from.data());
      ASSERT_TRUE(std::ranges::equal(to, from)) << at;
    }
    std::ranges::fill(to, 0);
    copier.copy(to.data(), from.data());
    EXPECT_TRUE(std::ranges::equal(to, from));
    EXPECT_EQ(std::ranges::count(ram, 0xaa), std::ranges::count(from, 0xaa) + 2 * kPageSize);
  }
  EXPECT_TRUE(page_copier(kPageCopiers - 1).supported());
}

class RamHistoryTest : public testing::Test {
protected:
  void write(u64 offset, u8 value, u64 size = 1) {
    ASSERT_TRUE(history.before_write(offset, size));
    std::fill_n(ram.begin() + static_cast<ptrdiff_t>(offset), size, value);
  }
  std::set<u64> roll_back(size_t index) {
    std::vector<u64> changed;
    history.roll_back(index, changed);
    return {changed.begin(), changed.end()};
  }

  std::vector<u8> ram = std::vector<u8>(kPages * kPageSize);
  RamHistory history{ram};
};

TEST_F(RamHistoryTest, WritesBeforeTheFirstMomentCostNothing) {
  write(5, 1);
  EXPECT_TRUE(history.empty());
}

TEST_F(RamHistoryTest, PutsBackWhatChangedAndTellsOfIt) {
  write(5, 1);
  ASSERT_TRUE(history.push());
  write(6, 2);
  write(3 * kPageSize - 1, 3, 2); // two pages
  EXPECT_EQ(history.changed_pages(0), 3U);
  EXPECT_EQ(roll_back(0), (std::set<u64>{0, 2 * kPageSize, 3 * kPageSize}));
  EXPECT_EQ(ram[5], 1);
  EXPECT_EQ(std::count(ram.begin(), ram.end(), 0), static_cast<ptrdiff_t>(ram.size()) - 1);
  EXPECT_EQ(history.changed_pages(0), 0U);
  EXPECT_TRUE(roll_back(0).empty());
}

TEST_F(RamHistoryTest, CanBeRolledBackAgainAndAgain) {
  ASSERT_TRUE(history.push());
  for (int round = 0; round < 5; ++round) {
    write(kPageSize, static_cast<u8>(round + 1));
    EXPECT_EQ(roll_back(0), std::set<u64>{kPageSize});
    EXPECT_EQ(ram[kPageSize], 0);
  }
}

TEST_F(RamHistoryTest, AnyMomentOfARandomCourseComesBackExactly) {
  std::mt19937 random(1);
  std::vector<std::vector<u8>> past;
  for (int step = 0; step < 3000; ++step) {
    if (random() % 50 == 0 && past.size() < 9) {
      ASSERT_TRUE(history.push());
      past.push_back(ram);
    } else if (random() % 70 == 0 && !past.empty()) {
      const size_t index = random() % past.size();
      roll_back(index);
      past.resize(index + 1);
      ASSERT_EQ(ram, past[index]) << step;
      ASSERT_EQ(history.size(), past.size());
    } else {
      const u64 size = 1 + random() % 9000;
      write(random() % (ram.size() - size), static_cast<u8>(random()), size);
    }
  }
}

// Each page has two threads that write to it first; none may miss the copy of the other.
TEST_F(RamHistoryTest, ThreadsMayWriteAtATime) {
  std::generate(ram.begin(), ram.end(), [n = 0]() mutable { return static_cast<u8>(n++ / 3); });
  const std::vector<u8> before = ram;
  ASSERT_TRUE(history.push());
  for (int round = 0; round < 50; ++round) {
    std::vector<std::thread> threads;
    for (u64 t = 0; t < 2; ++t) {
      threads.emplace_back([this, t] {
        for (u64 page = 0; page < kPages; ++page) {
          const u64 at = page * kPageSize + 2048 * t;
          if (history.before_write(at, 2048)) {
            std::fill_n(ram.begin() + static_cast<ptrdiff_t>(at), 2048, u8{0xee});
          }
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    EXPECT_EQ(roll_back(0).size(), kPages);
    ASSERT_EQ(ram, before);
  }
}

} // namespace
} // namespace kindling::vmm
