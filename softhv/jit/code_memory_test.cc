// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/code_memory.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>

namespace softhv::jit {
namespace {

constexpr size_t kSize = 1 << 20;

// The permissions of the host page at `address`, as /proc/self/maps has them ("r-xs").
std::string permissions_at(const void* address) {
  std::ifstream maps("/proc/self/maps");
  const auto wanted = reinterpret_cast<u64>(address);
  for (std::string line; std::getline(maps, line);) {
    std::istringstream in(line);
    u64 first = 0, end = 0;
    char dash = 0;
    std::string permissions;
    in >> std::hex >> first >> dash >> end >> permissions;
    if (first <= wanted && wanted < end)
      return permissions;
  }
  return {};
}

TEST(CodeMemory, IsWrittenAndExecutedAtDifferentAddresses) {
  const auto memory = CodeMemory::create(kSize);
  ASSERT_TRUE(memory);
  const CodeMemory& code = **memory;
  constexpr u8 kReturn42[] = {0xb8, 42, 0, 0, 0, 0xc3}; // mov eax, 42; ret
  std::memcpy(code.writable() + 64, kReturn42, sizeof kReturn42);
  const auto function =
      reinterpret_cast<int (*)()>(reinterpret_cast<uintptr_t>(code.executable() + 64));
  EXPECT_EQ(function(), 42);
  EXPECT_EQ(permissions_at(code.writable()).substr(0, 3), "rw-");
  EXPECT_EQ(permissions_at(code.executable()).substr(0, 3), "r-x");
}

TEST(CodeMemory, NoMappingOfTheProcessIsWritableAndExecutable) {
  const auto memory = CodeMemory::create(kSize);
  ASSERT_TRUE(memory);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    EXPECT_EQ(line.find(" rwx"), std::string::npos) << line;
}

TEST(CodeMemory, WhatIsDiscardedIsZero) {
  const auto memory = CodeMemory::create(kSize);
  ASSERT_TRUE(memory);
  const CodeMemory& code = **memory;
  code.writable()[100] = 1;
  code.writable()[kSize / 2] = 2;
  (*memory)->discard(4096);
  EXPECT_EQ(code.executable()[100], 1);
  EXPECT_EQ(code.executable()[kSize / 2], 0);
}

// Pages of the file behind `address` that are in memory.
size_t resident_pages(void* address, size_t size) {
  std::vector<unsigned char> pages(size / 4096);
  EXPECT_EQ(mincore(address, size, pages.data()), 0);
  return static_cast<size_t>(
      std::ranges::count_if(pages, [](auto page) { return (page & 1) != 0; }));
}

TEST(CodeMemory, IsPopulatedAheadOfUse) {
#if !defined(MADV_POPULATE_WRITE)
  GTEST_SKIP() << "no way to populate a mapping";
#endif
  const auto memory = CodeMemory::create(kSize);
  ASSERT_TRUE(memory);
  CodeMemory& code = **memory;
  EXPECT_EQ(resident_pages(code.writable(), kSize), 0U);
  code.populate(5000);
  const size_t pages = resident_pages(code.writable(), kSize);
  if (pages == 0)
    GTEST_SKIP() << "the host cannot populate a mapping";
  EXPECT_GE(pages, 2U);
  EXPECT_LT(pages, kSize / 4096);
  code.populate(kSize);
  EXPECT_EQ(resident_pages(code.writable(), kSize), kSize / 4096);
  code.discard(5000);
  EXPECT_EQ(resident_pages(code.writable(), kSize), 2U);
  code.populate(9000);
  EXPECT_GE(resident_pages(code.writable(), kSize), 3U);
}

TEST(CodeMemory, KnowsItsCode) {
  const auto memory = CodeMemory::create(kSize);
  ASSERT_TRUE(memory);
  const CodeMemory& code = **memory;
  EXPECT_TRUE(code.contains(code.executable()));
  EXPECT_TRUE(code.contains(code.executable() + kSize - 1));
  EXPECT_FALSE(code.contains(code.executable() + kSize));
  EXPECT_FALSE(code.contains(code.writable()));
}

} // namespace
} // namespace softhv::jit
