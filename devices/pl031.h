// SPDX-License-Identifier: Apache-2.0
// The PL031 real-time clock (Arm DDI 0224): seconds of the wall clock in a 32-bit counter, with an
// interrupt when it reaches the match register. The clock runs from the start, as if firmware had
// enabled it.
//
// A thread of its own waits for the match while the interrupt is unmasked, or an alarm of a port
// that is synchronous.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "devices/device.h"
#include "devices/event_port.h"
#include "devices/irq_line.h"

namespace kindling::devices {

class Pl031 final : public MmioDevice {
public:
  // `port` outlives the device.
  Pl031(std::unique_ptr<IrqLine> line, EventPort& port);
  ~Pl031() override;
  Pl031(const Pl031&) = delete;
  Pl031& operator=(const Pl031&) = delete;

  // Accesses other than of 32 aligned bits read as 0 and change nothing.
  u64 read(u64 offset, unsigned size) override;
  void write(u64 offset, unsigned size, u64 value) override;
  void describe(arch::FdtBuilder& fdt, const DeviceSlot& slot) const override;
  void pause() override;
  void resume() override;
  [[nodiscard]] std::vector<u8> save() const override;
  Status restore(std::span<const u8> state) override;
  void reset() override;

private:
  struct Registers {
    u32 offset = 0; // RTCDR minus the wall clock's seconds
    u32 match = 0;
    u32 load = 0;
    bool enabled = false; // RTCIMSC
    bool raw = false;     // RTCRIS
  };

  u32 now();
  // Compares the time that passed since the last call with the match register.
  void catch_up();
  // The counter was set, or the match register: time starts to pass from here.
  void restart();
  void update_line();
  // Nanoseconds until the counter reaches the match register.
  [[nodiscard]] u64 time_to_match();
  // To be called after a change of what the alarm depends on.
  void schedule();
  void alarm_thread();

  const std::unique_ptr<IrqLine> line_;
  EventPort& port_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Registers reg_;
  u32 last_ = 0; // the counter at the last comparison
  bool paused_ = false;
  bool stopping_ = false;
  std::thread thread_; // started when the interrupt is first unmasked
};

} // namespace kindling::devices
