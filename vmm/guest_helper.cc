// SPDX-License-Identifier: Apache-2.0
#include "vmm/guest_helper.h"

#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kindling::vmm {

namespace {
constexpr std::string_view kDone = "done";
constexpr std::string_view kFailed = "failed ";
constexpr u64 kNanosecondsPerSecond = 1'000'000'000;
} // namespace

void GuestHelper::restored() {
  {
    const std::lock_guard lock(mutex_);
    owed_ = true;
  }
  tell_restored();
}

void GuestHelper::forget() {
  const std::lock_guard lock(mutex_);
  owed_ = awaits_answer_ = false;
}

void GuestHelper::opened() {
  {
    const std::lock_guard lock(mutex_);
    line_.clear(); // of another program
    if (!owed_) {
      return;
    }
  }
  tell_restored();
}

// The line starts by ending what the guest may have got of an earlier one.
void GuestHelper::tell_restored() {
  const u64 now = port_.wall_clock_ns();
  std::string line =
      fmt::format("\nrestored {}.{:09}", now / kNanosecondsPerSecond, now % kNanosecondsPerSecond);
  std::array<u8, kSeedBytes> seed{};
  if (port_.random(seed)) {
    line += fmt::format(" {:02x}", fmt::join(seed, ""));
  }
  line += '\n';
  expect_answer(true); // it may come before send() returns
  if (!console_->send({reinterpret_cast<const u8*>(line.data()), line.size()})) {
    expect_answer(false);
  }
}

void GuestHelper::expect_answer(bool expected) {
  const std::lock_guard lock(mutex_);
  owed_ = !expected;
  awaits_answer_ = expected;
}

void GuestHelper::receive(std::span<const u8> bytes) {
  for (const u8 byte : bytes) {
    if (byte != '\n') {
      const std::lock_guard lock(mutex_);
      if (line_.size() < kMostLine) {
        line_ += byte >= ' ' && byte <= '~' ? static_cast<char>(byte) : '?'; // for terminals
      }
      continue;
    }
    std::string line;
    {
      const std::lock_guard lock(mutex_);
      line = std::exchange(line_, {});
    }
    take_line(line);
  }
}

// One answer to each thing told: a guest cannot make more events than it was asked for.
void GuestHelper::take_line(std::string_view line) {
  const bool failed = line.starts_with(kFailed);
  if (line != kDone && !failed) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(awaits_answer_, false)) {
      return;
    }
  }
  tell_(GuestAdjusted{failed ? std::string(line.substr(kFailed.size())) : std::string()});
}

} // namespace kindling::vmm
