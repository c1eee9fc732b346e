// SPDX-License-Identifier: Apache-2.0
#include "vmm/guest_helper.h"

#include <array>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "devices/testing/fakes.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/testing/driver.h"

namespace kindling::vmm {
namespace {

namespace virtio = devices::virtio;
using virtio::Console;
using virtio::testing::DriverRing;

constexpr u64 kBase = 0x4000'0000;
constexpr u64 kData = kBase + 0x8000;
constexpr u16 kSize = 8;

// A helper with its device, and a guest that talks to it.
class Helper : public ::testing::Test {
protected:
  Helper() {
    auto owned = std::make_unique<Console>(port, helper, GuestHelper::kPortName);
    helper.connect(*owned);
    transport = std::make_unique<virtio::MmioTransport>(devices::testing::line_to(irq),
                                                        std::move(owned), memory);
    driver.emplace(*transport);
    EXPECT_TRUE(driver->negotiate(virtio::kFeatureVersion1 | virtio::kConsoleMultiport));
    for (u32 i = 0; i < Console::kQueues; ++i) {
      rings.emplace_back(memory, kBase + 0x1000ULL * i, kSize);
      driver->set_queue(i, kSize, rings[i]);
    }
    driver->driver_ok();
    port.wall_ns = 1'700'000'000'000'000'042;
  }

  void transmit(Console::Queue queue, std::span<const u8> bytes) {
    ASSERT_TRUE(memory.write(kData, bytes));
    rings[queue].add(0, {{kData, static_cast<u32>(bytes.size())}});
    driver->set(virtio::testing::kRegQueueNotify, queue);
  }
  void open() {
    transmit(Console::kControlTransmit,
             std::array<u8, 8>{0, 0, 0, 0, virtio::kConsolePortOpen, 0, 1});
  }
  void say(std::string_view text) {
    transmit(Console::kTransmit, {reinterpret_cast<const u8*>(text.data()), text.size()});
  }
  std::string hear() {
    const u64 at = kData + 0x1000;
    rings[Console::kReceive].add(0, {{at, 512, true}});
    driver->set(virtio::testing::kRegQueueNotify, Console::kReceive);
    const auto used = rings[Console::kReceive].take();
    std::string text(used ? used->written : 0, ' ');
    EXPECT_TRUE(memory.read(at, {reinterpret_cast<u8*>(text.data()), text.size()}));
    return text;
  }

  std::vector<std::string> told; // errors of GuestAdjusted
  devices::testing::IrqRecord irq;
  devices::testing::FakeEventPort port;
  std::vector<u8> ram = std::vector<u8>(0x10000);
  devices::GuestMemory memory{kBase, ram};
  GuestHelper helper{port, [this](const MachineEvent& event) {
                       told.push_back(std::get<GuestAdjusted>(event).error);
                     }};
  std::unique_ptr<virtio::MmioTransport> transport;
  std::optional<virtio::testing::Driver> driver;
  std::vector<DriverRing> rings;
};

TEST_F(Helper, TellsTheTimeAndASeed) {
  open();
  helper.restored();
  std::string seed;
  for (int i = 1; i <= 32; ++i) {
    seed += fmt::format("{:02x}", i);
  }
  EXPECT_EQ(hear(), "\nrestored 1700000000.000000042 " + seed + "\n");
  say("done\n");
  EXPECT_EQ(told, std::vector<std::string>{""});
}

TEST_F(Helper, TellsWhoListensLater) {
  helper.restored();
  port.wall_ns += 5'000'000'000;
  open();
  EXPECT_TRUE(hear().starts_with("\nrestored 1700000005."));
  open();
  EXPECT_EQ(hear(), "") << "once";
}

TEST_F(Helper, TellsNothingToAGuestThatBoots) {
  open();
  EXPECT_EQ(hear(), "");
  helper.restored();
  helper.forget();
  say("done\n");
  EXPECT_TRUE(told.empty());
}

TEST_F(Helper, WithoutRandomNumbersThereIsNoSeed) {
  port.no_random = true;
  open();
  helper.restored();
  EXPECT_EQ(hear(), "\nrestored 1700000000.000000042\n");
}

TEST_F(Helper, HearsWhyItFailed) {
  open();
  helper.restored();
  say("ready 1\nnonsense\nfailed clock: not\x1b permitted\n");
  EXPECT_EQ(told, std::vector<std::string>{"clock: not? permitted"});
}

TEST_F(Helper, HearsOneAnswerToEachThingTold) {
  open();
  say("done\n");
  EXPECT_TRUE(told.empty()) << "it was told nothing";
  helper.restored();
  say("do");
  say("ne\ndone\nfailed x\n");
  EXPECT_EQ(told.size(), 1U);
  helper.restored();
  say("done\n");
  EXPECT_EQ(told.size(), 2U);
}

TEST_F(Helper, ALineIsBounded) {
  open();
  helper.restored();
  say("failed " + std::string(10'000, 'x') + "\n");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].size(), GuestHelper::kMostLine - 7);
}

} // namespace
} // namespace kindling::vmm
