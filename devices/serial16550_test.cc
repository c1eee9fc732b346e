// SPDX-License-Identifier: Apache-2.0
#include "devices/serial16550.h"

#include <thread>

#include <gtest/gtest.h>

#include "devices/testing/fakes.h"

namespace kindling::devices {
namespace {

enum Reg : u64 { kData, kIer, kIir, kLcr, kMcr, kLsr, kMsr, kScr };
constexpr u64 kFcr = kIir;

class Serial : public ::testing::Test {
protected:
  u8 get(u64 reg) { return static_cast<u8>(uart.read(reg, 1)); }
  void set(u64 reg, u8 value) { uart.write(reg, 1, value); }
  void type(const std::string& text) {
    ASSERT_EQ(input.push({reinterpret_cast<const u8*>(text.data()), text.size()}), text.size());
    uart.input_ready();
  }

  testing::IrqRecord irq;
  testing::FakeEventPort port;
  ConsoleQueue input;
  testing::RecordingOutput output;
  Serial16550 uart{testing::line_to(irq), {port, input, output}};
};

TEST_F(Serial, ResetState) {
  EXPECT_EQ(get(kIer), 0);
  EXPECT_EQ(get(kIir), 0x01);
  EXPECT_EQ(get(kLcr), 0);
  EXPECT_EQ(get(kMcr), 0);
  EXPECT_EQ(get(kLsr), 0x60);
  EXPECT_EQ(get(kMsr), 0xb0);
  EXPECT_FALSE(irq.high());
}

TEST_F(Serial, RegistersKeepTheirBits) {
  set(kIer, 0xff);
  EXPECT_EQ(get(kIer), 0x0f);
  set(kMcr, 0xff);
  EXPECT_EQ(get(kMcr), 0x1f);
  set(kScr, 0x5a);
  EXPECT_EQ(get(kScr), 0x5a);
  set(kLcr, 0x83);
  set(kData, 0x34);
  set(kIer, 0x12);
  EXPECT_EQ(get(kData), 0x34);
  EXPECT_EQ(get(kIer), 0x12);
  set(kLcr, 0x03);
  EXPECT_EQ(get(kIer), 0x0f);
  EXPECT_EQ(output.text(), "") << "the divisor is not data";
  EXPECT_EQ(uart.read(8, 1), 0U);
  EXPECT_EQ(uart.read(0xfff, 1), 0U);
  uart.write(0xff8, 8, ~0ULL);
}

TEST_F(Serial, WideAccessesReachOneRegister) {
  uart.write(kData, 4, 0x44434241);
  EXPECT_EQ(output.text(), "A");
  EXPECT_EQ(uart.read(kLsr, 4), 0x60U);
}

TEST_F(Serial, TransmitInterruptIsLatched) {
  set(kIer, 2);
  EXPECT_TRUE(irq.high()) << "THR is empty when the interrupt is enabled";
  EXPECT_EQ(get(kIir), 0x02);
  EXPECT_FALSE(irq.high()) << "reading IIR acknowledges it";
  EXPECT_EQ(get(kIir), 0x01);
  set(kIer, 2);
  EXPECT_EQ(get(kIir), 0x01) << "it was enabled already";
  set(kIer, 0);
  set(kIer, 2);
  EXPECT_EQ(get(kIir), 0x02) << "enabled anew";
  set(kData, 'x');
  EXPECT_TRUE(irq.high());
  EXPECT_EQ(get(kIir), 0x02) << "sent";
  EXPECT_EQ(get(kLsr), 0x60);
  EXPECT_EQ(output.text(), "x");
}

TEST_F(Serial, ReceivesWithoutFifo) {
  type("ab");
  set(kIer, 1);
  EXPECT_EQ(get(kIir), 0x04);
  EXPECT_EQ(get(kLsr), 0x61);
  EXPECT_EQ(get(kData), 'a');
  EXPECT_EQ(get(kData), 'b');
  EXPECT_EQ(get(kLsr), 0x60);
  EXPECT_EQ(get(kData), 0);
  EXPECT_FALSE(irq.high());
}

TEST_F(Serial, TriggerLevelAndTimeout) {
  const std::pair<u8, size_t> levels[] = {{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xc1, 14}};
  set(kMcr, 2);
  for (const auto& [fcr, level] : levels) {
    set(kIer, 1);
    set(kFcr, fcr);
    type(std::string(16, 'x'));
    for (size_t left = 16; left > 0; --left) {
      EXPECT_TRUE(irq.high());
      EXPECT_EQ(get(kIir), left >= level ? 0xc4 : 0xcc) << level << " " << left;
      EXPECT_EQ(get(kData), 'x');
    }
    EXPECT_EQ(get(kIir), 0xc1);
    EXPECT_FALSE(irq.high());
  }
}

TEST_F(Serial, InterruptPriorities) {
  set(kIer, 0x0f);
  set(kMcr, 0x10); // loopback: the modem lines drop, which raises their interrupt
  set(kData, 'a');
  set(kData, 'b'); // overrun
  EXPECT_EQ(get(kIir), 0x06);
  EXPECT_EQ(get(kLsr), 0x63);
  EXPECT_EQ(get(kLsr), 0x61) << "reading LSR clears OE";
  EXPECT_EQ(get(kIir), 0x04);
  EXPECT_EQ(get(kData), 'b') << "without FIFOs the newer byte stays";
  EXPECT_EQ(get(kIir), 0x02);
  EXPECT_EQ(get(kIir), 0x00);
  EXPECT_EQ(get(kMsr), 0x0b);
  EXPECT_EQ(get(kIir), 0x01);
  EXPECT_FALSE(irq.high());
  EXPECT_EQ(output.text(), "") << "loopback sends nothing";
}

TEST_F(Serial, LoopbackModemLines) {
  set(kMcr, 0x10);
  get(kMsr);
  set(kMcr, 0x10 | 0x02);
  EXPECT_EQ(get(kMsr), 0x11);
  EXPECT_EQ(get(kMsr), 0x10);
  set(kMcr, 0x10 | 0x01);
  EXPECT_EQ(get(kMsr), 0x23);
  set(kMcr, 0x10 | 0x04);
  EXPECT_EQ(get(kMsr), 0x42) << "a ring that begins is no event";
  set(kMcr, 0x10 | 0x08);
  EXPECT_EQ(get(kMsr), 0x8c) << "a ring that ends is";
  set(kMcr, 0x00);
  EXPECT_EQ(get(kMsr) & 0xf0, 0xb0);
}

TEST_F(Serial, LoopbackFifoOverrunKeepsTheOldBytes) {
  set(kFcr, 0x01);
  set(kMcr, 0x10);
  for (u8 i = 0; i < 17; ++i) {
    set(kData, i);
  }
  EXPECT_EQ(get(kLsr), 0x63);
  for (u8 i = 0; i < 16; ++i) {
    EXPECT_EQ(get(kData), i);
  }
  EXPECT_EQ(get(kLsr), 0x60);
}

TEST_F(Serial, LoopbackKeepsTheConsoleOut) {
  set(kMcr, 0x10);
  set(kIer, 1);
  type("abc");
  EXPECT_EQ(get(kLsr), 0x60);
  set(kMcr, 0x02);
  EXPECT_EQ(get(kData), 'a');
}

TEST_F(Serial, FifoControl) {
  EXPECT_EQ(get(kIir), 0x01);
  set(kFcr, 0x01);
  EXPECT_EQ(get(kIir), 0xc1);
  set(kFcr, 0xc0);
  EXPECT_EQ(get(kIir), 0x01);
  set(kFcr, 0x01);
  set(kMcr, 0x10);
  set(kData, 'x');
  set(kFcr, 0x03);
  EXPECT_EQ(get(kLsr), 0x60) << "the receive FIFO is cleared";
  set(kData, 'y');
  set(kFcr, 0x05);
  EXPECT_EQ(get(kData), 'y') << "clearing the transmit FIFO leaves it";
  set(kData, 'z');
  set(kFcr, 0x00);
  EXPECT_EQ(get(kLsr), 0x60) << "so does switching the FIFOs clear it";
}

TEST_F(Serial, BytesWaitUntilTheGuestIsReady) {
  set(kMcr, 0x08);
  type("hello");
  EXPECT_EQ(get(kLsr), 0x60);
  set(kMcr, 0x0a); // RTS
  EXPECT_EQ(get(kLsr), 0x61);
  EXPECT_EQ(get(kData), 'h');
}

// What a driver does as it starts: it polls, tests, clears the FIFOs and reads whatever is there.
TEST_F(Serial, NothingTypedEarlyIsLost) {
  const std::string text = "early bytes, more of them than a FIFO holds";
  type(text);
  get(kLsr);
  set(kFcr, 0x01);
  set(kMcr, 0x18);
  set(kMcr, 0x08);
  set(kFcr, 0x07);
  set(kFcr, 0x00);
  get(kData);
  set(kFcr, 0x81);
  get(kData);
  set(kIer, 1);
  std::string received;
  while ((get(kLsr) & 1) != 0) {
    received.push_back(static_cast<char>(get(kData)));
  }
  EXPECT_EQ(received, text);
}

// Linux enables the interrupt, then switches the FIFOs, which clears them (8.5), then turns on RTS.
TEST_F(Serial, NothingIsLostWhileADriverEnablesTheReceiver) {
  const std::string text = "early bytes, more of them than a FIFO holds";
  set(kMcr, 0x08);
  type(text);
  set(kIer, 5);
  set(kFcr, 0x81);
  set(kMcr, 0x0b);
  std::string received;
  while ((get(kLsr) & 1) != 0) {
    received.push_back(static_cast<char>(get(kData)));
  }
  EXPECT_EQ(received, text);
}

TEST_F(Serial, AReadyGuestMayClearWhatCame) {
  set(kFcr, 0x01);
  set(kMcr, 0x02);
  type("0123456789abcdefXYZ");
  set(kFcr, 0x03);
  EXPECT_EQ(get(kData), 'X');
}

TEST_F(Serial, BackpressureLosesNothing) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) {
    text.push_back(static_cast<char>('a' + i % 26));
  }
  set(kFcr, 0xc1);
  set(kIer, 1);
  std::thread typist([&] {
    for (size_t sent = 0; sent < text.size();) {
      const size_t size = std::min<size_t>(1000, text.size() - sent);
      sent += input.push({reinterpret_cast<const u8*>(text.data()) + sent, size});
      uart.input_ready();
    }
  });
  std::string received;
  while (received.size() < text.size()) {
    if ((get(kLsr) & 1) != 0) {
      received.push_back(static_cast<char>(get(kData)));
    }
  }
  typist.join();
  EXPECT_EQ(received, text);
  EXPECT_EQ(get(kLsr), 0x60) << "no overrun";
}

