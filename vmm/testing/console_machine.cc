// SPDX-License-Identifier: Apache-2.0
#include "vmm/testing/console_machine.h"

#include <chrono>
#include <utility>

namespace kindling::vmm::testing {

namespace {
constexpr std::chrono::seconds kLongest{120}; // on a busy host
} // namespace

ConsoleMachine::ConsoleMachine(const MachineConfig& config) {
  MachineHost host;
  host.console_output = [this](std::span<const u8> bytes) {
    const std::lock_guard lock(mutex_);
    printed_.append(bytes.begin(), bytes.end());
    changed_.notify_all();
  };
  host.console_ready = [] {};
  host.event = [this](const MachineEvent& event) {
    if (std::holds_alternative<GuestBoots>(event)) {
      const std::lock_guard lock(mutex_);
      booting_ = true;
      changed_.notify_all();
    }
  };
  host.started = std::chrono::steady_clock::now();
  auto machine = Machine::create(config, host, log_);
  if (!machine) {
    log_.fatal(machine.error().message);
    return;
  }
  machine_ = std::move(*machine);
  thread_ = std::thread([this] {
    if (const Status ran = machine_->run(); !ran) {
      log_.fatal(ran.error().message);
    }
  });
}

ConsoleMachine::~ConsoleMachine() {
  if (thread_.joinable()) {
    machine_->quit();
    thread_.join();
  }
}

bool ConsoleMachine::type(std::string_view text) {
  return machine_->console_input({reinterpret_cast<const u8*>(text.data()), text.size()}) ==
         text.size();
}

bool ConsoleMachine::wait_for_boot() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kLongest, [&] { return booting_; });
}

bool ConsoleMachine::wait_for(std::string_view text) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kLongest,
                           [&] { return printed_.find(text) != std::string::npos; });
}

std::string ConsoleMachine::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(printed_, {});
}

std::string ConsoleMachine::take_up_to(std::string_view text) {
  if (!wait_for(text)) {
    return {};
  }
  const std::lock_guard lock(mutex_);
  const size_t end = printed_.find(text) + text.size();
  std::string taken = printed_.substr(0, end);
  printed_.erase(0, end);
  return taken;
}

void ConsoleMachine::set_printed(std::string text) {
  const std::lock_guard lock(mutex_);
  printed_ = std::move(text);
}

} // namespace kindling::vmm::testing
