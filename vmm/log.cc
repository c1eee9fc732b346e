// SPDX-License-Identifier: Apache-2.0
#include "vmm/log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <unistd.h>

namespace kindling::vmm {

namespace {

constexpr std::array<std::string_view, 4> kNames = {"error", "warn", "info", "debug"};
constexpr std::array<std::string_view, 4> kPrefixes = {"error: ", "warning: ", "", "debug: "};

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return; // nowhere to report that to
    }
    text.remove_prefix(static_cast<size_t>(n));
  }
}

} // namespace

std::optional<LogLevel> parse_log_level(std::string_view name) {
  const auto at = std::find(kNames.begin(), kNames.end(), name);
  if (at == kNames.end()) {
    return std::nullopt;
  }
  return static_cast<LogLevel>(at - kNames.begin());
}

Log::Log(int fd, std::string program, LogLevel level)
    : fd_(fd), program_(std::move(program)), level_(level),
      line_end_(::isatty(fd) != 0 ? "\r\n" : "\n") {}

void Log::line(LogLevel level, std::string_view text) const {
  if (enabled(level)) {
    write_all(fd_, fmt::format("{}: {}{}{}", program_, kPrefixes[static_cast<size_t>(level)], text,
                               line_end_));
  }
}

void Log::fatal(std::string_view text) const {
  write_all(fd_, fmt::format("{}: {}{}", program_, text, line_end_));
}

void Log::plain(std::string_view text) const {
  write_all(fd_, fmt::format("{}{}", text, line_end_));
}

RateLimit::Verdict RateLimit::next(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (last_) {
    const std::chrono::duration<double> passed = now - *last_;
    tokens_ = std::min<double>(burst_, tokens_ + passed.count() * per_second_);
  }
  last_ = now;
  if (tokens_ < 1) {
    ++suppressed_;
    return {};
  }
  tokens_ -= 1;
  return {true, std::exchange(suppressed_, 0)};
}

} // namespace kindling::vmm
