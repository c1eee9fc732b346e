// SPDX-License-Identifier: Apache-2.0
#include "softhv/core/statistics.h"

#include "arch/esr.h"

namespace softhv {
namespace {

using kindling::arch::ExceptionClass;

#define ROW(name)                                                                                  \
  StatisticRow {                                                                                   \
#name, &EngineStatistics::name                                                                 \
  }
constexpr StatisticRow kRows[] = {
    ROW(instructions_retired),
    ROW(blocks_translated),
    ROW(jumps_linked),
    ROW(loops_improved),
    ROW(loops_with_own_registers),
    ROW(loops_with_hoisted_looks),
    ROW(instructions_translated),
    ROW(code_bytes),
    StatisticRow{"code_bytes_peak", &EngineStatistics::code_bytes_peak, true},
    ROW(code_cache_flushes),
    ROW(code_pages_invalidated),
    ROW(interpreter_fallbacks),
    ROW(lockstep_checked),
    ROW(lockstep_unchecked),
    ROW(tlb_hits),
    ROW(tlb_misses),
    ROW(table_walks),
    ROW(tlb_invalidations),
    ROW(shootdowns_sent),
    ROW(exceptions),
    ROW(interrupts),
    ROW(exits_canceled),
    ROW(exits_vtimer),
    ROW(exits_data_abort),
    ROW(exits_instruction_abort),
    ROW(exits_hvc),
    ROW(exits_smc),
    ROW(exits_wfx),
    ROW(exits_system_register),
    ROW(exits_other),
};
#undef ROW

Counter EngineStatistics::*exit_counter(const VmExit& exit) {
  switch (exit.reason) {
  case ExitReason::kCanceled: return &EngineStatistics::exits_canceled;
  case ExitReason::kVtimerActivated: return &EngineStatistics::exits_vtimer;
  case ExitReason::kException: break;
  case ExitReason::kWaits:
  case ExitReason::kUnknown: return &EngineStatistics::exits_other;
  }
  switch (kindling::arch::exception_class(exit.syndrome)) {
  case ExceptionClass::kDataAbortLower: return &EngineStatistics::exits_data_abort;
  case ExceptionClass::kInstructionAbortLower: return &EngineStatistics::exits_instruction_abort;
  case ExceptionClass::kHvc64: return &EngineStatistics::exits_hvc;
  case ExceptionClass::kSmc64: return &EngineStatistics::exits_smc;
  case ExceptionClass::kWfx: return &EngineStatistics::exits_wfx;
  case ExceptionClass::kSysReg: return &EngineStatistics::exits_system_register;
  default: return &EngineStatistics::exits_other;
  }
}

} // namespace

void count_exit(EngineStatistics& statistics, const VmExit& exit) {
  (statistics.*exit_counter(exit)).add();
}

std::span<const StatisticRow, kStatistics> statistic_rows() {
  return kRows;
}

void add_to(StatisticValues& sum, const EngineStatistics& statistics) {
  for (size_t i = 0; i < kStatistics; ++i)
    sum[i] += (statistics.*kRows[i].counter).get();
}

} // namespace softhv
