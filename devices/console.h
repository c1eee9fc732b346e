// SPDX-License-Identifier: Apache-2.0
// The two ends of a serial line, as the device sees them.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "arch/types.h"

namespace kindling::devices {

// Where a device pulls bytes for the guest when it has room for them.
class ConsoleInput {
public:
  virtual ~ConsoleInput() = default;
  // Takes up to to.size() bytes, as many as there are, without waiting. Any thread, with the
  // device's lock held.
  virtual size_t read(std::span<u8> to) = 0;
};

// Where the guest's bytes go. Called from vCPU threads without a lock of the device.
class ConsoleOutput {
public:
  virtual ~ConsoleOutput() = default;
  virtual void write(std::span<const u8> bytes) = 0;
};

// A bounded queue in front of a device. Thread-safe.
class ConsoleQueue final : public ConsoleInput {
public:
  static constexpr size_t kDefaultCapacity = 4096;

  // `space` is called whenever the device made room in a queue that had refused bytes, with the
  // device's lock held: it wakes whoever pushes and does no more.
  explicit ConsoleQueue(std::function<void()> space = {}, size_t capacity = kDefaultCapacity)
      : space_(std::move(space)), capacity_(capacity) {}

  // Queues the first bytes, as many as there is room for, and returns their number. The caller
  // tells the device (Serial16550::input_ready) and keeps the rest.
  size_t push(std::span<const u8> bytes);
  size_t read(std::span<u8> to) override;

private:
  const std::function<void()> space_;
  const size_t capacity_;
  std::mutex mutex_;
  std::deque<u8> bytes_;
  bool refused_ = false;
};

// Input that is all there from the start: what the guest gets, and when, is up to the guest.
class ConsoleScript final : public ConsoleInput {
public:
  explicit ConsoleScript(std::vector<u8> bytes) : bytes_(std::move(bytes)) {}
  size_t read(std::span<u8> to) override;

  // How far it has been read, and going back or ahead to there. False: there is no such place.
  [[nodiscard]] u64 position() const { return next_; }
  bool seek(u64 position);

private:
  const std::vector<u8> bytes_;
  size_t next_ = 0;
};

} // namespace kindling::devices
