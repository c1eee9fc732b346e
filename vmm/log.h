// SPDX-License-Identifier: Apache-2.0
// Lines for the person who runs the machine. Every line goes out in one write, so lines of several
// threads do not mix. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::vmm {

enum class LogLevel : u8 { kError, kWarn, kInfo, kDebug };
inline constexpr std::string_view kLogLevelNames = "error, warn, info or debug";
std::optional<LogLevel> parse_log_level(std::string_view name);

class Log {
public:
  // Writes lines of `level` and graver to `fd` as "<program>: <text>". On a terminal, which may be
  // in raw mode, they end with "\r\n".
  Log(int fd, std::string program, LogLevel level);

  [[nodiscard]] bool enabled(LogLevel level) const { return level <= level_; }
  void line(LogLevel level, std::string_view text) const;
  // Always written, no level mentioned: an error that ends the program, as "<program>: <text>", and
  // a line that somebody else reads, as it is.
  void fatal(std::string_view text) const;
  void plain(std::string_view text) const;

  template <typename... Args>
  void write(LogLevel level, fmt::format_string<Args...> format, Args&&... args) const {
    if (enabled(level)) {
      line(level, fmt::format(format, std::forward<Args>(args)...));
    }
  }

private:
  int fd_;
  std::string program_;
  LogLevel level_;
  std::string_view line_end_;
};

// Lets a burst of events through, then a few every second: for lines that a guest can provoke at
// will.
class RateLimit {
public:
  using Clock = std::chrono::steady_clock;

  RateLimit(u32 burst, u32 per_second) : burst_(burst), per_second_(per_second), tokens_(burst) {}

  // Whether this event may be reported; the number of events kept back since the last that was.
  struct Verdict {
    bool allowed = false;
    u64 suppressed = 0;
  };
  Verdict next(Clock::time_point now = Clock::now());

private:
  std::mutex mutex_;
  const u32 burst_;
  const u32 per_second_;
  double tokens_;
  std::optional<Clock::time_point> last_;
  u64 suppressed_ = 0;
};

} // namespace kindling::vmm
