// SPDX-License-Identifier: Apache-2.0
// Machines of which each goes on from a snapshot of the one before, all of them running the guest
// work.S with a disk. What it prints depends on the number of a lap only, so whatever is not passed
// on shows.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "arch/result.h"
#include "vmm/machine.h"
#include "vmm/testing/laps.h"

namespace kindling::vmm::testing {

class Generations {
public:
  // `first`: boots work.S with a disk, with `store` in a directory of this test's.
  Generations(const MachineConfig& first, u32 seed);

  // Makes one machine after the other, lets each run for a moment and writes a snapshot of it.
  // Errors say what was not as it should be.
  Status run(unsigned generations);

  [[nodiscard]] size_t laps() const { return laps_.count(); }
  [[nodiscard]] unsigned full() const { return full_; }
  [[nodiscard]] unsigned flattened() const { return flattened_; }

private:
  Status live(const std::string& name);
  Status tidy(bool alone);

  MachineConfig config_;
  std::mt19937 random_;
  Laps laps_;
  std::string begun_;              // of a line, when the snapshot was taken
  std::vector<std::string> chain_; // of snapshots, the first one stands alone
  unsigned count_ = 0;
  unsigned full_ = 0;
  unsigned flattened_ = 0;
};

} // namespace kindling::vmm::testing
