// SPDX-License-Identifier: Apache-2.0
// The world around a device, for tests.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "devices/console.h"
#include "devices/event_port.h"
#include "devices/guest_memory.h"
#include "devices/irq_line.h"

namespace kindling::devices::testing {

// What became of an interrupt line; outlives the line.
class IrqRecord {
public:
  void set(bool high) {
    const std::lock_guard lock(mutex_);
    rises_ += high && !high_ ? 1 : 0;
    high_ = high;
    changed_.notify_all();
  }
  [[nodiscard]] bool high() const {
    const std::lock_guard lock(mutex_);
    return high_;
  }
  [[nodiscard]] int rises() const {
    const std::lock_guard lock(mutex_);
    return rises_;
  }
  void wait_until_high() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return high_; });
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool high_ = false;
  int rises_ = 0;
};

class FakeIrqLine final : public IrqLine {
public:
  explicit FakeIrqLine(IrqRecord& record) : record_(record) {}
  void set_level(bool high) override { record_.set(high); }

private:
  IrqRecord& record_;
};

inline std::unique_ptr<IrqLine> line_to(IrqRecord& record) {
  return std::make_unique<FakeIrqLine>(record);
}

// Time stands still until a test moves it; random bytes count up.
class FakeEventPort final : public EventPort {
public:
  void deliver(const std::function<void()>& apply) override {
    ++deliveries;
    apply();
  }
  u64 wall_clock_ns() override { return wall_ns; }
  u64 monotonic_ns() override { return boot_ns; }
  Status random(std::span<u8> to) override {
    if (no_random) {
      return Error{"no random bytes"};
    }
    for (u8& byte : to) {
      byte = next_random++;
    }
    return {};
  }

  [[nodiscard]] bool synchronous() const override { return all_at_once; }

  bool all_at_once = false;
  std::atomic<u64> wall_ns{1'000'000'000'000};
  std::atomic<u64> boot_ns{5'000'000'000};
  std::atomic<u64> deliveries{0};
  std::atomic<bool> no_random{false};
  u8 next_random = 1;
};

class RecordingOutput final : public ConsoleOutput {
public:
  void write(std::span<const u8> bytes) override {
    const std::lock_guard lock(mutex_);
    text_.append(bytes.begin(), bytes.end());
  }
  [[nodiscard]] std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

private:
  mutable std::mutex mutex_;
  std::string text_;
};

// Remembers which bytes of a range of guest memory devices said they wrote.
class RecordingDirtyLog final : public DirtyLog {
public:
  RecordingDirtyLog(u64 base, size_t size) : base_(base), dirty_(size) {}
  void device_wrote(u64 address, u64 size) override {
    const std::lock_guard lock(mutex_);
    for (u64 i = 0; i < size; ++i) {
      dirty_.at(address - base_ + i) = true;
    }
  }
  [[nodiscard]] std::vector<bool> dirty() const {
    const std::lock_guard lock(mutex_);
    return dirty_;
  }

private:
  const u64 base_;
  mutable std::mutex mutex_;
  std::vector<bool> dirty_;
};

} // namespace kindling::devices::testing
