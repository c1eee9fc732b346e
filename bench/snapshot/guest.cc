// SPDX-License-Identifier: Apache-2.0
#include "bench/snapshot/guest.h"

#include <chrono>

namespace kindling::bench {

namespace {
constexpr std::chrono::seconds kLongest{60};
} // namespace

Guest::Guest(vmm::MachineConfig config) {
  config.kernel = KINDLING_GUEST_PROGRAMS "/dirty.bin";
  config.ram_size = 64ULL << 20;
  vmm::MachineHost host;
  host.console_output = [this](std::span<const u8> bytes) {
    const std::lock_guard lock(mutex_);
    printed_.append(bytes.begin(), bytes.end());
    changed_.notify_all();
  };
  host.console_ready = [] {};
  host.boot_time = [](std::chrono::milliseconds) {};
  host.started = std::chrono::steady_clock::now();
  auto machine = vmm::Machine::create(config, host, log_);
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
  if (!wait_for('r')) {
    log_.fatal("the guest does not get ready");
  }
}

Guest::~Guest() {
  if (thread_.joinable()) {
    machine_->quit();
    thread_.join();
  }
}

bool Guest::tell(char command) {
  const u8 byte = static_cast<u8>(command);
  return machine_->console_input({&byte, 1}) == 1 && wait_for('d');
}

bool Guest::wait_for(char answer) {
  std::unique_lock lock(mutex_);
  const bool there =
      changed_.wait_for(lock, kLongest, [&] { return printed_.find(answer) != std::string::npos; });
  printed_.clear();
  return there;
}

} // namespace kindling::bench
