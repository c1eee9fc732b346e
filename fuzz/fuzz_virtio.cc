// SPDX-License-Identifier: Apache-2.0
// A hostile driver of the block, entropy and console devices: register accesses of any kind and any
// contents of the memory around the rings. After each input the device must still be usable after a
// reset.
//
// Input: one byte whose bits 0 and 2 choose the device and bit 1 a start with working rings, then
// operations of one opcode byte and their operands.
#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include "devices/testing/fakes.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/console.h"
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
constexpr u64 kRingBytes = 0x400; // of each queue
constexpr u64 kDesired = kFeatureVersion1 | kFeatureIndirect | kFeatureEventIndex | kBlkFlush |
                         kBlkDiscard | kBlkWriteZeroes | kConsoleMultiport;

enum class Kind : u8 { kEntropy, kBlock, kConsole };

// Answers whatever it hears.
class Peer final : public PortPeer {
public:
  void opened() override { answer(); }
  void receive(std::span<const u8> bytes) override {
    heard_ += bytes.size();
    answer();
  }
  void answer() {
    if (device != nullptr) {
      (void)device->send(std::vector<u8>(heard_ % 100));
    }
  }
  Console* device = nullptr;

private:
  size_t heard_ = 1;
};

class Machine {
public:
  explicit Machine(Kind kind)
      : kind_(kind), transport_(devices::testing::line_to(irq_), make(), memory_),
        driver_(transport_) {}

  void start() {
    if (!driver_.negotiate(driver_.device_features() & kDesired)) {
      abort(); // it refused what it offers
    }
    for (u32 i = 0; i < queues(); ++i) {
      driver_.set_queue(i, kSize, ring(i));
    }
    driver_.driver_ok();
  }
  void step(Input& input);
  // A reset device answers a request as a new one does.
  void check();
  void expect_answer(vt::DriverRing& rings, u32 bytes);

private:
  std::unique_ptr<VirtioDevice> make() {
    if (kind_ == Kind::kEntropy) {
      return std::make_unique<Rng>(port_);
    }
    if (kind_ == Kind::kConsole) {
      auto console = std::make_unique<Console>(port_, peer_, "fuzz");
      peer_.device = console.get();
      return console;
    }
    auto disk = std::make_unique<vt::MemoryDisk>(64, false);
    return std::make_unique<Blk>(std::move(disk), port_, "fuzz");
  }
  [[nodiscard]] u32 queues() const { return kind_ == Kind::kConsole ? Console::kQueues : 1; }
  [[nodiscard]] vt::DriverRing ring(u32 queue) const {
    return {memory_, kRings + kRingBytes * queue, kSize};
  }
  [[nodiscard]] u32 any_queue(Input& input) const {
    return queues() == 1 ? 0 : input.take<u8>() % queues();
  }

  const Kind kind_;
  Peer peer_;
  devices::testing::IrqRecord irq_;
  devices::testing::FakeEventPort port_;
  std::vector<u8> ram_ = std::vector<u8>(kRam);
  devices::testing::RecordingDirtyLog log_{kBase, kRam}; // throws outside of RAM
  devices::GuestMemory memory_{kBase, ram_, &log_};
  MmioTransport transport_;
  vt::Driver driver_;
  std::array<u16, Console::kQueues> offered_{};
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
    vt::DriverRing rings = ring(any_queue(input));
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
    const u32 queue = any_queue(input);
    transport_.pause();
    vt::DriverRing rings = ring(queue);
    rings.next_avail = offered_[queue]++;
    rings.offer(input.take<u8>() % (kSize + 1));
    transport_.resume();
    driver_.set(vt::kRegQueueNotify, queue);
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
  start();
  if (kind_ == Kind::kConsole) { // that it is ready is answered by the port
    vt::DriverRing answers = ring(Console::kControlReceive);
    answers.add(0, {{kBase + 0x2000, 21, true}});
    vt::DriverRing messages = ring(Console::kControlTransmit);
    messages.put<u64>(kBase + 0x1000, 1ULL << 48);
    messages.add(0, {{kBase + 0x1000, 8}});
    driver_.set(vt::kRegQueueNotify, Console::kControlTransmit);
    expect_answer(answers, 8);
    return;
  }
  vt::DriverRing rings = ring(0);
  rings.put<u32>(kBase + 0x1000, kBlkGetId);
  rings.add(0, {{kBase + 0x1000, 16}, {kBase + 0x2000, 21, true}});
  driver_.notify();
  expect_answer(rings, 21);
}

void Machine::expect_answer(vt::DriverRing& rings, u32 bytes) {
  irq_.wait_until_high();
  const auto used = rings.take();
  if (!used || used->written != bytes || driver_.get(vt::kRegStatus) != 0x0f) {
    abort();
  }
}

} // namespace
} // namespace kindling::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kindling::fuzz::Input input(data, size);
  const auto mode = input.take<uint8_t>();
  using kindling::fuzz::Kind;
  kindling::fuzz::Machine machine((mode & 4) != 0   ? Kind::kConsole
                                  : (mode & 1) != 0 ? Kind::kBlock
                                                    : Kind::kEntropy);
  if ((mode & 2) != 0) {
    machine.start();
  }
  while (!input.empty()) {
    machine.step(input);
  }
  machine.check();
  return 0;
}
