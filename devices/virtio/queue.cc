// SPDX-License-Identifier: Apache-2.0
#include "devices/virtio/queue.h"

#include <bit>

#include "arch/bits.h"
#include "devices/virtio/device.h"

namespace kindling::devices::virtio {
namespace {

enum DescriptorFlag : u16 { kNext = 1, kWrite = 2, kIndirect = 4 };
constexpr u16 kAvailNoInterrupt = 1;
constexpr u16 kUsedNoNotify = 1;
constexpr u64 kDescriptorSize = 16;
constexpr u64 kUsedElementSize = 8;
// No chain is longer than this many bytes (§2.7.4.2).
constexpr u64 kMaxChainBytes = 1ULL << 32;

// Offsets within the rings (§2.7.6, §2.7.8).
constexpr u64 kIndex = 2;
constexpr u64 kRing = 4;

} // namespace

bool Virtqueue::start(const GuestMemory& memory, u64 features) {
  const u64 size = setup.size;
  const bool fits = std::has_single_bit(size) && size <= max_size_;
  const bool aligned = arch::is_aligned(setup.descriptors, 16) &&
                       arch::is_aligned(setup.driver_ring, 2) &&
                       arch::is_aligned(setup.device_ring, 4);
  const bool inside = memory.contains(setup.descriptors, kDescriptorSize * size) &&
                      memory.contains(setup.driver_ring, kRing + 2 * size + 2) &&
                      memory.contains(setup.device_ring, kRing + kUsedElementSize * size + 2);
  if (!fits || !aligned || !inside) {
    fail();
    return false;
  }
  memory_ = &memory;
  event_index_ = (features & kFeatureEventIndex) != 0;
  indirect_ = (features & kFeatureIndirect) != 0;
  return !broken_;
}

void Virtqueue::reset() {
  setup = QueueSetup{.size = max_size_};
  memory_ = nullptr;
  broken_ = false;
  next_available_ = next_used_ = signalled_used_ = 0;
}

std::optional<u16> Virtqueue::available_index() const {
  return memory_->load<u16>(setup.driver_ring + kIndex);
}

Virtqueue::Pop Virtqueue::pop(Chain& chain) {
  if (broken_ || !started()) {
    return broken_ ? Pop::kBroken : Pop::kEmpty;
  }
  const std::optional<u16> index = available_index();
  if (!index || static_cast<u16>(*index - next_available_) > setup.size) {
    fail();
    return Pop::kBroken;
  }
  if (*index == next_available_) {
    return Pop::kEmpty;
  }
  const u64 slot = next_available_ % setup.size;
  const auto head = memory_->read_as<u16>(setup.driver_ring + kRing + 2 * slot);
  if (!head || !walk(*head, chain)) {
    fail();
    return Pop::kBroken;
  }
  ++next_available_;
  return Pop::kChain;
}

bool Virtqueue::walk(u16 head, Chain& chain) {
  chain.head = head;
  chain.readable.clear();
  chain.writable.clear();
  chain.readable_bytes = chain.writable_bytes = 0;
  u32 visited = 0;
  return walk_table({setup.descriptors, setup.size}, head, false, visited, chain);
}

// Follows a chain from `index` through one table. `visited` bounds the whole chain, so that one
// with a loop in it ends too.
bool Virtqueue::walk_table(Table table, u32 index, bool indirect, u32& visited, Chain& chain) {
  for (;;) {
    const std::optional<Descriptor> d = descriptor(table, index);
    if (!d || ++visited > u32{max_size_} + 1) {
      return false;
    }
    if ((d->flags & kIndirect) != 0) {
      const Table inner{d->address, d->length / static_cast<u32>(kDescriptorSize)};
      const bool sound = indirect_ && !indirect && (d->flags & kNext) == 0 && d->length != 0 &&
                         d->length % kDescriptorSize == 0 && inner.count <= kMaxQueueSize;
      return sound && walk_table(inner, 0, true, visited, chain);
    }
    if (!add_segment(*d, chain)) {
      return false;
    }
    if ((d->flags & kNext) == 0) {
      return true;
    }
    index = d->next;
  }
}

std::optional<Virtqueue::Descriptor> Virtqueue::descriptor(const Table& table, u32 index) const {
  if (index >= table.count) {
    return std::nullopt;
  }
  // The table may be anywhere in memory and as long as it likes.
  const u64 offset = index * kDescriptorSize;
  if (table.address + offset < table.address) {
    return std::nullopt;
  }
  return memory_->read_as<Descriptor>(table.address + offset);
}

bool Virtqueue::add_segment(const Descriptor& descriptor, Chain& chain) const {
  const bool writable = (descriptor.flags & kWrite) != 0;
  if (!writable && !chain.writable.empty()) {
    return false; // readable ones come first (§2.7.4.2)
  }
  if (descriptor.length == 0) {
    return true;
  }
  const Segment segment{descriptor.address, descriptor.length};
  (writable ? chain.writable : chain.readable).push_back(segment);
  (writable ? chain.writable_bytes : chain.readable_bytes) += segment.length;
  return memory_->contains(segment.address, segment.length) &&
         chain.readable_bytes + chain.writable_bytes <= kMaxChainBytes;
}

void Virtqueue::push(u16 head, u32 written) {
  if (broken_ || !started()) {
    return;
  }
  struct {
    u32 id;
    u32 length;
  } const element{head, written};
  const u64 slot = next_used_ % setup.size;
  ++next_used_;
  if (!memory_->write_as(setup.device_ring + kRing + kUsedElementSize * slot, element) ||
      !memory_->store<u16>(setup.device_ring + kIndex, next_used_)) {
    fail();
  }
}

bool Virtqueue::needs_interrupt() {
  const u16 before = signalled_used_;
  signalled_used_ = next_used_;
  if (broken_ || !started() || before == next_used_) {
    return false;
  }
  if (!event_index_) {
    const auto flags = memory_->load<u16>(setup.driver_ring);
    return !flags || (*flags & kAvailNoInterrupt) == 0;
  }
  // used_event lies behind the available ring. Interrupt when [before, next_used_) holds it.
  const auto event = memory_->load<u16>(setup.driver_ring + kRing + 2 * u64{setup.size});
  return !event ||
         static_cast<u16>(next_used_ - *event - 1) < static_cast<u16>(next_used_ - before);
}

void Virtqueue::suppress_notifications() {
  if (started() && !broken_ && !event_index_ &&
      !memory_->store<u16>(setup.device_ring, kUsedNoNotify)) {
    fail();
  }
}

bool Virtqueue::want_notifications() {
  if (broken_ || !started()) {
    return false;
  }
  // avail_event lies behind the used ring.
  const bool stored =
      event_index_ ? memory_->store<u16>(setup.device_ring + kRing + kUsedElementSize * setup.size,
                                         next_available_)
                   : memory_->store<u16>(setup.device_ring, 0);
  const auto index = available_index();
  if (!stored || !index) {
    fail();
    return false;
  }
  return *index != next_available_;
}

// u16 size; u8 ready, broken; u64 descriptors, driver ring, device ring; u16 next available,
// next used, last signalled.
void Virtqueue::save(StateWriter& state) const {
  state.put(setup.size);
  state.put(setup.ready);
  state.put(broken_);
  state.put(setup.descriptors);
  state.put(setup.driver_ring);
  state.put(setup.device_ring);
  state.put(next_available_);
  state.put(next_used_);
  state.put(signalled_used_);
}

bool Virtqueue::restore(StateReader& state) {
  reset();
  setup.size = state.get<u16>();
  setup.ready = state.get<bool>();
  broken_ = state.get<bool>();
  setup.descriptors = state.get<u64>();
  setup.driver_ring = state.get<u64>();
  setup.device_ring = state.get<u64>();
  next_available_ = state.get<u16>();
  next_used_ = state.get<u16>();
  signalled_used_ = state.get<u16>();
  return setup.size <= max_size_;
}

} // namespace kindling::devices::virtio
