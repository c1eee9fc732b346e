// SPDX-License-Identifier: Apache-2.0
#include "devices/serial16550.h"

#include <algorithm>

#include <fmt/format.h>

#include "devices/state.h"

namespace kindling::devices {
namespace {

enum Offset : u64 { kRbrThrDll, kIerDlm, kIirFcr, kLcr, kMcr, kLsr, kMsr, kScr };

enum Ier : u8 {
  kIerReceive = 1,
  kIerTransmit = 2,
  kIerLineStatus = 4,
  kIerModem = 8,
  kIerAll = 15
};
enum Iir : u8 {
  kIirModem = 0,
  kIirNone = 1,
  kIirTransmit = 2,
  kIirReceive = 4,
  kIirLineStatus = 6,
  kIirTimeout = 12,
  kIirFifos = 0xc0
};
enum Fcr : u8 { kFcrEnable = 1, kFcrClearReceiver = 2, kFcrTrigger = 0xc0 };
enum Lcr : u8 { kLcrDlab = 0x80 };
enum Mcr : u8 { kMcrDtr = 1, kMcrRts = 2, kMcrOut1 = 4, kMcrOut2 = 8, kMcrLoop = 16, kMcrAll = 31 };
enum Lsr : u8 { kLsrDataReady = 1, kLsrOverrun = 2, kLsrThre = 0x20, kLsrTemt = 0x40 };
enum Msr : u8 { kMsrDeltaRi = 4, kMsrCts = 0x10, kMsrDsr = 0x20, kMsrRi = 0x40, kMsrDcd = 0x80 };

// version 1: u8 IER, LCR, MCR, LSR, MSR deltas, SCR, DLL, DLM, FCR; u8 THRE interrupt latch; u8 MCR
// was written; then as byte strings the receive FIFO and what the sender holds.
constexpr u32 kStateVersion = 1;

} // namespace

Serial16550::Serial16550(std::unique_ptr<IrqLine> line, Wiring wiring)
    : line_(std::move(line)), wiring_(wiring) {}

std::string Serial16550::fdt_path(const DeviceSlot& slot) {
  return fmt::format("/serial@{:x}", slot.base);
}

void Serial16550::describe(arch::FdtBuilder& fdt, const DeviceSlot& slot) const {
  fdt.begin_node("serial", slot.base);
  fdt.property_string("compatible", "ns16550a");
  fdt.property_pairs("reg", {slot.base, slot.size});
  describe_interrupt(fdt, slot.intid);
  fdt.property_u32("clock-frequency", kClockHz);
  fdt.end_node();
}

void Serial16550::input_ready() {
  const std::lock_guard lock(mutex_);
  fill();
  update_line();
}

u64 Serial16550::read(u64 offset, unsigned /*size*/) {
  const std::lock_guard lock(mutex_);
  const u8 value = read_register(offset);
  fill();
  update_line();
  return value;
}

void Serial16550::write(u64 offset, unsigned /*size*/, u64 value) {
  const u8 byte = static_cast<u8>(value);
  bool sent = false;
  {
    const std::lock_guard lock(mutex_);
    sent = write_register(offset, byte);
    fill();
    update_line();
  }
  if (sent) {
    // Without the lock: whoever takes the bytes may make the vCPU wait, not the console's input.
    wiring_.output.write({&byte, 1});
  }
}

u8 Serial16550::read_register(u64 offset) {
  const bool dlab = (reg_.lcr & kLcrDlab) != 0;
  switch (offset) {
  case kRbrThrDll: return dlab ? reg_.dll : read_rbr();
  case kIerDlm: return dlab ? reg_.dlm : reg_.ier;
  case kIirFcr: return read_iir();
  case kLcr: return reg_.lcr;
  case kMcr: return reg_.mcr;
  case kLsr: return read_lsr();
  case kMsr: return read_msr();
  case kScr: return reg_.scr;
  default: return 0;
  }
}

bool Serial16550::write_register(u64 offset, u8 value) {
  const bool dlab = (reg_.lcr & kLcrDlab) != 0;
  switch (offset) {
  case kRbrThrDll:
    if (!dlab) {
      return transmit(value);
    }
    reg_.dll = value;
    break;
  case kIerDlm:
    if (dlab) {
      reg_.dlm = value;
    } else {
      write_ier(value);
    }
    break;
  case kIirFcr: write_fcr(value); break;
  case kLcr: reg_.lcr = value; break;
  case kMcr: write_mcr(value); break;
  case kScr: reg_.scr = value; break;
  default: break; // LSR and MSR are read-only
  }
  return false;
}

u8 Serial16550::read_rbr() {
  if (fifo_.empty()) {
    return 0;
  }
  const u8 value = fifo_.front();
  fifo_.pop_front();
  return value;
}

// Reading IIR acknowledges a THRE interrupt if that is what it shows (8.6).
u8 Serial16550::read_iir() {
  const u8 id = pending();
  if (id == kIirTransmit) {
    reg_.thre_pending = false;
  }
  return id | (fifo_enabled() ? kIirFifos : 0);
}

u8 Serial16550::read_lsr() {
  const u8 value = reg_.lsr | (fifo_.empty() ? 0 : kLsrDataReady);
  reg_.lsr &= static_cast<u8>(~kLsrOverrun);
  return value;
}

u8 Serial16550::read_msr() {
  const u8 value = modem_lines() | reg_.msr_delta;
  reg_.msr_delta = 0;
  return value;
}

bool Serial16550::transmit(u8 value) {
  // THR is full for no time at all, so the interrupt is cleared and raised again at once.
  reg_.thre_pending = true;
  ++sent_;
  if (loopback()) {
    receive_loopback(value);
    return false;
  }
  return true;
}

void Serial16550::receive_loopback(u8 value) {
  if (fifo_.size() < capacity()) {
    fifo_.push_back(value);
    return;
  }
  // With FIFOs the byte that does not fit is lost, without them the one that was there (8.4, OE).
  reg_.lsr |= kLsrOverrun;
  if (!fifo_enabled()) {
    fifo_.back() = value;
  }
}

void Serial16550::write_ier(u8 value) {
  const u8 changed = reg_.ier ^ value;
  reg_.ier = value & kIerAll;
  if ((changed & kIerTransmit) != 0) {
    // THR is always empty: enabling its interrupt raises it (8.7).
    reg_.thre_pending = (value & kIerTransmit) != 0;
  }
}

void Serial16550::write_fcr(u8 value) {
  const bool enable = (value & kFcrEnable) != 0;
  if (enable != fifo_enabled() || (enable && (value & kFcrClearReceiver) != 0)) {
    clear_receiver();
  }
  // The other bits are programmed only while the FIFOs are enabled (8.5).
  reg_.fcr = enable ? value & (kFcrEnable | kFcrTrigger) : 0;
}

// A driver that starts may enable the interrupt before it switches the FIFOs, and RTS after that:
// what came in between goes back.
void Serial16550::clear_receiver() {
  if ((reg_.mcr & kMcrRts) == 0 && !loopback()) {
    held_.insert(held_.begin(), fifo_.begin(), fifo_.end());
  }
  fifo_.clear();
}

void Serial16550::write_mcr(u8 value) {
  const u8 before = modem_lines();
  if (((reg_.mcr ^ value) & kMcrLoop) != 0) {
    // What came over the line is not read back by a loopback test, nor the other way round.
    clear_receiver();
  }
  reg_.mcr = value & kMcrAll;
  reg_.mcr_written = true;
  const u8 after = modem_lines();
  const u8 changed = before ^ after;
  // DCTS, DDSR and DDCD for any change, TERI for the end of a ring only (8.9).
  reg_.msr_delta |= static_cast<u8>((changed >> 4) & ~kMsrDeltaRi);
  if ((before & kMsrRi) != 0 && (after & kMsrRi) == 0) {
    reg_.msr_delta |= kMsrDeltaRi;
  }
}

bool Serial16550::fifo_enabled() const {
  return (reg_.fcr & kFcrEnable) != 0;
}

size_t Serial16550::capacity() const {
  return fifo_enabled() ? kFifoSize : 1;
}

size_t Serial16550::trigger() const {
  static constexpr std::array<u8, 4> kLevels = {1, 4, 8, 14};
  return fifo_enabled() ? kLevels[reg_.fcr >> 6] : 1;
}

bool Serial16550::loopback() const {
  return (reg_.mcr & kMcrLoop) != 0;
}

bool Serial16550::ready_to_receive() const {
  return !loopback() &&
         (!reg_.mcr_written || (reg_.mcr & kMcrRts) != 0 || (reg_.ier & kIerReceive) != 0);
}

// MSR 7..4. In loopback mode the outputs feed the inputs (8.8).
u8 Serial16550::modem_lines() const {
  if (!loopback()) {
    return kMsrCts | kMsrDsr | kMsrDcd;
  }
  u8 lines = 0;
  lines |= (reg_.mcr & kMcrRts) != 0 ? kMsrCts : 0;
  lines |= (reg_.mcr & kMcrDtr) != 0 ? kMsrDsr : 0;
  lines |= (reg_.mcr & kMcrOut1) != 0 ? kMsrRi : 0;
  lines |= (reg_.mcr & kMcrOut2) != 0 ? kMsrDcd : 0;
  return lines;
}

// Priorities of 8.6, table V.
u8 Serial16550::pending() const {
  if ((reg_.ier & kIerLineStatus) != 0 && (reg_.lsr & kLsrOverrun) != 0) {
    return kIirLineStatus;
  }
  if ((reg_.ier & kIerReceive) != 0 && fifo_.size() >= trigger()) {
    return kIirReceive;
  }
  // The line is idle whenever the FIFO is below its trigger: four character times have passed.
  if ((reg_.ier & kIerReceive) != 0 && !fifo_.empty()) {
    return kIirTimeout;
  }
  if ((reg_.ier & kIerTransmit) != 0 && reg_.thre_pending) {
    return kIirTransmit;
  }
  if ((reg_.ier & kIerModem) != 0 && reg_.msr_delta != 0) {
    return kIirModem;
  }
  return kIirNone;
}

// Takes what the sender has as far as the FIFO has room.
void Serial16550::fill() {
  if (paused_ || !ready_to_receive()) {
    return;
  }
  while (!held_.empty() && fifo_.size() < capacity()) {
    fifo_.push_back(held_.front());
    held_.pop_front();
  }
  if (fifo_.size() >= capacity()) {
    return;
  }
  wiring_.port.deliver([this] {
    std::array<u8, kFifoSize> bytes{};
    const size_t room = capacity() - fifo_.size();
    const size_t count = std::min(wiring_.input.read({bytes.data(), room}), room);
    fifo_.insert(fifo_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
    received_ += count;
  });
}

void Serial16550::update_line() {
  line_->set_level(pending() != kIirNone);
}

void Serial16550::pause() {
  const std::lock_guard lock(mutex_);
  paused_ = true;
}

void Serial16550::resume() {
  const std::lock_guard lock(mutex_);
  paused_ = false;
  fill();
  update_line();
}

std::vector<u8> Serial16550::save() const {
  const std::lock_guard lock(mutex_);
  StateWriter state(kStateVersion);
  for (const u8 value : {reg_.ier, reg_.lcr, reg_.mcr, reg_.lsr, reg_.msr_delta, reg_.scr, reg_.dll,
                         reg_.dlm, reg_.fcr}) {
    state.put(value);
  }
  state.put(reg_.thre_pending);
  state.put(reg_.mcr_written);
  state.put_bytes(std::vector<u8>(fifo_.begin(), fifo_.end()));
  state.put_bytes(std::vector<u8>(held_.begin(), held_.end()));
  return state.take();
}

Status Serial16550::restore(std::span<const u8> state) {
  StateReader reader(state, kStateVersion);
  Registers reg;
  for (u8* value : {&reg.ier, &reg.lcr, &reg.mcr, &reg.lsr, &reg.msr_delta, &reg.scr, &reg.dll,
                    &reg.dlm, &reg.fcr}) {
    *value = reader.get<u8>();
  }
  reg.thre_pending = reader.get<bool>();
  reg.mcr_written = reader.get<bool>();
  const std::vector<u8> fifo = reader.get_bytes();
  const std::vector<u8> held = reader.get_bytes();
  const bool fcr_sound = (reg.fcr & ~(kFcrEnable | kFcrTrigger)) == 0;
  const bool lsr_sound = (reg.lsr & ~kLsrOverrun) == (kLsrThre | kLsrTemt);
  const bool sound = reg.ier <= kIerAll && reg.mcr <= kMcrAll && reg.msr_delta <= 15 && fcr_sound &&
                     lsr_sound && fifo.size() <= ((reg.fcr & kFcrEnable) != 0 ? kFifoSize : 1);
  if (Status whole = reader.finish("the UART", sound); !whole) {
    return whole;
  }
  const std::lock_guard lock(mutex_);
  reg_ = reg;
  fifo_.assign(fifo.begin(), fifo.end());
  held_.assign(held.begin(), held.end());
  update_line();
  return {};
}

// Bytes in the FIFO are gone with the old machine; those still at the sender are not.
void Serial16550::reset() {
  const std::lock_guard lock(mutex_);
  reg_ = {};
  fifo_.clear();
  update_line();
}

std::vector<Metric> Serial16550::metrics() const {
  const std::lock_guard lock(mutex_);
  return {{"bytes_received", received_}, {"bytes_sent", sent_}};
}

} // namespace kindling::devices
