// SPDX-License-Identifier: Apache-2.0
// Vm: what the vCPUs of one virtual machine share.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "softhv/core/cpu.h"
#include "softhv/core/engine_options.h"
#include "softhv/core/statistics.h"
#include "softhv/core/turns.h"
#include "softhv/mmu/stage2.h"
#include "softhv/mmu/write_watch.h"
#include "softhv/timer/alarm.h"
#include "softhv/timer/clock.h"

namespace softhv {

namespace gic {
class Gic;
}

class Vm {
public:
  // `clock` drives the counter and the timers of all vCPUs; null: the host's.
  explicit Vm(u32 ipa_bits, std::unique_ptr<timer::Clock> clock = nullptr);
  ~Vm();
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;

private:
  std::unique_ptr<timer::Clock> own_clock_; // before those that use it

public:
  Stage2 stage2;
  WriteWatch write_watch; // of the pages of stage2
  const u32 ipa_bits;
  const timer::Clock* clock; // that of `turns`, if vCPUs take turns
  timer::AlarmThread alarms;
  std::unique_ptr<gic::Gic> gic; // set before the first vCPU, or null

  // How its vCPUs execute guest code. set_engine_options() fails when there is a vCPU already, and
  // for an engine that is not available. Any thread.
  [[nodiscard]] const EngineOptions& engine_options() const { return engine_options_; }
  bool set_engine_options(const EngineOptions& options);

  // Makes the vCPUs take turns, whose clock replaces the one there was. False: there is a vCPU
  // already. Any thread.
  bool set_turns(TurnOptions options);
  [[nodiscard]] Turns* turns() const { return turns_.get(); } // null: they do not

  // The VM's time in nanoseconds, of which the counter is made, and setting it, while no vCPU is
  // executing. Where vCPUs take turns that begins them anew.
  [[nodiscard]] u64 time_ns() const;
  void set_time_ns(u64 ns);

  // What all vCPUs have counted since the VM was made, up to about now. Any thread.
  [[nodiscard]] StatisticValues statistics() const;

  // Creates a vCPU with the lowest free index; nullptr when there are kMaxVcpus. Any thread.
  Cpu* create_cpu();
  // The vCPU must not be running. It is gone for all walks when this returns.
  void destroy_cpu(Cpu& cpu);

  [[nodiscard]] u32 cpu_count() const;
  // Whether there is one vCPU only. One that is created meanwhile has not begun to run.
  [[nodiscard]] bool has_one_cpu() const { return cpu_count_.load(std::memory_order_seq_cst) == 1; }

  // Calls `visit(Cpu&)` for every vCPU, in index order, while none can be created or destroyed.
  // Must not be nested, and `visit` must not create or destroy one.
  template <typename Visit>
  void for_each_cpu(Visit visit) {
    const std::shared_lock lock(cpus_mutex_);
    for (const std::unique_ptr<Cpu>& cpu : cpus_)
      if (cpu != nullptr)
        visit(*cpu);
  }

  // Sets `reason` in the vCPU's attention and wakes it if it waits in WFI or WFE. Thread-safe.
  void wake(Cpu& cpu, u32 reason);

  // An access to an IPA that is not RAM but belongs to SoftHV itself (GICD, GICR). Returns false
  // when nothing of ours is there; the access then leaves to the host as a data abort.
  bool internal_read(Cpu& cpu, u64 ipa, unsigned size, u64& value);
  bool internal_write(Cpu& cpu, u64 ipa, unsigned size, u64 value);

private:
  [[nodiscard]] bool has_cpu() const;

  std::unique_ptr<Turns> turns_;
  mutable std::shared_mutex cpus_mutex_;
  std::array<std::unique_ptr<Cpu>, kMaxVcpus> cpus_;
  std::atomic<u32> cpu_count_{0}; // of cpus_
  EngineOptions engine_options_;
  StatisticValues departed_{}; // counted by vCPUs that are gone
};

} // namespace softhv