TEST_F(Serial, PausedItTakesNothing) {
  set(kIer, 1);
  uart.pause();
  type("x");
  EXPECT_FALSE(irq.high());
  uart.resume();
  EXPECT_TRUE(irq.high());
}

TEST_F(Serial, SaveAndRestore) {
  set(kFcr, 0xc1);
  set(kLcr, 0x83);
  set(kData, 12);
  set(kLcr, 0x03);
  set(kIer, 1);
  type("0123456789abcdefXYZ");
  set(kScr, 99);
  const std::vector<u8> state = uart.save();

  testing::IrqRecord irq2;
  ConsoleQueue input2;
  Serial16550 copy(testing::line_to(irq2), {port, input2, output});
  ASSERT_TRUE(copy.restore(state).ok());
  EXPECT_TRUE(irq2.high());
  EXPECT_EQ(copy.save(), state);
  EXPECT_EQ(copy.read(kScr, 1), 99U);
  EXPECT_EQ(copy.read(kIir, 1), 0xc4U);
  for (const char c : std::string("0123456789abcdef")) {
    EXPECT_EQ(copy.read(kData, 1), static_cast<u64>(c));
  }
  for (size_t length = 0; length < state.size(); ++length) {
    EXPECT_FALSE(copy.restore(std::span(state).first(length)).ok());
  }
  std::vector<u8> damaged = state;
  damaged[4] = 0xff; // IER
  EXPECT_FALSE(copy.restore(damaged).ok());
}

TEST_F(Serial, ResetKeepsWhatWasNotReceived) {
  set(kMcr, 0);
  set(kIer, 2);
  type("later");
  uart.reset();
  EXPECT_FALSE(irq.high());
  EXPECT_EQ(get(kIer), 0);
  set(kIer, 1);
  EXPECT_EQ(get(kData), 'l');
}

TEST(ConsoleQueue, TellsOfSpaceOnceItRefused) {
  int calls = 0;
  ConsoleQueue queue([&] { ++calls; }, 4);
  const u8 bytes[] = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(queue.push({bytes, 3}), 3U);
  u8 got[8] = {};
  EXPECT_EQ(queue.read({got, 1}), 1U);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(queue.push({bytes, 6}), 2U);
  EXPECT_EQ(queue.read({got, 8}), 4U);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(got[0], 2);
  EXPECT_EQ(got[3], 2);
  EXPECT_EQ(queue.read({got, 8}), 0U);
  EXPECT_EQ(calls, 1);
}

} // namespace
} // namespace kindling::devices
