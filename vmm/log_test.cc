// SPDX-License-Identifier: Apache-2.0
#include "vmm/log.h"

#include <gtest/gtest.h>

#include <array>
#include <unistd.h>

namespace kindling::vmm {
namespace {

using std::chrono::milliseconds;

TEST(RateLimit, LetsABurstThroughThenAFewASecond) {
  RateLimit limit(3, 2);
  const RateLimit::Clock::time_point start{};
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(limit.next(start).allowed);
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(limit.next(start).allowed);
  }
  const auto later = limit.next(start + milliseconds(500));
  EXPECT_TRUE(later.allowed);
  EXPECT_EQ(later.suppressed, 10U);
  EXPECT_FALSE(limit.next(start + milliseconds(600)).allowed);
}

TEST(Log, WritesLinesOfItsLevelAndGraver) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::pipe(fds.data()), 0);
  const Log log(fds[1], "boot", LogLevel::kWarn);
  log.write(LogLevel::kInfo, "not {}", 1);
  log.write(LogLevel::kWarn, "this {}", 2);
  log.fatal("the end");
  log.plain("plain");
  ::close(fds[1]);
  std::array<char, 200> text{};
  const ssize_t n = ::read(fds[0], text.data(), text.size());
  ::close(fds[0]);
  ASSERT_GT(n, 0);
  EXPECT_EQ(std::string(text.data(), static_cast<size_t>(n)),
            "boot: warning: this 2\nboot: the end\nplain\n");
}

TEST(Log, LevelsHaveNames) {
  EXPECT_EQ(parse_log_level("debug"), LogLevel::kDebug);
  EXPECT_EQ(parse_log_level("error"), LogLevel::kError);
  EXPECT_FALSE(parse_log_level("loud").has_value());
}

} // namespace
} // namespace kindling::vmm
