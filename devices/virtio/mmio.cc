// SPDX-License-Identifier: Apache-2.0
#include "devices/virtio/mmio.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace kindling::devices::virtio {
namespace {

enum Offset : u64 {
  kMagic = 0x000,
  kVersion = 0x004,
  kDeviceId = 0x008,
  kVendorId = 0x00c,
  kDeviceFeatures = 0x010,
  kDeviceFeaturesSel = 0x014,
  kDriverFeatures = 0x020,
  kDriverFeaturesSel = 0x024,
  kQueueSel = 0x030,
  kQueueSizeMax = 0x034,
  kQueueSize = 0x038,
  kQueueReady = 0x044,
  kQueueNotify = 0x050,
  kInterruptStatus = 0x060,
  kInterruptAck = 0x064,
  kStatus = 0x070,
  kQueueDescLow = 0x080,
  kQueueDescHigh = 0x084,
  kQueueDriverLow = 0x090,
  kQueueDriverHigh = 0x094,
  kQueueDeviceLow = 0x0a0,
  kQueueDeviceHigh = 0x0a4,
  kShmLenLow = 0x0b0,
  kShmBaseHigh = 0x0bc,
  kConfigGeneration = 0x0fc,
  kConfig = 0x100,
};

constexpr u32 kMagicValue = 0x74726976; // "virt"
constexpr u32 kVendor = 0x4b4c444e;     // "NDLK"
constexpr u32 kUsedInterrupt = 1;
constexpr u32 kConfigInterrupt = 2;
constexpr u8 kDriverStatusBits = kAcknowledge | kDriver | kDriverOk | kFeaturesOk | kFailed;

// version 1: u8 status; u32 feature selectors, device's then driver's; u64 driver features; u32
// queue selector, pending interrupts, configuration generation; u8 needs reset; the queues
// (Virtqueue::save); then the device's own fields.
constexpr u32 kStateVersion = 1;

u32 half(u64 value, u32 select) {
  return select > 1 ? 0 : static_cast<u32>(value >> (32 * select));
}

void set_half(u64& value, u32 select, u32 word) {
  if (select <= 1) {
    const unsigned shift = 32 * select;
    value = (value & ~(0xffff'ffffULL << shift)) | (u64{word} << shift);
  }
}

} // namespace

void read_config_bytes(std::span<const u8> config, u64 offset, std::span<u8> to) {
  if (offset < config.size()) {
    const size_t count = std::min<u64>(to.size(), config.size() - offset);
    std::memcpy(to.data(), config.data() + offset, count);
  }
}

MmioTransport::MmioTransport(std::unique_ptr<IrqLine> line, std::unique_ptr<VirtioDevice> device,
                             const GuestMemory& memory)
    : line_(std::move(line)), device_(std::move(device)), memory_(memory) {
  for (const u16 size : device_->queue_sizes()) {
    queues_.emplace_back(size);
  }
}

MmioTransport::~MmioTransport() {
  if (active_) {
    device_->deactivate();
  }
}

void MmioTransport::describe(arch::FdtBuilder& fdt, const DeviceSlot& slot) const {
  fdt.begin_node("virtio_mmio", slot.base);
  fdt.property_string("compatible", "virtio,mmio");
  fdt.property_pairs("reg", {slot.base, slot.size});
  describe_interrupt(fdt, slot.intid);
  fdt.property_empty("dma-coherent");
  fdt.end_node();
}

u64 MmioTransport::offered() const {
  return device_->features() | kFeatureVersion1 | kFeatureEventIndex | kFeatureIndirect;
}

bool MmioTransport::features_acceptable() const {
  return (reg_.driver_features & ~offered()) == 0 && (reg_.driver_features & kFeatureVersion1) != 0;
}

const Virtqueue* MmioTransport::selected() const {
  return reg_.queue_select < queues_.size() ? &queues_[reg_.queue_select] : nullptr;
}

Virtqueue* MmioTransport::selected() {
  return reg_.queue_select < queues_.size() ? &queues_[reg_.queue_select] : nullptr;
}

bool MmioTransport::needs_reset() const {
  const std::lock_guard lock(interrupt_.mutex);
  return interrupt_.needs_reset;
}

u64 MmioTransport::read(u64 offset, unsigned size) {
  if (offset >= kConfig) {
    std::array<u8, 8> bytes{};
    const std::lock_guard lock(mutex_);
    device_->read_config(offset - kConfig, {bytes.data(), std::min<size_t>(size, bytes.size())});
    u64 value = 0;
    std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }
  if (size != 4 || offset % 4 != 0) {
    return 0;
  }
  if (offset == kInterruptStatus || offset == kConfigGeneration) {
    const std::lock_guard lock(interrupt_.mutex);
    return offset == kInterruptStatus ? interrupt_.pending : interrupt_.generation;
  }
  const std::lock_guard lock(mutex_);
  return read_control(offset);
}

u32 MmioTransport::read_control(u64 offset) const {
  if (offset >= kShmLenLow && offset <= kShmBaseHigh) {
    return ~0U; // there are no shared memory regions (§4.2.2)
  }
  const Virtqueue* queue = selected();
  switch (offset) {
  case kMagic: return kMagicValue;
  case kVersion: return 2;
  case kDeviceId: return device_->type();
  case kVendorId: return kVendor;
  case kDeviceFeatures: return half(offered(), reg_.device_features_select);
  case kQueueSizeMax: return queue == nullptr ? 0 : queue->max_size();
  case kQueueReady: return queue != nullptr && queue->setup.ready ? 1 : 0;
  case kStatus: return reg_.status | (needs_reset() ? kNeedsReset : 0);
  default: return 0;
  }
}

void MmioTransport::write(u64 offset, unsigned size, u64 value) {
  if (offset >= kConfig) {
    const std::lock_guard lock(mutex_);
    std::array<u8, 8> bytes{};
    std::memcpy(bytes.data(), &value, sizeof(value));
    device_->write_config(offset - kConfig, {bytes.data(), std::min<size_t>(size, bytes.size())});
    return;
  }
  if (size != 4 || offset % 4 != 0) {
    return;
  }
  if (offset == kInterruptAck) {
    acknowledge(static_cast<u32>(value));
    return;
  }
  const std::lock_guard lock(mutex_);
  write_control(offset, static_cast<u32>(value));
}

void MmioTransport::write_control(u64 offset, u32 value) {
  switch (offset) {
  case kDeviceFeaturesSel: reg_.device_features_select = value; break;
  case kDriverFeaturesSel: reg_.driver_features_select = value; break;
  case kDriverFeatures:
    if ((reg_.status & kFeaturesOk) == 0) {
      set_half(reg_.driver_features, reg_.driver_features_select, value);
    }
    break;
  case kQueueSel: reg_.queue_select = value; break;
  case kQueueNotify: notify_queue(value); break;
  case kStatus: write_status(static_cast<u8>(value)); break;
  default: write_queue(offset, value); break;
  }
}

void MmioTransport::write_queue(u64 offset, u32 value) {
  Virtqueue* queue = selected();
  if (queue == nullptr || running()) {
    return;
  }
  QueueSetup& setup = queue->setup;
  if (offset == kQueueReady) {
    setup.ready = (value & 1) != 0;
  }
  if (setup.ready) {
    return;
  }
  switch (offset) {
  case kQueueSize: setup.size = value > queue->max_size() ? 0 : static_cast<u16>(value); break;
  case kQueueDescLow: set_half(setup.descriptors, 0, value); break;
  case kQueueDescHigh: set_half(setup.descriptors, 1, value); break;
  case kQueueDriverLow: set_half(setup.driver_ring, 0, value); break;
  case kQueueDriverHigh: set_half(setup.driver_ring, 1, value); break;
  case kQueueDeviceLow: set_half(setup.device_ring, 0, value); break;
  case kQueueDeviceHigh: set_half(setup.device_ring, 1, value); break;
  default: break;
  }
}

// The driver sets bits one after another and clears none but all (§2.1.1, §3.1.1).
void MmioTransport::write_status(u8 value) {
  if (value == 0) {
    reset_device();
    return;
  }
  u8 added = static_cast<u8>(value & kDriverStatusBits & ~reg_.status);
  if ((added & kFeaturesOk) != 0 && !features_acceptable()) {
    added &= static_cast<u8>(~(kFeaturesOk | kDriverOk));
  }
  if ((added & kDriverOk) != 0 && ((reg_.status | added) & kFeaturesOk) == 0) {
    added &= static_cast<u8>(~kDriverOk);
  }
  reg_.status |= added;
  if ((added & kDriverOk) != 0) {
    activate();
  }
}

void MmioTransport::activate() {
  bool sound = !needs_reset();
  for (Virtqueue& queue : queues_) {
    if (queue.setup.ready && !queue.start(memory_, reg_.driver_features)) {
      sound = false;
    }
  }
  if (!sound) {
    request_reset();
    return;
  }
  active_ = true;
  device_->activate({&memory_, this, queues_, reg_.driver_features});
}

void MmioTransport::notify_queue(u32 index) {
  if (active_ && index < queues_.size() && queues_[index].started() && !needs_reset()) {
    ++notifications_;
    device_->notify(index);
  }
}

void MmioTransport::reset_device() {
  if (active_) {
    device_->deactivate();
    active_ = false;
  }
  for (Virtqueue& queue : queues_) {
    queue.reset();
  }
  reg_ = {};
  const std::lock_guard lock(interrupt_.mutex);
  interrupt_.pending = 0;
  interrupt_.needs_reset = false;
  line_->set_level(false);
}

void MmioTransport::raise(u32 bits) {
  interrupt_.pending |= bits;
  line_->set_level(true);
}

void MmioTransport::acknowledge(u32 bits) {
  const std::lock_guard lock(interrupt_.mutex);
  interrupt_.pending &= ~bits;
  line_->set_level(interrupt_.pending != 0);
}

void MmioTransport::notify_used() {
  const std::lock_guard lock(interrupt_.mutex);
  raise(kUsedInterrupt);
}

void MmioTransport::notify_config() {
  const std::lock_guard lock(interrupt_.mutex);
  ++interrupt_.generation;
  raise(kConfigInterrupt);
}

void MmioTransport::request_reset() {
  const std::lock_guard lock(interrupt_.mutex);
  if (!interrupt_.needs_reset) {
    interrupt_.needs_reset = true;
    raise(kConfigInterrupt);
  }
}

void MmioTransport::pause() {
  const std::lock_guard lock(mutex_);
  device_->pause();
}

void MmioTransport::resume() {
  const std::lock_guard lock(mutex_);
  device_->resume();
}

void MmioTransport::reset() {
  const std::lock_guard lock(mutex_);
  reset_device();
}

std::vector<u8> MmioTransport::save() const {
  const std::lock_guard lock(mutex_);
  StateWriter state(kStateVersion);
  state.put(reg_.status);
  state.put(reg_.device_features_select);
  state.put(reg_.driver_features_select);
  state.put(reg_.driver_features);
  state.put(reg_.queue_select);
  { // not while the device is called, whose own lock comes before this one
    const std::lock_guard interrupt_lock(interrupt_.mutex);
    state.put(interrupt_.pending);
    state.put(interrupt_.generation);
    state.put(interrupt_.needs_reset);
  }
  for (const Virtqueue& queue : queues_) {
    queue.save(state);
  }
  device_->save(state);
  return state.take();
}

kindling::Status MmioTransport::restore(std::span<const u8> state) {
  StateReader reader(state, kStateVersion);
  const std::lock_guard lock(mutex_);
  reset_device();
  reg_.status = reader.get<u8>();
  reg_.device_features_select = reader.get<u32>();
  reg_.driver_features_select = reader.get<u32>();
  reg_.driver_features = reader.get<u64>();
  reg_.queue_select = reader.get<u32>();
  bool queues_sound = true;
  {
    const std::lock_guard interrupt_lock(interrupt_.mutex);
    interrupt_.pending = reader.get<u32>();
    interrupt_.generation = reader.get<u32>();
    interrupt_.needs_reset = reader.get<bool>();
    for (Virtqueue& queue : queues_) {
      queues_sound = queue.restore(reader) && queues_sound;
    }
  }
  const bool device_sound = device_->restore(reader);
  if (kindling::Status whole =
          reader.finish("a virtio device", queues_sound && device_sound && sound());
      !whole) {
    reset_device();
    return whole;
  }
  {
    const std::lock_guard interrupt_lock(interrupt_.mutex);
    line_->set_level(interrupt_.pending != 0);
  }
  if (running() && !needs_reset()) {
    activate();
  }
  return {};
}

// Whether the registers hold what write_status lets them.
bool MmioTransport::sound() const {
  const bool features_ok = (reg_.status & kFeaturesOk) != 0;
  return (reg_.status & ~kDriverStatusBits) == 0 && (!features_ok || features_acceptable()) &&
         (!running() || features_ok);
}

std::vector<Metric> MmioTransport::metrics() const {
  const std::lock_guard lock(mutex_);
  std::vector<Metric> all = device_->metrics();
  all.push_back({"notifications", notifications_});
  return all;
}

} // namespace kindling::devices::virtio
