// SPDX-License-Identifier: Apache-2.0
#include "devices/virtio/console.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "devices/virtio/segments.h"

namespace kindling::devices::virtio {
namespace {

constexpr u32 kPort = 0; // the only one

// Messages that the driver is to be sent, in this order.
enum Owed : u8 { kOwesPort = 1, kOwesName = 2, kOwesOpen = 4, kAllOwed = 7 };

// struct virtio_console_config (§5.3.4).
struct Config {
  u16 cols;
  u16 rows;
  u32 max_nr_ports;
  u32 emerg_wr;
};
static_assert(sizeof(Config) == 12);

} // namespace

void Console::read_config(u64 offset, std::span<u8> to) const {
  const Config config{.cols = 0, .rows = 0, .max_nr_ports = 1, .emerg_wr = 0};
  read_config_bytes({reinterpret_cast<const u8*>(&config), sizeof(config)}, offset, to);
}

// Takes nothing from the driver: a peer that answers what it hears would be called from within.
bool Console::send(std::span<const u8> bytes) {
  const std::lock_guard lock(mutex_);
  if (!open_ || bytes.size() > kMostUnsent - unsent_.size()) {
    return false;
  }
  unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
  if (works()) {
    port_.deliver([this] {
      give_bytes();
      tell_driver();
    });
  }
  return true;
}

void Console::activate(const Activation& activation) {
  {
    const std::lock_guard lock(mutex_);
    active_ = activation;
  }
  serve();
}

void Console::notify(u32 /*queue*/) {
  serve();
}

void Console::deactivate() {
  const std::lock_guard lock(mutex_);
  active_ = {};
  owed_ = 0;
  open_ = false;
  unsent_.clear();
}

void Console::pause() {
  const std::lock_guard lock(mutex_);
  paused_ = true;
}

void Console::resume() {
  {
    const std::lock_guard lock(mutex_);
    paused_ = false;
  }
  serve();
}

void Console::serve() {
  for (Heard heard = serve_queues(); heard.opened || !heard.bytes.empty(); heard = serve_queues()) {
    if (heard.opened) {
      peer_.opened();
    }
    if (!heard.bytes.empty()) {
      peer_.receive(heard.bytes);
    }
  }
}

Console::Heard Console::serve_queues() {
  Heard heard;
  const std::lock_guard lock(mutex_);
  if (!works()) {
    return heard;
  }
  port_.deliver([&] {
    const bool has_port = (active_.features & kConsoleMultiport) != 0;
    take(kTransmit, [&](const Chain& chain) { return !has_port || take_bytes(chain, heard); });
    if (has_port) {
      take(kControlTransmit, [&](const Chain& chain) { return take_control(chain, heard); });
      give_control();
      give_bytes();
    }
    tell_driver();
  });
  return heard;
}

void Console::tell_driver() {
  bool notify = false;
  for (Virtqueue& queue : active_.queues) {
    if (queue.broken()) {
      active_.transport->request_reset();
    } else if (queue.started()) {
      notify = queue.needs_interrupt() || notify;
    }
  }
  if (notify) {
    active_.transport->notify_used();
  }
}

bool Console::pop(Queue index, Chain& chain) {
  Virtqueue& queue = active_.queues[index];
  return queue.started() && queue.pop(chain) == Virtqueue::Pop::kChain;
}

// What the driver sends through a queue, until `taken` says that it is enough for once.
template <typename Taken>
void Console::take(Queue index, const Taken& taken) {
  Virtqueue& queue = active_.queues[index];
  if (!queue.started()) {
    return;
  }
  Chain chain;
  do {
    while (pop(index, chain)) {
      const bool more = taken(chain);
      queue.push(chain.head, 0);
      if (!more) {
        return;
      }
    }
  } while (queue.want_notifications());
}

bool Console::take_bytes(const Chain& chain, Heard& heard) {
  const size_t count = std::min<u64>(chain.readable_bytes, kMostReceived);
  heard.bytes.resize(count);
  if (!gather(*active_.memory, chain.readable, heard.bytes)) {
    heard.bytes.clear();
  }
  received_ += count;
  return heard.bytes.empty();
}

bool Console::take_control(const Chain& chain, Heard& heard) {
  Control message{};
  if (!gather(*active_.memory, chain.readable, {reinterpret_cast<u8*>(&message), sizeof message})) {
    return true; // too short to be one
  }
  if (message.event == kConsoleDeviceReady && message.value == 1) {
    owed_ |= kOwesPort;
  }
  if (message.id != kPort) {
    return true;
  }
  if (message.event == kConsolePortReady && message.value == 1) {
    owed_ |= kOwesName | kOwesOpen;
  }
  if (message.event == kConsolePortOpen) {
    open_ = message.value != 0;
    heard.opened = open_;
    if (!open_) {
      unsent_.clear(); // it was for who has closed it
    }
  }
  return true;
}

std::vector<u8> Console::next_message() {
  const auto owes = [this](Owed what) { return (owed_ & what) != 0; };
  const u16 event = owes(kOwesPort)   ? kConsoleDeviceAdd
                    : owes(kOwesName) ? kConsolePortName
                                      : kConsolePortOpen;
  const Control message{.id = kPort, .event = event, .value = 1};
  const size_t more = event == kConsolePortName ? name_.size() : 0;
  std::vector<u8> bytes(sizeof message + more);
  std::memcpy(bytes.data(), &message, sizeof message);
  std::copy_n(name_.begin(), more, bytes.begin() + sizeof message);
  return bytes;
}

void Console::give_control() {
  Chain chain;
  while (owed_ != 0 && pop(kControlReceive, chain)) {
    const std::vector<u8> message = next_message();
    const bool fits = scatter(*active_.memory, chain.writable, message);
    active_.queues[kControlReceive].push(chain.head, fits ? static_cast<u32>(message.size()) : 0);
    owed_ &= static_cast<u8>(owed_ - 1); // the lowest is the first
  }
}

void Console::give_bytes() {
  Chain chain;
  std::array<u8, kMostUnsent> bytes;
  while (!unsent_.empty() && pop(kReceive, chain)) {
    const size_t count = std::min<u64>(unsent_.size(), chain.writable_bytes);
    std::copy_n(unsent_.begin(), count, bytes.begin());
    // The chain's segments are in RAM, which does not shrink.
    static_cast<void>(scatter(*active_.memory, chain.writable, {bytes.data(), count}));
    active_.queues[kReceive].push(chain.head, static_cast<u32>(count));
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<ptrdiff_t>(count));
    sent_ += count;
  }
}

// u8 owed control messages, bool open, bytes not yet sent.
void Console::save(StateWriter& state) const {
  const std::lock_guard lock(mutex_);
  state.put(owed_);
  state.put(open_);
  state.put_bytes(std::vector<u8>(unsent_.begin(), unsent_.end()));
}

bool Console::restore(StateReader& state) {
  const std::lock_guard lock(mutex_);
  owed_ = state.get<u8>();
  open_ = state.get<bool>();
  const std::vector<u8> unsent = state.get_bytes();
  unsent_.assign(unsent.begin(), unsent.end());
  return owed_ <= kAllOwed && unsent.size() <= kMostUnsent;
}

std::vector<Metric> Console::metrics() const {
  const std::lock_guard lock(mutex_);
  return {{"sent", sent_}, {"received", received_}};
}

} // namespace kindling::devices::virtio
