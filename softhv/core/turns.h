// SPDX-License-Identifier: Apache-2.0
// Turns: the vCPUs of a VM execute one at a time, and time is what they have executed. What the
// guest does then depends on nothing but the guest and what the host tells it between instructions.
//
// A turn lasts a fixed number of instructions; WFI and WFE end it early, and the only vCPU that
// takes part has it for longer. Then comes the next vCPU, in index order, that has something to do.
// When none has, time goes straight to the next timer.
// Whichever thread is in run() executes whoever's turn it is, so that changing turns changes no
// threads; an exit goes to the thread of its vCPU. While that handles it everybody else waits: what
// it does to devices and interrupts happens between two instructions.
//
// Everybody also waits for a vCPU that takes part and is not in run(): one that left because it was
// asked to (kCanceled), or one that was announced by expect(). So neither when a kick comes nor how
// fast a thread starts makes a difference.
//
// Thread-safe. Locks are ordered: the GIC's before this one.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "softhv/core/cpu.h"
#include "softhv/timer/virtual_clock.h"

namespace softhv {

inline constexpr u32 kMaxVcpus = 32;

struct TurnOptions {
  static constexpr u64 kDefaultQuantum = 100'000;

  unsigned shift = 0;            // an instruction takes 2^shift ns
  u64 quantum = kDefaultQuantum; // instructions
  // When nobody has anything to execute, time passes as fast as the host's, for something may come
  // from outside; else it is skipped.
  bool live = false;
  // Called at the time that set_event_time() has set, between two instructions, by a thread that is
  // in run(). May do what a thread outside run() may do.
  std::function<void()> event = [] {};
};

class Turns {
public:
  explicit Turns(TurnOptions options);

  [[nodiscard]] const timer::VirtualClock& clock() const { return clock_; }

  // Runs `own`, by its thread, until it has an exit. From its first call on it takes part.
  void run(Cpu& own);

  // The vCPU takes part from now on, though its thread is not in run() yet; no longer. Both between
  // two instructions: by a thread that handles an exit, or before anything runs. rest() is for the
  // vCPU's own thread.
  void expect(Cpu& cpu);
  void rest(Cpu& own);
  // The vCPU is going. If its exit keeps the others waiting they wait for good.
  void remove(const Cpu& cpu);

  // When to call TurnOptions::event; timer::kNever: not at all. As expect(), or by the event.
  void set_event_time(u64 ns);

  // The time is `ns` from now on, no vCPU waits for anything or has an event, and the first turn is
  // that of the first vCPU: what comes depends on nothing but `ns` and the vCPUs' state. While
  // every vCPU is outside run(), with no exit to handle but that of a vCPU that was asked to leave.
  void restart(u64 ns);

  // By whoever has set the vCPU's attention.
  void wake(u32 reason);

  // For WFI and WFE, by the thread that executes the vCPU: ends the turn, and the wait when there
  // is an interrupt or event, or when the counter reaches `deadline`. `armed`: as well when another
  // vCPU has executed anything, which may have been a store to what the exclusive monitor watches.
  void wait_for_interrupt(Cpu& cpu, u64 deadline);
  void wait_for_event(Cpu& cpu, u64 deadline, bool armed);

  // The vCPU's timers were written to.
  void deadline_changed(Cpu& cpu);

private:
  enum class Wait : u8 { kNone, kInterrupt, kEvent };
  struct Seat {
    Cpu* cpu = nullptr;   // null: takes no part
    bool present = false; // its thread is in run()
    bool exited = false;  // its thread is to leave run()
    // Of the thread that executes.
    Wait wait = Wait::kNone;
    u64 deadline = 0; // of the counter
    bool armed = false;
    u64 since = 0; // executions_ when the wait began
  };

  [[nodiscard]] static bool leaving(const Cpu& cpu);
  [[nodiscard]] bool cancelled(Cpu& own);
  [[nodiscard]] bool may_go_on() const;
  void go_on(Cpu& own, std::unique_lock<std::mutex>& lock);
  Cpu* whose_turn();
  [[nodiscard]] bool ready(const Seat& seat) const;
  [[nodiscard]] bool is_alone() const;
  void execute(Cpu& cpu);
  void idle(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] u64 limit(const Cpu& cpu) const;
  void wait(Cpu& cpu, Wait wait, u64 deadline, bool armed);

  const TurnOptions options_;
  timer::VirtualClock clock_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Seat, kMaxVcpus> seats_;
  bool busy_ = false;            // a thread executes, or idles for all
  bool asleep_ = false;          // it does the latter
  bool woken_ = false;           // ... and is to look again
  bool halted_ = false;          // for good
  const Cpu* outside_ = nullptr; // whose exit is being handled
  std::atomic<const Cpu*> running_{nullptr};
  std::atomic<u64> event_ns_{timer::kNever};
  u32 current_ = kMaxVcpus - 1; // whose turn it is or was
  u64 turn_end_ = 0;            // its Cpu::retired at the end of the turn
  // Of the thread that executes.
  u64 executions_ = 0;
  bool alone_ = false; // no other vCPU took part when it began
};

} // namespace softhv
