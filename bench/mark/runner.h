// SPDX-License-Identifier: Apache-2.0
// Runs workloads of the mark program on a vCPU of SoftHV, through the Hypervisor.framework API.
#pragma once

#include <memory>
#include <string>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::bench {

struct MarkRun {
  u64 result = 0;
  u64 instructions = 0; // retired by the vCPU, when it counts
};

// One VM with one vCPU; at most one runner at a time, used by the thread that made it.
class MarkRunner {
public:
  struct Options {
    bool interpreter = false; // else the fastest engine there is
    bool counts = false;      // the vCPU counts its instructions
  };
  static Result<std::unique_ptr<MarkRunner>> create(const Options& options);
  static Result<std::unique_ptr<MarkRunner>> create() { return create({}); }
  ~MarkRunner();
  MarkRunner(const MarkRunner&) = delete;
  MarkRunner& operator=(const MarkRunner&) = delete;

  // Runs `workload` (mark_workload) from the program's start.
  Result<MarkRun> run(u32 workload, u64 iterations);

private:
  struct Machine;
  explicit MarkRunner(std::unique_ptr<Machine> machine);
  std::unique_ptr<Machine> machine_;
};

} // namespace kindling::bench
