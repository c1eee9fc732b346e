// SPDX-License-Identifier: Apache-2.0
// hv_softhv_vm_*: how a VM executes guest code, and what it has counted.
#include <Hypervisor/hv_softhv.h>

#include "softhv/api/machine.h"
#include "softhv/core/engine.h"
#if SOFTHV_JIT
#include "softhv/jit/perf_output.h"
#endif

using namespace softhv;
using namespace softhv::api;

namespace {

hv_return_t set_flag(bool& flag, uint64_t value) {
  if (value > 1)
    return HV_BAD_ARGUMENT;
  if (value != 0 && !engine_available(Engine::kJit))
    return HV_UNSUPPORTED;
  flag = value != 0;
  return HV_SUCCESS;
}

hv_return_t set_engine(EngineOptions& options, uint64_t value) {
  if (value > HV_SOFTHV_ENGINE_JIT)
    return HV_BAD_ARGUMENT;
  const Engine engine = value == HV_SOFTHV_ENGINE_JIT ? Engine::kJit : Engine::kInterpreter;
  if (!engine_available(engine))
    return HV_UNSUPPORTED;
  options.engine = engine;
  return HV_SUCCESS;
}

// Opens the file at once, so that whoever asks for it hears what is wrong.
hv_return_t set_perf_map(EngineOptions& options, uint64_t value) {
  const hv_return_t result = set_flag(options.perf_map, value);
#if SOFTHV_JIT
  if (options.perf_map && jit::PerfOutput::of_process(jit::PerfFormat::kMap) == nullptr)
    return HV_ERROR;
#endif
  return result;
}

hv_return_t set_jitdump(EngineOptions& options, uint64_t value) {
  const hv_return_t result = set_flag(options.jitdump, value);
#if SOFTHV_JIT
  if (options.jitdump && jit::PerfOutput::of_process(jit::PerfFormat::kJitdump) == nullptr)
    return HV_ERROR;
#endif
  return result;
}

hv_return_t change(EngineOptions& options, hv_softhv_option_t option, uint64_t value) {
  switch (option) {
  case HV_SOFTHV_OPTION_ENGINE: return set_engine(options, value);
  case HV_SOFTHV_OPTION_CODE_CACHE_SIZE:
    if (value < kMinCodeCacheBytes)
      return HV_BAD_ARGUMENT;
    options.code_cache_bytes = value;
    return HV_SUCCESS;
  case HV_SOFTHV_OPTION_LOCKSTEP: return set_flag(options.lockstep, value);
  case HV_SOFTHV_OPTION_HOST_WRITES_ANNOUNCED:
    return set_flag(options.host_writes_announced, value);
  case HV_SOFTHV_OPTION_PERF_MAP: return set_perf_map(options, value);
  case HV_SOFTHV_OPTION_JITDUMP: return set_jitdump(options, value);
  }
  return HV_BAD_ARGUMENT;
}

} // namespace

hv_return_t hv_softhv_vm_set_option(hv_softhv_option_t option, uint64_t value) {
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  const std::lock_guard lock(machine->options_mutex);
  EngineOptions options = machine->vm.engine_options();
  if (const hv_return_t result = change(options, option, value); result != HV_SUCCESS)
    return result;
  return machine->vm.set_engine_options(options) ? HV_SUCCESS : HV_BUSY;
}

hv_return_t hv_softhv_vm_get_option(hv_softhv_option_t option, uint64_t* value) {
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (value == nullptr)
    return HV_BAD_ARGUMENT;
  const std::lock_guard lock(machine->options_mutex);
  const EngineOptions& options = machine->vm.engine_options();
  switch (option) {
  case HV_SOFTHV_OPTION_ENGINE:
    *value = options.engine == Engine::kJit ? HV_SOFTHV_ENGINE_JIT : HV_SOFTHV_ENGINE_INTERPRETER;
    return HV_SUCCESS;
  case HV_SOFTHV_OPTION_CODE_CACHE_SIZE: *value = options.code_cache_bytes; return HV_SUCCESS;
  case HV_SOFTHV_OPTION_LOCKSTEP: *value = options.lockstep ? 1 : 0; return HV_SUCCESS;
  case HV_SOFTHV_OPTION_HOST_WRITES_ANNOUNCED:
    *value = options.host_writes_announced ? 1 : 0;
    return HV_SUCCESS;
  case HV_SOFTHV_OPTION_PERF_MAP: *value = options.perf_map ? 1 : 0; return HV_SUCCESS;
  case HV_SOFTHV_OPTION_JITDUMP: *value = options.jitdump ? 1 : 0; return HV_SUCCESS;
  }
  return HV_BAD_ARGUMENT;
}

hv_return_t hv_softhv_vm_get_statistic(uint32_t number, hv_softhv_statistic_t* statistic) {
  const auto machine = current_machine();
  if (machine == nullptr)
    return HV_NO_DEVICE;
  if (statistic == nullptr || number >= kStatistics)
    return HV_BAD_ARGUMENT;
  const StatisticRow& row = statistic_rows()[number];
  *statistic = {row.name, machine->vm.statistics()[number], row.peak};
  return HV_SUCCESS;
}
