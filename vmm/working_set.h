// SPDX-License-Identifier: Apache-2.0
// What a clone touches of its memory first: it is brought in when it is known, and recorded when it
// is not.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "vmm/guest_ram.h"
#include "vmm/log.h"
#include "vmm/store/working_sets.h"

namespace kindling::vmm {

struct PrefetchConfig {
  std::chrono::milliseconds recorded{1000}; // from when the guest goes on
  bool anew = false;                        // even if there is a recording
};

class WorkingSet {
public:
  // All of these outlive it.
  WorkingSet(const WorkingSets& sets, const GuestRam& ram, const Log& log)
      : sets_(sets), ram_(ram), log_(log) {}
  ~WorkingSet() { finish(); }
  WorkingSet(const WorkingSet&) = delete;
  WorkingSet& operator=(const WorkingSet&) = delete;

  // RAM shows the snapshot of this id, and the guest is about to go on. What fails is told as a
  // warning: the guest goes on all the same.
  void begin(const std::string& id, const PrefetchConfig& config);

  // RAM is about to be read or replaced as a whole: a recording ends here. Any thread; waits.
  void finish();

private:
  void record(const std::stop_token& stop, const std::string& id,
              std::chrono::milliseconds time) const;
  void bring_in(const std::stop_token& stop, const RangeMap& blocks) const;
  void warn(const Error& error) const;

  const WorkingSets sets_;
  const GuestRam& ram_;
  const Log& log_;
  std::mutex mutex_;
  std::jthread thread_;
};

} // namespace kindling::vmm
