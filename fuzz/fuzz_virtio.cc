// SPDX-License-Identifier: Apache-2.0
// A hostile driver of the block and entropy devices: register accesses of any kind and any contents
// of the memory around the rings. After each input the device must still be usable after a reset.
//
// Input: one byte whose bit 0 chooses the device and bit 1 a start with working rings, then
// operations of one opcode byte and their operands.
#include <cstdlib>
#include <memory>
#include <vector>

#include "devices/testing/fakes.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/rng.h"
#include "devices/virtio/testing/driver.h"
#include "devices/virtio/testing/memory_disk.h"
#include "fuzz/input.h"

namespace kindling::fuzz {
namespace {

using namespace devices::virtio;
namespace vt = devices::virtio::testing;

constexpr u64 kBase = 0x4000'0000;
constexpr size_t kRam = 0x8000;
constexpr u16 kSize = 16;
constexpr u64 kRings = kBase;
constexpr u64 kDesired = kFeatureVersion1 | kFeatureIndirect | kFeatureEventIndex | kBlkFlush |
                         kBlkDiscard | kBlkWriteZeroes;

class Machine {
public:
  explicit Machine(bool block)
      : transport_(devices::testing::line_to(irq_), make(block), memory_), driver_(transport_) {}

  void start() {
    if (!driver_.negotiate(driver_.device_features() & kDesired)) {
      abort(); // it refused what it offers
    }
    driver_.set_queue(0, kSize, ring());
    driver_.driver_ok();
  }
  void step(Input& input);
  // A reset device answers a request as a new one does.
  void check();

private:
  std::unique_ptr<VirtioDevice> make(bool block) {
    if (!block) {
      return std::make_unique<Rng>(port_);
    }
    auto disk = std::make_unique<vt::MemoryDisk>(64, false);
    return std::make_unique<Blk>(std::move(disk), port_, "fuzz");
  }
  [[nodiscard]] vt::DriverRing ring() const { return {memory_, kRings, kSize}; }

  devices::testing::IrqRecord irq_;
  devices::testing::FakeEventPort port_;
  std::vector<u8> ram_ = std::vector<u8>(kRam);
  devices::testing::RecordingDirtyLog log_{kBase, kRam}; // throws outside of RAM
  devices::GuestMemory memory_{kBase, ram_, &log_};
  MmioTransport transport_;
  vt::Driver driver_;
  u16 offered_ = 0;
};

void Machine::step(Input& input) {
  switch (input.take<u8>() % 8) {
  case 0: driver_.set(input.take<u8>() * 4U, input.take<u32>()); break;
  case 1:
    transport_.write(input.take<u16>() & 0xfff, 1U << (input.take<u8>() & 3), input.take<u64>());
    break;
  case 2: transport_.read(input.take<u16>() & 0xfff, 1U << (input.take<u8>() & 3)); break;
  case 3: { // memory
    transport_.pause();
    const u64 at = kBase + input.take<u16>() % kRam;
    (void)memory_.write(at, input.bytes(1 + input.take<u8>() % 64));
    transport_.resume();
    break;
  }
  case 4: { // a descriptor with a small number for an address
    transport_.pause();
    vt::DriverRing rings = ring();
    const u8 index = input.take<u8>() % kSize;
    const u64 address = kBase + input.take<u16>();
    const u32 length = input.take<u16>();
    const u8 flags = input.take<u8>();
    rings.put_descriptor(rings.descriptors, index, {address, length, (flags & 2) != 0}, flags & 7,
                         input.take<u8>() % (kSize + 1));
    transport_.resume();
    break;
  }
  case 5: { // more available
    transport_.pause();
    vt::DriverRing rings = ring();
    rings.next_avail = offered_++;
    rings.offer(input.take<u8>() % (kSize + 1));
    transport_.resume();
    driver_.notify();
    break;
  }
  case 6: { // saved and restored
    transport_.pause();
    const std::vector<u8> state = transport_.save();
    if (!transport_.restore(state)) {
      abort();
    }
    transport_.resume();
    break;
  }
  default: start(); break;
  }
}

void Machine::check() {
  driver_.set(vt::kRegStatus, 0);
  std::fill(ram_.begin(), ram_.end(), u8{0});
  vt::DriverRing rings = ring();
  start();
  rings.put<u32>(kBase + 0x1000, kBlkGetId);
  rings.add(0, {{kBase + 0x1000, 16}, {kBase + 0x2000, 21, true}});
  driver_.notify();
  irq_.wait_until_high();
  const auto used = rings.take();
  if (!used || used->written != 21 || driver_.get(vt::kRegStatus) != 0x0f) {
    abort();
  }
}

} // namespace
} // namespace kindling::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kindling::fuzz::Input input(data, size);
  const auto mode = input.take<uint8_t>();
  kindling::fuzz::Machine machine((mode & 1) != 0);
  if ((mode & 2) != 0) {
    machine.start();
  }
  while (!input.empty()) {
    machine.step(input);
  }
  machine.check();
  return 0;
}
