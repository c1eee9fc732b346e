// SPDX-License-Identifier: Apache-2.0
// Guest accesses and saved states of any contents against the UART, the clock and the boot timer.
#include <cstdlib>
#include <memory>
#include <vector>

#include "devices/boot_timer.h"
#include "devices/pl031.h"
#include "devices/serial16550.h"
#include "devices/testing/fakes.h"
#include "fuzz/input.h"

namespace kindling::fuzz {
namespace {

struct World {
  devices::testing::IrqRecord irq;
  devices::testing::FakeEventPort port;
  devices::ConsoleQueue input;
  devices::testing::RecordingOutput output;
};

std::unique_ptr<devices::MmioDevice> make(u8 kind, World& world) {
  switch (kind % 3) {
  case 0:
    return std::make_unique<devices::Serial16550>(
        devices::testing::line_to(world.irq),
        devices::Serial16550::Wiring{world.port, world.input, world.output});
  case 1: return std::make_unique<devices::Pl031>(devices::testing::line_to(world.irq), world.port);
  default: return std::make_unique<devices::BootTimer>(world.port, [](u64) {});
  }
}

void step(devices::MmioDevice& device, World& world, Input& input) {
  const u8 op = input.take<u8>();
  const unsigned size = 1U << (op >> 6);
  switch (op % 8) {
  case 0: device.write(input.take<u8>() % 32, size, input.take<u8>()); break;
  case 1: device.write(input.take<u16>() & 0xfff, size, input.take<u64>()); break;
  case 2: {
    const u64 value = device.read(input.take<u16>() & 0xfff, size);
    if (size < 8 && value >> (8 * size) != 0 && size >= 4) {
      abort();
    }
    break;
  }
  case 3: world.input.push(input.bytes(input.take<u8>())); break;
  case 4: world.port.wall_ns += input.take<u32>() * 1'000'000ULL; break;
  case 5: (void)device.restore(input.bytes(input.take<u8>())); break;
  case 6: device.reset(); break;
  default:
    if (!device.restore(device.save())) {
      abort();
    }
    break;
  }
}

} // namespace
} // namespace kindling::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kindling::fuzz::Input input(data, size);
  kindling::fuzz::World world;
  const auto device = kindling::fuzz::make(input.take<uint8_t>(), world);
  while (!input.empty()) {
    kindling::fuzz::step(*device, world, input);
  }
  return 0;
}
