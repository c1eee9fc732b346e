// SPDX-License-Identifier: Apache-2.0
// The virtio console device (virtio 1.2 §5.3) with one port that is no console: a channel of bytes
// between a program in the guest and the program around the machine, which the guest finds by its
// name. A driver without VIRTIO_CONSOLE_F_MULTIPORT gets nothing from it, and what it sends is
// dropped.
//
// It answers on the thread that notifies or sends.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "devices/event_port.h"
#include "devices/virtio/device.h"

namespace kindling::devices::virtio {

inline constexpr u64 kConsoleMultiport = 1ULL << 1; // §5.3.3

// Events of struct virtio_console_control (§5.3.6.2).
enum ConsoleEvent : u16 {
  kConsoleDeviceReady = 0,
  kConsoleDeviceAdd = 1,
  kConsolePortReady = 3,
  kConsolePortOpen = 6,
  kConsolePortName = 7,
};

// The other end of a port. Called from any thread, without a lock of the device: both may send.
class PortPeer {
public:
  virtual ~PortPeer() = default;
  // A program in the guest has opened the port.
  virtual void opened() = 0;
  virtual void receive(std::span<const u8> bytes) = 0;
};

class Console final : public VirtioDevice {
public:
  enum Queue : u8 { kReceive, kTransmit, kControlReceive, kControlTransmit, kQueues };
  static constexpr u16 kQueueSize = 64;
  // The most bytes that wait for the guest.
  static constexpr size_t kMostUnsent = 4096;
  // The most that one chain brings; the rest of a longer one is dropped.
  static constexpr size_t kMostReceived = 65536;

  // Both outlive the device.
  Console(EventPort& port, PortPeer& peer, std::string name)
      : port_(port), peer_(peer), name_(std::move(name)) {}

  // Sends `bytes` to the program that has the port open. False: none has, or it does not read and
  // there is no room; nothing is sent then. Any thread.
  bool send(std::span<const u8> bytes);

  [[nodiscard]] u32 type() const override { return 3; }
  [[nodiscard]] u64 features() const override { return kConsoleMultiport; }
  [[nodiscard]] std::vector<u16> queue_sizes() const override {
    return std::vector<u16>(kQueues, kQueueSize);
  }
  void read_config(u64 offset, std::span<u8> to) const override;
  void activate(const Activation& activation) override;
  void notify(u32 queue) override;
  void deactivate() override;
  void pause() override;
  void resume() override;
  void save(StateWriter& state) const override;
  bool restore(StateReader& state) override;
  [[nodiscard]] std::vector<Metric> metrics() const override;

private:
  struct Heard { // of the guest in one go, for the peer
    bool opened = false;
    std::vector<u8> bytes;
  };
  struct Control { // struct virtio_console_control
    u32 id;
    u16 event;
    u16 value;
  };

  [[nodiscard]] bool works() const { return active_.transport != nullptr && !paused_; }
  void serve();
  void tell_driver();
  Heard serve_queues();
  template <typename Taken>
  void take(Queue index, const Taken& taken);
  bool take_control(const Chain& chain, Heard& heard);
  bool take_bytes(const Chain& chain, Heard& heard);
  void give_control();
  void give_bytes();
  [[nodiscard]] std::vector<u8> next_message();
  bool pop(Queue index, Chain& chain);

  EventPort& port_;
  PortPeer& peer_;
  const std::string name_;

  mutable std::mutex mutex_; // of what follows
  Activation active_;
  bool paused_ = false;
  u8 owed_ = 0;       // control messages, bits of Owed
  bool open_ = false; // by a program in the guest
  std::deque<u8> unsent_;
  u64 sent_ = 0;
  u64 received_ = 0;
};

} // namespace kindling::devices::virtio
