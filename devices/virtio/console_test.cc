// SPDX-License-Identifier: Apache-2.0
// The console device's port behind the MMIO transport, seen from a driver and from its peer.
#include "devices/virtio/console.h"

#include <array>

#include <gtest/gtest.h>

#include "devices/testing/fakes.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/testing/driver.h"

namespace kindling::devices::virtio {
namespace {

using devices::testing::FakeEventPort;
using devices::testing::IrqRecord;
using devices::testing::line_to;
using testing::DriverRing;

constexpr u64 kBase = 0x4000'0000;
constexpr u64 kData = kBase + 0x8000;
constexpr size_t kRam = 0x30000;
constexpr u16 kSize = 8;
constexpr u32 kBuffer = 64; // bytes of each that the driver offers

class Peer final : public PortPeer {
public:
  void opened() override {
    ++openings;
    if (device != nullptr) {
      EXPECT_TRUE(device->send(std::array<u8, 2>{'h', 'i'})); // both may be done from here
    }
  }
  void receive(std::span<const u8> bytes) override {
    received.append(bytes.begin(), bytes.end());
    ++calls;
  }

  Console* device = nullptr;
  std::string received;
  int openings = 0;
  int calls = 0;
};

// A machine with the device, and its driver.
struct Side {
  explicit Side(Peer& peer) {
    auto owned = std::make_unique<Console>(port, peer, "org.test");
    console = owned.get();
    transport = std::make_unique<MmioTransport>(line_to(irq), std::move(owned), memory);
    driver.emplace(*transport);
  }

  IrqRecord irq;
  FakeEventPort port;
  std::vector<u8> ram = std::vector<u8>(kRam);
  GuestMemory memory{kBase, ram};
  Console* console = nullptr;
  std::unique_ptr<MmioTransport> transport;
  std::optional<testing::Driver> driver;
};

class Port : public ::testing::Test {
protected:
  void start(u64 features = kFeatureVersion1 | kConsoleMultiport) {
    ASSERT_TRUE(side.driver->negotiate(features));
    for (u32 i = 0; i < Console::kQueues; ++i) {
      rings.emplace_back(side.memory, kBase + 0x1000ULL * i, kSize);
      side.driver->set_queue(i, kSize, rings[i]);
    }
    side.driver->driver_ok();
  }
  void notify(Console::Queue queue) { side.driver->set(testing::kRegQueueNotify, queue); }
  // Sends `bytes` in one chain.
  void transmit(Console::Queue queue, std::span<const u8> bytes) {
    ASSERT_TRUE(side.memory.write(kData, bytes));
    rings[queue].add(0, {{kData, static_cast<u32>(bytes.size())}});
    notify(queue);
    ASSERT_TRUE(rings[queue].take().has_value());
  }
  void control(u16 event, u16 value, u32 id = 0) {
    std::array<u8, 8> message{};
    std::memcpy(message.data(), &id, 4);
    std::memcpy(message.data() + 4, &event, 2);
    std::memcpy(message.data() + 6, &value, 2);
    transmit(Console::kControlTransmit, message);
  }
  void transmit_text(std::string_view text) {
    transmit(Console::kTransmit, {reinterpret_cast<const u8*>(text.data()), text.size()});
  }
  // Offers a buffer; what came back in it, or "-" when nothing did.
  std::string receive(Console::Queue queue, u32 length = kBuffer) {
    const u64 at = kData + 0x1000;
    rings[queue].add(0, {{at, length, true}});
    notify(queue);
    const auto used = rings[queue].take();
    if (!used) {
      return "-";
    }
    std::string bytes(used->written, ' ');
    EXPECT_TRUE(side.memory.read(at, {reinterpret_cast<u8*>(bytes.data()), bytes.size()}));
    return bytes;
  }
  void open_port() {
    control(kConsoleDeviceReady, 1);
    control(kConsolePortReady, 1);
    for (int i = 0; i < 3; ++i) {
      EXPECT_NE(receive(Console::kControlReceive), "-");
    }
    control(kConsolePortOpen, 1);
  }
  static std::string message(u16 event, std::string_view more = "") {
    std::string bytes(8, '\0');
    bytes[4] = static_cast<char>(event);
    bytes[6] = 1;
    return bytes.append(more);
  }
  bool send(std::string_view text) {
    return side.console->send({reinterpret_cast<const u8*>(text.data()), text.size()});
  }

