// SPDX-License-Identifier: Apache-2.0
// The device's side of a split virtqueue (virtio 1.2 §2.7), with indirect descriptors (§2.7.5.3)
// and event indices (§2.7.7, §2.7.10).
//
// Whatever a driver puts into the rings is checked; what breaks the rules makes the queue broken,
// for good until it is set up anew, and the device tells the driver through DEVICE_NEEDS_RESET.
// Configured by the transport while the device is inactive, then used by one thread at a time.
#pragma once

#include <optional>
#include <vector>

#include "arch/result.h"
#include "arch/types.h"
#include "devices/guest_memory.h"
#include "devices/state.h"

namespace kindling::devices::virtio {

inline constexpr u16 kMaxQueueSize = 32768;

// A piece of guest memory, wholly inside RAM when it comes out of a Chain.
struct Segment {
  u64 address = 0;
  u32 length = 0;
};

// What one entry of the available ring stands for. Segments of length 0 are left out.
struct Chain {
  u16 head = 0;
  std::vector<Segment> readable; // by the device; these come first
  std::vector<Segment> writable; // by the device
  u64 readable_bytes = 0;
  u64 writable_bytes = 0;
};

// What the driver sets up through the transport.
struct QueueSetup {
  u16 size = 0;
  bool ready = false;
  u64 descriptors = 0; // guest physical
  u64 driver_ring = 0; // available ring
  u64 device_ring = 0; // used ring
};

class Virtqueue {
public:
  enum class Pop : u8 { kChain, kEmpty, kBroken };

  explicit Virtqueue(u16 max_size) : max_size_(max_size) { setup.size = max_size; }

  QueueSetup setup; // not changed while the queue is started
  [[nodiscard]] u16 max_size() const { return max_size_; }

  // Takes the rings of `setup` into use, with the negotiated `features`. False, and broken, when a
  // ring is misaligned or outside RAM or the size is not a power of two up to max_size().
  // `memory` outlives the use.
  bool start(const GuestMemory& memory, u64 features);
  [[nodiscard]] bool started() const { return memory_ != nullptr; }
  [[nodiscard]] bool broken() const { return broken_; }
  // Back to the state before setup.
  void reset();

  // The next chain that the driver made available.
  Pop pop(Chain& chain);
  // Returns a chain to the driver, with the number of bytes written from its first writable byte
  // on.
  void push(u16 head, u32 written);
  // Whether the driver wants to hear of what was pushed since the last call (§2.7.7.2).
  bool needs_interrupt();

  // Asks the driver not to notify (a hint), or to notify of what comes next. want_notifications
  // returns true when something came in the meantime, which nobody will be notified of.
  void suppress_notifications();
  bool want_notifications();

  // Setup and progress, not the rings. restore leaves the queue not started; start() then goes on
  // where the saved queue was.
  void save(StateWriter& state) const;
  bool restore(StateReader& state);

private:
  struct Descriptor {
    u64 address;
    u32 length;
    u16 flags;
    u16 next;
  };
  // A table of descriptors: the queue's own or an indirect one.
  struct Table {
    u64 address = 0;
    u32 count = 0;
  };

  bool walk(u16 head, Chain& chain);
  bool walk_table(Table table, u32 index, bool indirect, u32& visited, Chain& chain);
  bool add_segment(const Descriptor& descriptor, Chain& chain) const;
  [[nodiscard]] std::optional<Descriptor> descriptor(const Table& table, u32 index) const;
  [[nodiscard]] std::optional<u16> available_index() const;
  void fail() { broken_ = true; }

  const u16 max_size_;
  const GuestMemory* memory_ = nullptr;
  bool event_index_ = false;
  bool indirect_ = false;
  bool broken_ = false;
  u16 next_available_ = 0;
  u16 next_used_ = 0;
  u16 signalled_used_ = 0; // next_used_ when needs_interrupt was last asked
};

} // namespace kindling::devices::virtio
