// SPDX-License-Identifier: Apache-2.0
#include "softhv/core/wait.h"

#include <algorithm>
#include <thread>

#include "softhv/core/budget.h"
#include "softhv/core/interrupts.h"
#include "softhv/core/shootdown.h"
#include "softhv/core/vm.h"
#include "softhv/system/exception.h"
#include "softhv/timer/generic_timer.h"

namespace softhv {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

// ISS of a trapped WFI (Arm ARM D17.2.37): CV, COND = always, TI = 0.
constexpr u64 kWfiSyndrome = 0x01ULL << 26 | 1ULL << 25 | 1ULL << 24 | 0xeULL << 20;

// With an armed exclusive monitor WFE waits for a store that nobody reports: it gives the host's
// core to whoever may do that store, and every kMonitorYields times sleeps, in case it takes
// longer.
constexpr unsigned kMonitorYields = 16;
constexpr microseconds kMonitorSleep{50};

// A loop with YIELD turns that often before it offers its core: what it waits for usually comes
// sooner than a change of threads does.
constexpr unsigned kYieldsAtOnce = 64;

// Shootdowns are served by enter_guest(); armed debug state stays set for ever.
bool attention(const Cpu& cpu) {
  constexpr u32 kReasons = kAttentionExit | kAttentionInterrupt;
  return (cpu.attention.load(std::memory_order_seq_cst) & kReasons) != 0;
}

// Sleeps until done(), attention, or the counter value `deadline`.
template <typename Done>
void sleep(Cpu& cpu, Waiter::TimePoint deadline, Done done) {
  cpu.timer->pause_alarm();
  leave_guest(cpu); // nobody waits for a sleeper to serve a shootdown
  cpu.waiter->sleep_until(deadline, [&] { return attention(cpu) || done(); });
  enter_guest(cpu);
  cpu.timer->update();
}

} // namespace

const interp::Op* wait_for_interrupt(Cpu& cpu, const interp::Op* op) {
  if (cpu.gic == nullptr) {
    const VmExit exit{.reason = ExitReason::kException, .syndrome = kWfiSyndrome};
    return exit_to_host(cpu, pc_of(cpu, op), exit);
  }
  cpu.s.pc = next_pc(cpu, op);
  const ExactCount count(cpu, op);
  const auto pending = [&] { return cpu.interrupt_lines.load(std::memory_order_seq_cst) != 0; };
  cpu.timer->update();
  if (Turns* turns = cpu.vm.turns(); turns != nullptr) {
    if (!pending())
      turns->wait_for_interrupt(cpu, cpu.timer->next_deadline());
    return nullptr;
  }
  if (!pending() && !attention(cpu))
    sleep(cpu, cpu.vm.clock->host_time(cpu.timer->next_deadline()), pending);
  return nullptr;
}

const interp::Op* wait_for_event(Cpu& cpu, const interp::Op* op) {
  cpu.s.pc = next_pc(cpu, op);
  if (cpu.waiter->take_event())
    return nullptr;
  const ExactCount count(cpu, op);
  const auto woken = [&] { return cpu.waiter->event() || interrupt_deliverable(cpu); };
  cpu.timer->update();
  const bool armed = cpu.s.exclusive_size != 0;
  const u64 next = std::min(cpu.timer->next_deadline(), cpu.timer->next_stream_event());
  if (Turns* turns = cpu.vm.turns(); turns != nullptr) {
    if (!woken())
      turns->wait_for_event(cpu, next, armed);
    return nullptr;
  }
  if (!woken() && !attention(cpu)) {
    if (armed && cpu.waiter->next_monitor_wait() % kMonitorYields != 0) {
      leave_guest(cpu);
      std::this_thread::yield();
      enter_guest(cpu);
      return nullptr;
    }
    Waiter::TimePoint deadline = cpu.vm.clock->host_time(next);
    if (armed)
      deadline = std::min(deadline, steady_clock::now() + kMonitorSleep);
    sleep(cpu, deadline, woken);
  }
  cpu.waiter->take_event();
  return nullptr;
}

void yield_core(Cpu& cpu) {
  if (cpu.vm.turns() == nullptr && cpu.waiter->next_yield() % kYieldsAtOnce == kYieldsAtOnce - 1)
    std::this_thread::yield();
}

void send_event(Vm& vm) {
  vm.for_each_cpu([](Cpu& cpu) { cpu.waiter->set_event(); });
}

void send_event_local(Cpu& cpu) {
  cpu.waiter->set_event();
}

} // namespace softhv
