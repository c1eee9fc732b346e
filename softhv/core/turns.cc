// SPDX-License-Identifier: Apache-2.0
#include "softhv/core/turns.h"

#include <algorithm>

#include "softhv/core/budget.h"
#include "softhv/core/engine.h"
#include "softhv/core/interrupts.h"
#include "softhv/core/wait.h"
#include "softhv/timer/generic_timer.h"

namespace softhv {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using timer::kNever;
using timer::VirtualClock;

// Instructions of a turn that nobody waits for the end of.
constexpr u64 kTurnAlone = 1ULL << 32;

Turns::Turns(TurnOptions options) : options_(std::move(options)), clock_(options_.shift) {}

void Turns::run(Cpu& own) {
  std::unique_lock lock(mutex_);
  Seat& seat = seats_[own.index];
  seat.cpu = &own;
  seat.present = true;
  if (outside_ == &own)
    outside_ = nullptr;
  while (!seat.exited && !cancelled(own)) {
    if (may_go_on())
      go_on(own, lock);
    else
      changed_.wait(lock);
  }
  // Nobody goes on without it, so there is nobody to tell.
  seat.exited = false;
  seat.present = false;
}

bool Turns::leaving(const Cpu& cpu) {
  return (cpu.attention.load(std::memory_order_seq_cst) & kAttentionExit) != 0;
}

// Whether it is to leave and nobody executes it, who would notice. It has not done anything: its
// wait or its turn goes on when it is back.
bool Turns::cancelled(Cpu& own) {
  if (running_ == &own || !leaving(own))
    return false;
  own.attention.fetch_and(~kAttentionExit, std::memory_order_seq_cst);
  own.exit = {.reason = ExitReason::kCanceled};
  own.exit_pending = true;
  return true;
}

bool Turns::may_go_on() const {
  return !busy_ && !halted_ && outside_ == nullptr &&
         std::ranges::all_of(seats_, [](const Seat& seat) {
           return seat.cpu == nullptr || (seat.present && !seat.exited);
         });
}

// Does whatever is next for the VM as a whole.
void Turns::go_on(Cpu& own, std::unique_lock<std::mutex>& lock) {
  busy_ = true;
  if (clock_.ns() >= event_ns_) {
    event_ns_ = kNever;
    lock.unlock();
    options_.event();
    lock.lock();
  } else if (Cpu* cpu = whose_turn(); cpu != nullptr) {
    running_ = cpu;
    alone_ = is_alone();
    lock.unlock();
    execute(*cpu);
    lock.lock();
    running_ = nullptr;
    if (cpu->exit_pending) {
      seats_[cpu->index].exited = true;
      if (cpu->exit.reason != ExitReason::kCanceled)
        outside_ = cpu;
    }
    // Its thread may have looked for a reason to leave while we executed.
    if (cpu != &own && (cpu->exit_pending || leaving(*cpu)))
      changed_.notify_all();
  } else {
    idle(lock);
  }
  busy_ = false;
}

Cpu* Turns::whose_turn() {
  const Seat& current = seats_[current_];
  if (current.cpu != nullptr && current.wait == Wait::kNone && current.cpu->retired < turn_end_)
    return current.cpu;
  for (u32 i = 1; i <= kMaxVcpus; ++i) {
    const u32 index = (current_ + i) % kMaxVcpus;
    Seat& seat = seats_[index];
    if (seat.cpu == nullptr || !ready(seat))
      continue;
    if (seat.wait == Wait::kEvent)
      seat.cpu->waiter->take_event();
    seat.wait = Wait::kNone;
    current_ = index;
    turn_end_ = seat.cpu->retired + options_.quantum;
    return seat.cpu;
  }
  return nullptr;
}

bool Turns::ready(const Seat& seat) const {
  if (seat.wait == Wait::kNone || clock_.now() >= seat.deadline)
    return true;
  if (seat.wait == Wait::kInterrupt)
    return seat.cpu->interrupt_lines.load(std::memory_order_seq_cst) != 0;
  return seat.cpu->waiter->event() || interrupt_deliverable(*seat.cpu) ||
         (seat.armed && seat.since != executions_);
}

bool Turns::is_alone() const {
  return std::ranges::count_if(seats_, [](const Seat& seat) { return seat.cpu != nullptr; }) == 1;
}

// The turn, or what is left of it, as far as it goes without an exit or a due timer.
void Turns::execute(Cpu& cpu) {
  ++executions_;
  const GuestScope guest(cpu);
  clock_.start(cpu);
  cpu.timer->update(); // time may have passed since its last turn
  cpu.retire_limit = limit(cpu);
  cpu.request(kAttentionInterrupt); // timers and lines may have changed since its last turn
  run_engine(cpu);
  clock_.stop();
  if (cpu.exit_pending && cpu.exit.reason == ExitReason::kWaits)
    cpu.exit_pending = false;
}

u64 Turns::limit(const Cpu& cpu) const {
  const u64 timers = VirtualClock::ns_of(cpu.timer->next_deadline());
  const u64 next = clock_.instructions_until(std::min(timers, event_ns_.load()));
  return cpu.retired + std::min(alone_ ? kTurnAlone : turn_end_ - cpu.retired, next);
}

void Turns::deadline_changed(Cpu& cpu) {
  if (running_ == &cpu)
    cpu.retire_limit = limit(cpu);
}

void Turns::idle(std::unique_lock<std::mutex>& lock) {
  u64 next = event_ns_;
  for (const Seat& seat : seats_)
    if (seat.cpu != nullptr)
      next = std::min(next, VirtualClock::ns_of(seat.deadline));
  if (!options_.live && next != kNever) {
    clock_.skip_to(next);
    return;
  }
  const u64 now = clock_.ns();
  const auto start = steady_clock::now();
  asleep_ = true;
  if (next == kNever)
    changed_.wait(lock, [this] { return woken_; });
  else
    changed_.wait_until(lock, start + nanoseconds(next - now), [this] { return woken_; });
  asleep_ = false;
  if (options_.live) {
    const auto slept = static_cast<u64>(nanoseconds(steady_clock::now() - start).count());
    clock_.skip_to(woken_ ? std::min(next, now + slept) : next);
  }
  woken_ = false;
}

void Turns::wake(u32 reason) {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  if (asleep_ || (reason & kAttentionExit) != 0)
    changed_.notify_all();
}

void Turns::wait_for_interrupt(Cpu& cpu, u64 deadline) {
  wait(cpu, Wait::kInterrupt, deadline, false);
}

void Turns::wait_for_event(Cpu& cpu, u64 deadline, bool armed) {
  wait(cpu, Wait::kEvent, deadline, armed);
}

void Turns::wait(Cpu& cpu, Wait wait, u64 deadline, bool armed) {
  Seat& seat = seats_[cpu.index];
  seat.wait = wait;
  seat.deadline = deadline;
  seat.armed = armed;
  seat.since = executions_;
  cpu.exit = {.reason = ExitReason::kWaits};
  cpu.exit_pending = true;
}

void Turns::expect(Cpu& cpu) {
  const std::lock_guard lock(mutex_);
  seats_[cpu.index].cpu = &cpu;
}

void Turns::rest(Cpu& own) {
  const std::lock_guard lock(mutex_);
  seats_[own.index] = {};
  if (outside_ == &own)
    outside_ = nullptr;
  changed_.notify_all();
}

void Turns::remove(const Cpu& cpu) {
  const std::lock_guard lock(mutex_);
  halted_ = halted_ || outside_ == &cpu;
  seats_[cpu.index] = {};
  changed_.notify_all();
}

void Turns::restart(u64 ns) {
  const std::lock_guard lock(mutex_);
  clock_.set_ns(ns);
  for (Seat& seat : seats_) {
    seat.wait = Wait::kNone;
    if (seat.cpu != nullptr)
      seat.cpu->waiter->take_event();
  }
  outside_ = nullptr;
  current_ = kMaxVcpus - 1;
}

void Turns::set_event_time(u64 ns) {
  const std::lock_guard lock(mutex_);
  event_ns_ = ns;
}

} // namespace softhv
