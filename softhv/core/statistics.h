// SPDX-License-Identifier: Apache-2.0
// What a vCPU counts while it runs. One thread counts, any thread may read; a VM's statistics are
// the sum over its vCPUs, those that are gone included (Vm::statistics).
#pragma once

#include <array>
#include <atomic>
#include <span>
#include <type_traits>

#include "arch/types.h"
#include "softhv/core/exit.h"

namespace softhv {

// A u64 in memory, so that translated code may count too. Adding costs what it costs a plain
// integer: no other thread adds.
class Counter {
public:
  void add(u64 n = 1) { set(get() + n); }
  void set(u64 value) { value_.store(value, std::memory_order_relaxed); }
  void raise_to(u64 value) {
    if (value > get())
      set(value);
  }
  [[nodiscard]] u64 get() const { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<u64> value_{0};
};

struct EngineStatistics {
  // As of the last return of hv_vcpu_run; 0 where the engine does not count them.
  Counter instructions_retired;

  Counter blocks_translated;
  Counter jumps_linked;             // to another page, so that they need no look into the TLB
  Counter loops_improved;           // hot loops that were translated again, by themselves
  Counter loops_with_own_registers; // of them
  Counter loops_with_hoisted_looks; // of them
  Counter instructions_translated;  // of the guest, in those blocks
  Counter code_bytes;               // of the host, that they became
  Counter code_bytes_peak;          // most host memory in use for them at a time
  Counter code_cache_flushes;       // everything translated was dropped for want of room
  Counter code_pages_invalidated;   // guest pages with translated code that were written to
  Counter interpreter_fallbacks;    // instructions that the JIT left to the interpreter

  Counter lockstep_checked;   // instructions that both engines ran, to the same end
  Counter lockstep_unchecked; // instructions that only one engine could run

  Counter tlb_hits;          // 0 where the engine does not count them
  Counter tlb_misses;        // accesses and fetches whose page the first-level TLB did not have
  Counter table_walks;       // those of them that read the guest's translation tables
  Counter tlb_invalidations; // carried out on this vCPU's TLB, for whichever vCPU or host thread
  Counter shootdowns_sent;   // invalidations that another vCPU had to carry out

  Counter exceptions; // synchronous, taken to EL1
  Counter interrupts; // taken to EL1

  // Returns of hv_vcpu_run, by reason.
  Counter exits_canceled;
  Counter exits_vtimer;
  Counter exits_data_abort; // MMIO, above all
  Counter exits_instruction_abort;
  Counter exits_hvc;
  Counter exits_smc;
  Counter exits_wfx;
  Counter exits_system_register;
  Counter exits_other;
};

static_assert(std::is_standard_layout_v<EngineStatistics> && sizeof(Counter) == sizeof(u64));
inline constexpr size_t kStatistics = sizeof(EngineStatistics) / sizeof(Counter);

// By thread of the vCPU.
void count_exit(EngineStatistics& statistics, const VmExit& exit);

// The counters as a table, for whoever lists them all.
struct StatisticRow {
  const char* name; // of the member
  Counter EngineStatistics::*counter;
  bool peak = false; // the largest value there was, not a count
};
std::span<const StatisticRow, kStatistics> statistic_rows();

// Values in the order of statistic_rows().
using StatisticValues = std::array<u64, kStatistics>;
void add_to(StatisticValues& sum, const EngineStatistics& statistics);

} // namespace softhv