  Peer peer;
  Side side{peer};
  std::vector<DriverRing> rings;
};

TEST_F(Port, ConfigurationSaysOnePort) {
  EXPECT_EQ(side.driver->get(testing::kRegDeviceId), 3U);
  EXPECT_EQ(side.driver->get(testing::kRegConfig + 4), 1U);
  EXPECT_EQ(side.driver->get(testing::kRegConfig + 12), 0U);
}

TEST_F(Port, IsAnnouncedWithItsNameAndOpen) {
  start();
  EXPECT_EQ(receive(Console::kControlReceive), "-") << "nobody has asked";
  control(kConsoleDeviceReady, 1);
  EXPECT_TRUE(side.irq.high());
  EXPECT_EQ(rings[Console::kControlReceive].take()->written, 8U); // the buffer from before
  control(kConsolePortReady, 1);
  EXPECT_EQ(receive(Console::kControlReceive), message(kConsolePortName, "org.test"));
  EXPECT_EQ(receive(Console::kControlReceive), message(kConsolePortOpen));
}

TEST_F(Port, MessagesWaitForBuffers) {
  start();
  control(kConsoleDeviceReady, 1);
  control(kConsolePortReady, 1);
  EXPECT_EQ(receive(Console::kControlReceive), message(kConsoleDeviceAdd));
  EXPECT_EQ(receive(Console::kControlReceive), message(kConsolePortName, "org.test"));
  EXPECT_EQ(receive(Console::kControlReceive), message(kConsolePortOpen));
  EXPECT_EQ(receive(Console::kControlReceive), "-");
}

TEST_F(Port, WhatMakesNoSenseIsIgnored) {
  start();
  control(kConsoleDeviceReady, 0); // the driver could not
  control(kConsolePortReady, 1, 7);
  control(99, 1);
  transmit(Console::kControlTransmit, std::array<u8, 3>{});
  control(kConsolePortOpen, 1, 1);
  EXPECT_EQ(receive(Console::kControlReceive), "-");
  EXPECT_EQ(peer.openings, 0);
  EXPECT_FALSE(send("x"));
}

TEST_F(Port, ABufferThatIsTooSmallGetsNothing) {
  start();
  control(kConsoleDeviceReady, 1);
  EXPECT_EQ(receive(Console::kControlReceive, 7), "");
}

TEST_F(Port, CarriesBytesBothWays) {
  start();
  EXPECT_FALSE(send("x")) << "nobody listens";
  open_port();
  EXPECT_EQ(peer.openings, 1);
  transmit_text("hello");
  transmit_text(" host");
  EXPECT_EQ(peer.received, "hello host");
  EXPECT_TRUE(send("hello guest"));
  EXPECT_EQ(receive(Console::kReceive, 7), "hello g");
  EXPECT_EQ(receive(Console::kReceive), "uest");
  EXPECT_EQ(receive(Console::kReceive), "-");
  EXPECT_TRUE(send("!")) << "into the buffer that waits";
  EXPECT_EQ(rings[Console::kReceive].take()->written, 1U);
}

TEST_F(Port, ThePeerMaySendWhileItIsCalled) {
  peer.device = side.console;
  start();
  open_port();
  EXPECT_EQ(receive(Console::kReceive), "hi");
}

TEST_F(Port, WhatWaitsForTheGuestIsBounded) {
  start();
  open_port();
  EXPECT_TRUE(send(std::string(Console::kMostUnsent - 1, 'a')));
  EXPECT_FALSE(send("bc"));
  EXPECT_TRUE(send("d"));
  EXPECT_FALSE(send("e"));
}

TEST_F(Port, ForgetsWhatWasForAProgramThatHasClosedIt) {
  start();
  open_port();
  EXPECT_TRUE(send("secret"));
  control(kConsolePortOpen, 0);
  EXPECT_FALSE(send("x"));
  control(kConsolePortOpen, 1);
  EXPECT_EQ(peer.openings, 2);
  EXPECT_EQ(receive(Console::kReceive), "-");
}

TEST_F(Port, AChainBringsNoMoreThanAllowed) {
  start();
  std::vector<u8> many(Console::kMostReceived + 100, 'a');
  transmit(Console::kTransmit, many);
  EXPECT_EQ(peer.received.size(), Console::kMostReceived);
  EXPECT_EQ(peer.calls, 1);
}

TEST_F(Port, WithoutMultiportItIsMute) {
  start(kFeatureVersion1);
  transmit_text("console output");
  EXPECT_EQ(peer.received, "");
  rings[Console::kControlTransmit].add(0, {{kData, 8}}); // a queue that it does not have
  notify(Console::kControlTransmit);
  EXPECT_FALSE(rings[Console::kControlTransmit].take().has_value());
  EXPECT_FALSE(send("x"));
}

TEST_F(Port, DoesNothingWhilePaused) {
  start();
  open_port();
  side.transport->pause();
  EXPECT_TRUE(send("later"));
  rings[Console::kReceive].add(0, {{kData, kBuffer, true}});
  notify(Console::kReceive);
  EXPECT_FALSE(rings[Console::kReceive].take().has_value());
  side.transport->resume();
  EXPECT_EQ(rings[Console::kReceive].take()->written, 5U);
}

TEST_F(Port, GoesOnFromSavedState) {
  start();
  open_port();
  EXPECT_TRUE(send("unsent"));
  control(kConsolePortReady, 1); // owes a name and that it is open
  side.transport->pause();
  const std::vector<u8> state = side.transport->save();

  Peer other_peer;
  Side other(other_peer);
  other.ram = side.ram;
  other.transport->pause();
  ASSERT_TRUE(other.transport->restore(state).ok());
  EXPECT_EQ(other.transport->save(), state);
  EXPECT_TRUE(other.console->send(std::array<u8, 1>{'!'}));
  DriverRing ring = rings[Console::kReceive];
  DriverRing rest(other.memory, ring.descriptors, kSize);
  rest.next_avail = ring.next_avail;
  rest.next_used = ring.next_used;
  rest.add(0, {{kData, kBuffer, true}});
  other.transport->resume();
  EXPECT_EQ(rest.take()->written, 7U);
  EXPECT_EQ(other_peer.openings, 0) << "it was open before";
}

TEST_F(Port, RefusesStateThatItCannotHaveSaved) {
  start();
  std::vector<u8> state = side.transport->save();
  // The device's own part is the last: u8 owed, bool open, u32 length.
  state[state.size() - 6] = 0xff;
  EXPECT_FALSE(side.transport->restore(state).ok());
}

TEST_F(Port, AResetClosesIt) {
  start();
  open_port();
  side.driver->set(testing::kRegStatus, 0);
  EXPECT_FALSE(send("x"));
}

} // namespace
} // namespace kindling::devices::virtio
