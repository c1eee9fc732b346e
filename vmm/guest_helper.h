// SPDX-License-Identifier: Apache-2.0
// What the machine tells a program in the guest, through a port of the virtio console, and hears of
// it: docs/guest-helper.md has the lines. A guest without the program misses nothing but that.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "devices/event_port.h"
#include "devices/virtio/console.h"
#include "vmm/events.h"

namespace kindling::vmm {

class GuestHelper final : public devices::virtio::PortPeer {
public:
  static constexpr const char* kPortName = "org.kindling.helper";
  static constexpr size_t kMostLine = 256; // what a longer line has more is dropped
  static constexpr size_t kSeedBytes = 32;

  // `port` outlives the helper. `tell` is called from vCPU threads, with locks held as
  // MachineHost::event is.
  GuestHelper(devices::EventPort& port, std::function<void(const MachineEvent&)> tell)
      : port_(port), tell_(std::move(tell)) {}

  // Once, before the guest runs; the device outlives the guest.
  void connect(devices::virtio::Console& console) { console_ = &console; }

  // The guest, which does not run, is to go on from a snapshot. The helper is told at once or, when
  // it does not listen yet, as soon as it does.
  void restored();
  // There is nothing to tell any more: the guest boots.
  void forget();

  void opened() override;
  void receive(std::span<const u8> bytes) override;

private:
  void tell_restored();
  void expect_answer(bool expected);
  void take_line(std::string_view line);

  devices::EventPort& port_;
  const std::function<void(const MachineEvent&)> tell_;
  devices::virtio::Console* console_ = nullptr;

  std::mutex mutex_; // of what follows
  bool owed_ = false;
  bool awaits_answer_ = false;
  std::string line_;
};

} // namespace kindling::vmm
