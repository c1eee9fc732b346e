// SPDX-License-Identifier: Apache-2.0
#include "vmm/working_set.h"

#include <condition_variable>
#include <system_error>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {
constexpr u64 kKiB = 1024;
}

void WorkingSet::begin(const std::string& id, const PrefetchConfig& config) {
  std::optional<RangeMap> known;
  if (!config.anew) {
    auto found = sets_.read(id, ram_.bytes().size() / kStoreBlock);
    if (found) {
      known = std::move(*found);
    } else {
      warn(found.error());
    }
  }
  const std::lock_guard lock(mutex_);
  try {
    thread_ = std::jthread(
        [this, id, known = std::move(known), time = config.recorded](const std::stop_token& stop) {
          if (known) {
            bring_in(stop, *known);
          } else {
            record(stop, id, time);
          }
        });
  } catch (const std::system_error& error) {
    warn(Error{fmt::format("the host gives no thread: {}", error.what())});
  }
}

void WorkingSet::finish() {
  const std::lock_guard lock(mutex_);
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
}

void WorkingSet::record(const std::stop_token& stop, const std::string& id,
                        std::chrono::milliseconds time) const {
  std::mutex mutex;
  std::condition_variable_any wait;
  std::unique_lock lock(mutex);
  wait.wait_for(lock, stop, time, [] { return false; }); // until it is over or to be over
  const auto touched = ram_.touched_blocks();
  const Status done = touched ? sets_.write(id, *touched) : touched.error();
  if (!done) {
    warn(done.error());
    return;
  }
  log_.write(LogLevel::kInfo, "recorded {} KiB of memory that were touched first",
             touched->blocks() * kStoreBlock / kKiB);
}

void WorkingSet::bring_in(const std::stop_token& stop, const RangeMap& blocks) const {
  const auto before = std::chrono::steady_clock::now();
  for (const BlockRange& range : blocks.ranges()) {
    if (stop.stop_requested()) {
      return;
    }
    ram_.bring_in(range);
  }
  log_.write(LogLevel::kInfo, "brought in {} KiB of memory in {} us",
             blocks.blocks() * kStoreBlock / kKiB,
             std::chrono::duration_cast<std::chrono::microseconds>(
                 std::chrono::steady_clock::now() - before)
                 .count());
}

void WorkingSet::warn(const Error& error) const {
  log_.line(LogLevel::kWarn, "--prefetch: " + error.message);
}

} // namespace kindling::vmm
