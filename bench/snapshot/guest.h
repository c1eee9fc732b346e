// SPDX-License-Identifier: Apache-2.0
// A machine that runs dirty.S, in this process, and its console.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <unistd.h>

#include "vmm/log.h"
#include "vmm/machine.h"

namespace kindling::bench {

class Guest {
public:
  // `config` but for the kernel. works() tells whether it runs.
  explicit Guest(vmm::MachineConfig config);
  ~Guest();
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  [[nodiscard]] bool works() const { return machine_ != nullptr; }
  [[nodiscard]] vmm::Machine& machine() { return *machine_; }

  // Has `command` done. False: it does not get done.
  bool tell(char command);

private:
  bool wait_for(char answer);

  vmm::Log log_{STDERR_FILENO, "bench", vmm::LogLevel::kError};
  std::unique_ptr<vmm::Machine> machine_;
  std::thread thread_;
  std::mutex mutex_; // of what follows
  std::condition_variable changed_;
  std::string printed_;
};

} // namespace kindling::bench
