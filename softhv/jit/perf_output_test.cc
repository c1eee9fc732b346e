// SPDX-License-Identifier: Apache-2.0
// Reads the files back as perf's documentation of their formats says.
#include "softhv/jit/perf_output.h"

#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "arch/testing/temporary_directory.h"

namespace softhv::jit {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

class PerfOutputTest : public testing::Test {
protected:
  std::unique_ptr<PerfOutput> create(PerfFormat format) {
    auto output = PerfOutput::create(format, directory_.path());
    EXPECT_TRUE(output.ok()) << output.error().message;
    return output.ok() ? std::move(*output) : nullptr;
  }
  [[nodiscard]] std::string path(const std::string& prefix, const std::string& suffix) const {
    return directory_.path(prefix + std::to_string(::getpid()) + suffix);
  }

  kindling::TemporaryDirectory directory_;
};

// Takes fixed-size fields off a file.
class Reader {
public:
  explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {}
  template <typename T>
  T take() {
    T value{};
    EXPECT_LE(at_ + sizeof value, bytes_.size());
    if (at_ + sizeof value <= bytes_.size())
      std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string take(size_t n) {
    EXPECT_LE(at_ + n, bytes_.size());
    at_ += n;
    return bytes_.substr(at_ - n, n);
  }
  [[nodiscard]] size_t at() const { return at_; }
  [[nodiscard]] bool done() const { return at_ >= bytes_.size(); }

private:
  std::string bytes_;
  size_t at_ = 0;
};

TEST_F(PerfOutputTest, AMapHasALineForEachPieceOfCode) {
  const auto output = create(PerfFormat::kMap);
  EXPECT_EQ(output->path(), path("perf-", ".map"));
  output->add(reinterpret_cast<const void*>(0x7f00'1000), 0x40, perf_name(0x4008'0000, 1));
  output->add(reinterpret_cast<const void*>(0x7f00'1040), 7, perf_name(0xffff'8000'8001'0000, 0));
  EXPECT_EQ(contents(output->path()), "7f001000 40 guest 0x40080000 el1\n"
                                      "7f001040 7 guest 0xffff800080010000 el0\n");
}

TEST_F(PerfOutputTest, AnOldFileIsReplacedAndALinkNotFollowed) {
  const std::string victim = directory_.file("victim", "precious");
  std::filesystem::create_symlink(victim, path("perf-", ".map"));
  create(PerfFormat::kMap)->add(&victim, 1, "x");
  EXPECT_EQ(contents(victim), "precious");
  EXPECT_NE(contents(path("perf-", ".map")), "");
  create(PerfFormat::kMap);
  EXPECT_EQ(contents(path("perf-", ".map")), "");
}

TEST_F(PerfOutputTest, AFileThatCannotBeMadeIsAnError) {
  const auto output = PerfOutput::create(PerfFormat::kMap, directory_.path("missing"));
  ASSERT_FALSE(output.ok());
  EXPECT_NE(output.error().message.find("/missing/perf-"), std::string::npos);
}

TEST_F(PerfOutputTest, AJitdumpHoldsTheCode) {
  const u8 code[] = {0x90, 0x90, 0xc3};
  auto output = create(PerfFormat::kJitdump);
  EXPECT_EQ(output->path(), path("jit-", ".dump"));
  // perf finds the file by this mapping.
  EXPECT_NE(contents("/proc/self/maps").find(output->path()), std::string::npos);
  output->add(code, 3, "first");
  output->add(code + 1, 2, "second");
  output.reset();

  Reader file(contents(path("jit-", ".dump")));
  EXPECT_EQ(file.take<u32>(), 0x4a69'5444U);
  EXPECT_EQ(file.take<u32>(), 1U);
  EXPECT_EQ(file.take<u32>(), 40U);
  EXPECT_EQ(file.take<u32>(), static_cast<u32>(EM_X86_64));
  EXPECT_EQ(file.take<u32>(), 0U);
  EXPECT_EQ(file.take<u32>(), static_cast<u32>(::getpid()));
  u64 time = file.take<u64>();
  EXPECT_EQ(file.take<u64>(), 0U);
  for (u64 n = 0; n < 2; ++n) {
    const size_t start = file.at();
    const std::string name = n == 0 ? "first" : "second";
    EXPECT_EQ(file.take<u32>(), 0U); // JIT_CODE_LOAD
    const u32 size = file.take<u32>();
    const u64 later = file.take<u64>();
    EXPECT_GE(later, time);
    time = later;
    EXPECT_EQ(file.take<u32>(), static_cast<u32>(::getpid()));
    EXPECT_NE(file.take<u32>(), 0U);
    const auto address = reinterpret_cast<u64>(code + n);
    EXPECT_EQ(file.take<u64>(), address);
    EXPECT_EQ(file.take<u64>(), address);
    EXPECT_EQ(file.take<u64>(), 3 - n);
    EXPECT_EQ(file.take<u64>(), n);
    EXPECT_EQ(file.take(name.size() + 1), name + '\0');
    EXPECT_EQ(file.take(3 - n), std::string(reinterpret_cast<const char*>(code + n), 3 - n));
    EXPECT_EQ(file.at() - start, size);
  }
  EXPECT_EQ(file.take<u32>(), 3U); // JIT_CODE_CLOSE
  EXPECT_EQ(file.take<u32>(), 16U);
  file.take<u64>();
  EXPECT_TRUE(file.done());
}

TEST_F(PerfOutputTest, TheFilesThatOptionsAskForAreWritten) {
  ASSERT_EQ(::setenv("JITDUMPDIR", directory_.path().c_str(), 1), 0);
  const u8 code[4] = {};
  tell_perf({}, code, sizeof code, 0x1000, 1);
  EXPECT_FALSE(std::filesystem::exists(path("jit-", ".dump")));
  tell_perf({.jitdump = true}, code, sizeof code, 0x1000, 1);
  EXPECT_NE(contents(path("jit-", ".dump")).find("guest 0x1000 el1"), std::string::npos);
  tell_perf({.perf_map = true}, code, sizeof code, 0x2000, 0);
  const std::string map = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
  EXPECT_NE(contents(map).find("guest 0x2000 el0"), std::string::npos);
  std::filesystem::remove(map);
}

TEST_F(PerfOutputTest, ThreadsDoNotMixTheirRecords) {
  constexpr unsigned kThreads = 4;
  constexpr unsigned kRecords = 500;
  const auto output = create(PerfFormat::kMap);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (unsigned n = 0; n < kRecords; ++n)
        output->add(reinterpret_cast<const void*>(u64{t} << 32 | n), 1, perf_name(n, 0));
    });
  for (std::thread& thread : threads)
    thread.join();
  std::istringstream lines(contents(output->path()));
  std::set<u64> seen;
  for (std::string line; std::getline(lines, line);) {
    u64 address = 0;
    std::istringstream fields(line);
    fields >> std::hex >> address;
    EXPECT_EQ(line.substr(line.find(' ')), " 1 " + perf_name(address & 0xffff'ffff, 0));
    seen.insert(address);
  }
  EXPECT_EQ(seen.size(), kThreads * kRecords);
}

} // namespace
} // namespace softhv::jit
