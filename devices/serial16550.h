// SPDX-License-Identifier: Apache-2.0
// A 16550A UART (National Semiconductor PC16550D data sheet; section numbers below are its own),
// registers one byte apart.
//
// The line is infinitely fast: a byte written to THR has left when the write returns, and the
// receive FIFO is filled as soon as it has room. The sender honours RTS as hardware flow control
// does: it sends while RTS is on or the receive interrupt is enabled, or as long as the guest never
// wrote MCR (it polls); otherwise bytes wait. Bytes that the guest clears from the FIFO while RTS
// is off go back to the sender, which need not have sent them: nothing typed is lost while a driver
// starts. With RTS on they are lost, as the guest wants it. Breaks, parity and framing errors do
// not occur; an overrun does in loopback mode only.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <mutex>

#include "devices/console.h"
#include "devices/device.h"
#include "devices/event_port.h"
#include "devices/irq_line.h"

namespace kindling::devices {

class Serial16550 final : public MmioDevice {
public:
  static constexpr u32 kClockHz = 1'843'200;

  struct Wiring {
    EventPort& port;
    ConsoleInput& input;
    ConsoleOutput& output;
  };
  // All of `wiring` outlives the device.
  Serial16550(std::unique_ptr<IrqLine> line, Wiring wiring);

  // The input has bytes that it did not have. Any thread.
  void input_ready();

  // The device tree path of a UART in `slot`, for stdout-path.
  static std::string fdt_path(const DeviceSlot& slot);

  // Accesses wider than a byte reach the register at their offset and none beside it.
  u64 read(u64 offset, unsigned size) override;
  void write(u64 offset, unsigned size, u64 value) override;
  void describe(arch::FdtBuilder& fdt, const DeviceSlot& slot) const override;
  void pause() override;
  void resume() override;
  [[nodiscard]] std::vector<u8> save() const override;
  Status restore(std::span<const u8> state) override;
  void reset() override;
  [[nodiscard]] std::vector<Metric> metrics() const override;

private:
  static constexpr size_t kFifoSize = 16;

  // The registers, in the state of a master reset (8.0, table III).
  struct Registers {
    u8 ier = 0;
    u8 lcr = 0;
    u8 mcr = 0;
    u8 lsr = 0x60; // THRE, TEMT; DR is derived from the FIFO
    u8 msr_delta = 0;
    u8 scr = 0;
    u8 dll = 1; // 115200 baud
    u8 dlm = 0;
    u8 fcr = 0; // FIFO enable and trigger level
    bool thre_pending = false;
    bool mcr_written = false;
  };

  [[nodiscard]] u8 read_register(u64 offset);
  // Whether `value` went into THR to be sent out.
  bool write_register(u64 offset, u8 value);
  u8 read_rbr();
  u8 read_iir();
  u8 read_lsr();
  u8 read_msr();
  bool transmit(u8 value);
  void receive_loopback(u8 value);
  void write_ier(u8 value);
  void write_fcr(u8 value);
  void write_mcr(u8 value);
  void clear_receiver();

  [[nodiscard]] bool fifo_enabled() const;
  [[nodiscard]] size_t capacity() const;
  [[nodiscard]] size_t trigger() const;
  [[nodiscard]] bool loopback() const;
  [[nodiscard]] bool ready_to_receive() const;
  [[nodiscard]] u8 modem_lines() const;
  // Bits 3..0 of IIR: the pending interrupt of the highest priority.
  [[nodiscard]] u8 pending() const;

  void fill();
  void update_line();

  const std::unique_ptr<IrqLine> line_;
  const Wiring wiring_;

  mutable std::mutex mutex_;
  Registers reg_;
  std::deque<u8> fifo_;
  std::deque<u8> held_; // at the sender, ahead of the input
  bool paused_ = false;
  u64 received_ = 0;
  u64 sent_ = 0;
};

} // namespace kindling::devices
