// SPDX-License-Identifier: Apache-2.0
#include "devices/pl031.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "devices/state.h"

namespace kindling::devices {
namespace {

enum Offset : u64 {
  kDr = 0x00,
  kMr = 0x04,
  kLr = 0x08,
  kCr = 0x0c,
  kImsc = 0x10,
  kRis = 0x14,
  kMis = 0x18,
  kIcr = 0x1c,
  kPeriphId0 = 0xfe0
};

// RTCPeriphID0..3 and RTCPCellID0..3 (DDI 0224 3.4).
constexpr std::array<u8, 8> kIds = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
constexpr u64 kNsPerSecond = 1'000'000'000;

// version 1: u32 counter minus wall clock, match, load; u8 interrupt unmasked, raw interrupt.
constexpr u32 kStateVersion = 1;

} // namespace

Pl031::Pl031(std::unique_ptr<IrqLine> line, EventPort& port)
    : line_(std::move(line)), port_(port), last_(now()) {}

Pl031::~Pl031() {
  port_.set_alarm(this, EventPort::kNoAlarm, {});
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Pl031::describe(arch::FdtBuilder& fdt, const DeviceSlot& slot) const {
  const u32 clock = fdt.new_phandle();
  fdt.begin_node("rtc-clock");
  fdt.property_string("compatible", "fixed-clock");
  fdt.property_u32("#clock-cells", 0);
  fdt.property_u32("clock-frequency", 24'000'000);
  fdt.property_phandle(clock);
  fdt.end_node();

  fdt.begin_node("rtc", slot.base);
  fdt.property_strings("compatible", {"arm,pl031", "arm,primecell"});
  fdt.property_pairs("reg", {slot.base, slot.size});
  describe_interrupt(fdt, slot.intid);
  fdt.property_cells("clocks", {clock});
  fdt.property_string("clock-names", "apb_pclk");
  fdt.end_node();
}

u32 Pl031::now() {
  return static_cast<u32>(port_.wall_clock_ns() / kNsPerSecond) + reg_.offset;
}

void Pl031::catch_up() {
  const u32 count = now();
  const u32 passed = count - last_;
  if (static_cast<i32>(passed) > 0 && reg_.match - last_ - 1 < passed) {
    reg_.raw = true;
  }
  // A host clock that was set back makes no time pass.
  last_ = count;
}

void Pl031::restart() {
  last_ = now();
  reg_.raw = reg_.raw || last_ == reg_.match;
}

void Pl031::update_line() {
  line_->set_level(reg_.raw && reg_.enabled);
}

u64 Pl031::read(u64 offset, unsigned size) {
  if (size != 4 || offset % 4 != 0) {
    return 0;
  }
  const std::lock_guard lock(mutex_);
  catch_up();
  update_line();
  switch (offset) {
  case kDr: return last_;
  case kMr: return reg_.match;
  case kLr: return reg_.load;
  case kCr: return 1;
  case kImsc: return reg_.enabled ? 1 : 0;
  case kRis: return reg_.raw ? 1 : 0;
  case kMis: return reg_.raw && reg_.enabled ? 1 : 0;
  default: break;
  }
  const u64 id = (offset - kPeriphId0) / 4;
  return offset >= kPeriphId0 && id < kIds.size() ? kIds[id] : 0;
}

void Pl031::write(u64 offset, unsigned size, u64 value) {
  if (size != 4 || offset % 4 != 0) {
    return;
  }
  const std::lock_guard lock(mutex_);
  catch_up();
  const u32 word = static_cast<u32>(value);
  switch (offset) {
  case kMr:
    reg_.match = word;
    restart();
    break;
  case kLr:
    reg_.load = word;
    reg_.offset += word - now();
    restart();
    break;
  case kImsc: reg_.enabled = (word & 1) != 0; break;
  case kIcr: reg_.raw = reg_.raw && (word & 1) == 0; break;
  default: break; // RTCCR: an enabled clock stays so until reset
  }
  update_line();
  schedule();
}

u64 Pl031::time_to_match() {
  const u64 into_second = port_.wall_clock_ns() % kNsPerSecond;
  const u64 seconds = static_cast<u32>(reg_.match - last_ - 1);
  return seconds * kNsPerSecond + kNsPerSecond - into_second;
}

void Pl031::schedule() {
  const bool waiting = reg_.enabled && !reg_.raw;
  if (!port_.synchronous()) {
    if (waiting && !thread_.joinable()) {
      thread_ = std::thread([this] { alarm_thread(); });
    }
    changed_.notify_all();
    return;
  }
  const u64 when = waiting ? port_.monotonic_ns() + time_to_match() : EventPort::kNoAlarm;
  port_.set_alarm(this, when, [this] {
    const std::lock_guard lock(mutex_);
    catch_up();
    update_line();
    schedule();
  });
}

void Pl031::alarm_thread() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (paused_ || !reg_.enabled || reg_.raw) {
      changed_.wait(lock);
      continue;
    }
    port_.deliver([this] {
      catch_up();
      update_line();
    });
    // Short waits, so that a host clock that is set or sleeps is noticed.
    constexpr u64 kLongestWait = 60 * kNsPerSecond;
    const u64 wait = std::min(time_to_match(), kLongestWait);
    if (!reg_.raw) {
      changed_.wait_for(lock, std::chrono::nanoseconds(wait));
    }
  }
}

void Pl031::pause() {
  const std::lock_guard lock(mutex_);
  paused_ = true;
}

void Pl031::resume() {
  const std::lock_guard lock(mutex_);
  paused_ = false;
  catch_up();
  update_line();
  schedule();
}

std::vector<u8> Pl031::save() const {
  const std::lock_guard lock(mutex_);
  StateWriter state(kStateVersion);
  state.put(reg_.offset);
  state.put(reg_.match);
  state.put(reg_.load);
  state.put(reg_.enabled);
  state.put(reg_.raw);
  return state.take();
}

Status Pl031::restore(std::span<const u8> state) {
  StateReader reader(state, kStateVersion);
  Registers reg;
  reg.offset = reader.get<u32>();
  reg.match = reader.get<u32>();
  reg.load = reader.get<u32>();
  reg.enabled = reader.get<bool>();
  reg.raw = reader.get<bool>();
  if (Status whole = reader.finish("the real-time clock"); !whole) {
    return whole;
  }
  const std::lock_guard lock(mutex_);
  reg_ = reg;
  last_ = now();
  update_line();
  schedule();
  return {};
}

// The time is kept through a reset, as by a battery.
void Pl031::reset() {
  const std::lock_guard lock(mutex_);
  reg_ = Registers{.offset = reg_.offset};
  last_ = now();
  update_line();
  schedule();
}

} // namespace kindling::devices
