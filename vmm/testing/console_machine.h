// SPDX-License-Identifier: Apache-2.0
// A machine in this process whose console is a string.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include <unistd.h>

#include "vmm/log.h"
#include "vmm/machine.h"

namespace kindling::vmm::testing {

class ConsoleMachine {
public:
  // Boots it. works() tells whether it could be made.
  explicit ConsoleMachine(const MachineConfig& config);
  ~ConsoleMachine();
  ConsoleMachine(const ConsoleMachine&) = delete;
  ConsoleMachine& operator=(const ConsoleMachine&) = delete;

  [[nodiscard]] bool works() const { return machine_ != nullptr; }
  [[nodiscard]] Machine& machine() { return *machine_; }

  bool type(std::string_view text);

  // Waits until the machine can be paused, which a guest that has printed something can anyhow.
  bool wait_for_boot();
  // Waits until what has been printed, and not been taken, has `text` in it. False: it does not
  // come for long.
  bool wait_for(std::string_view text);
  // What has been printed, up to now or up to the end of the first `text` in it, and forgets it.
  std::string take();
  std::string take_up_to(std::string_view text);
  // Forgets that, and has `text` stand there.
  void set_printed(std::string text);

private:
  Log log_{STDERR_FILENO, "machine", LogLevel::kError};
  std::unique_ptr<Machine> machine_;
  std::thread thread_;
  std::mutex mutex_; // of what follows
  std::condition_variable changed_;
  std::string printed_;
  bool booting_ = false;
};

} // namespace kindling::vmm::testing
