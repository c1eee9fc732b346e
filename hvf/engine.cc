// SPDX-License-Identifier: Apache-2.0
#include "hvf/engine.h"

#include "hvf/error.h"
#include "hvf/softhv_extension.h"

#if KINDLING_HAS_SOFTHV

namespace kindling::hvf {

namespace {

bool has(hv_softhv_capability_t capability) {
  uint32_t version = 0;
  return hv_softhv_get_capability(capability, &version) == HV_SUCCESS && version != 0;
}

Status set(hv_softhv_option_t option, u64 value, std::string_view what) {
  return check(hv_softhv_vm_set_option(option, value), what);
}

} // namespace

EngineCapabilities query_engine() {
  return {.software = has(HV_SOFTHV_CAPABILITY_OPTIONS) && has(HV_SOFTHV_CAPABILITY_STATISTICS),
          .jit = has(HV_SOFTHV_CAPABILITY_JIT)};
}

Status set_engine(const arch::EngineOptions& options) {
  // Vm::memory_changed() is told of everything that devices write.
  if (has(HV_SOFTHV_CAPABILITY_JIT)) {
    if (Status s = set(HV_SOFTHV_OPTION_HOST_WRITES_ANNOUNCED, 1, "the promise to tell of writes");
        !s) {
      return s;
    }
  }
  if (options.engine != arch::Engine::kAuto) {
    const u64 engine =
        options.engine == arch::Engine::kJit ? HV_SOFTHV_ENGINE_JIT : HV_SOFTHV_ENGINE_INTERPRETER;
    if (Status s = set(HV_SOFTHV_OPTION_ENGINE, engine, "the choice of an engine"); !s) {
      return s;
    }
  }
  if (options.lockstep) {
    if (Status s = set(HV_SOFTHV_OPTION_LOCKSTEP, 1, "lockstep checking"); !s) {
      return s;
    }
  }
  switch (options.perf) {
  case arch::PerfFormat::kNone: return {};
  case arch::PerfFormat::kMap: return set(HV_SOFTHV_OPTION_PERF_MAP, 1, "the map for perf");
  case arch::PerfFormat::kJitdump: return set(HV_SOFTHV_OPTION_JITDUMP, 1, "the jitdump file");
  }
  return {};
}

Result<std::vector<arch::Statistic>> read_statistics() {
  std::vector<arch::Statistic> all;
  hv_softhv_statistic_t one;
  for (uint32_t number = 0;; ++number) {
    const hv_return_t result = hv_softhv_vm_get_statistic(number, &one);
    if (result == HV_BAD_ARGUMENT) { // behind the last one
      return all;
    }
    if (Status s = check(result, "hv_softhv_vm_get_statistic"); !s) {
      return s.error();
    }
    all.push_back({one.name, one.value, one.peak});
  }
}

} // namespace kindling::hvf

#else

namespace kindling::hvf {

EngineCapabilities query_engine() {
  return {};
}

Status set_engine(const arch::EngineOptions& options) {
  return options == arch::EngineOptions{} ? Status() : check(HV_UNSUPPORTED, "an engine's options");
}

Result<std::vector<arch::Statistic>> read_statistics() {
  return std::vector<arch::Statistic>{};
}

} // namespace kindling::hvf

#endif
