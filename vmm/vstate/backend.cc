// SPDX-License-Identifier: Apache-2.0
#include "vmm/vstate/backend.h"

#include <bit>

#include <fmt/format.h>

#include "hvf/engine.h"
#include "hvf/vm.h"
#include "vmm/vstate/hvf_vm.h"

namespace kindling::vmm::vstate {

namespace {

struct NamedBackend {
  std::string_view name;
  Backend backend;
};
constexpr NamedBackend kBackends[] = {
    {"auto", Backend::kAuto},
    {"soft", Backend::kSoft},
    {"hvf", Backend::kHvf},
    {"kvm", Backend::kKvm},
};

// The engine that answers the Hypervisor.framework API in this build.
#if defined(__APPLE__)
constexpr Backend kNative = Backend::kHvf;
#else
constexpr Backend kNative = Backend::kSoft;
#endif

Error unavailable(Backend backend) {
  switch (backend) {
  case Backend::kHvf:
    return Error{"--backend hvf: Hypervisor.framework exists only on macOS on Apple silicon; "
                 "this host runs --backend soft"};
  case Backend::kKvm:
#if defined(__linux__) && defined(__aarch64__)
    return Error{"--backend kvm: this build has no KVM engine; use --backend soft"};
#else
    return Error{fmt::format("--backend kvm: arm64 guests under KVM need Linux on an arm64 host; "
                             "this host runs --backend {}",
                             backend_name(kNative))};
#endif
  default:
    return Error{fmt::format("--backend {}: this build has no such engine; use --backend {}",
                             backend_name(backend), backend_name(kNative))};
  }
}

// The width of an address that reaches the last byte of RAM.
u32 address_bits(u64 ram_size) {
  return static_cast<u32>(std::bit_width(arch::ram_range(ram_size).end() - 1));
}

} // namespace

Result<Backend> parse_backend(std::string_view name) {
  for (const auto& row : kBackends) {
    if (row.name == name) {
      return row.backend;
    }
  }
  return Error{
      fmt::format("--backend {}: there is no such backend; it is one of {}", name, kBackendNames)};
}

std::string_view backend_name(Backend backend) {
  for (const auto& row : kBackends) {
    if (row.backend == backend) {
      return row.name;
    }
  }
  return "unknown";
}

Result<Capabilities> discover(Backend backend) {
  if (backend != Backend::kAuto && backend != kNative) {
    return unavailable(backend);
  }
  const auto limits = hvf::query_limits();
  if (!limits) {
    return limits.error().with_context(fmt::format("--backend {}", backend_name(kNative)));
  }
  const hvf::EngineCapabilities engine = hvf::query_engine();
  return Capabilities{kNative, limits->max_vcpus, limits->max_ipa_bits, engine.software,
                      engine.jit};
}

Status check_engine(const Capabilities& capabilities, const arch::EngineOptions& options,
                    bool statistics) {
  const std::string engine =
      options.engine == arch::Engine::kJit ? "--engine jit" : "--engine interp";
  const std::string perf = options.perf == arch::PerfFormat::kMap ? "--perf map" : "--perf jitdump";
  const bool wants_engine = options.engine != arch::Engine::kAuto;
  const bool wants_perf = options.perf != arch::PerfFormat::kNone;
  if (!capabilities.software && (wants_engine || wants_perf || statistics)) {
    return Error{fmt::format("{}: the {} backend runs the guest on the CPU itself; this is for "
                             "--backend soft",
                             wants_engine ? engine
                             : wants_perf ? perf
                                          : "--stats",
                             backend_name(capabilities.backend))};
  }
  if (options.engine == arch::Engine::kJit && !capabilities.jit) {
    return Error{"--engine jit: this build has no JIT for this host; use --engine interp"};
  }
  if (wants_perf && (!capabilities.jit || options.engine == arch::Engine::kInterpreter)) {
    return Error{fmt::format("{}: perf can be told of translated code only; this needs "
                             "--engine jit",
                             perf)};
  }
  if (options.lockstep && (!capabilities.jit || options.engine == arch::Engine::kInterpreter)) {
    return Error{"--lockstep: only translated code can be compared with the interpreter; this "
                 "needs --engine jit"};
  }
  return {};
}

Result<std::unique_ptr<Vm>> create_vm(const Capabilities& capabilities, const VmConfig& config) {
  if (config.vcpus == 0 || config.vcpus > capabilities.max_vcpus) {
    return Error{fmt::format("--smp {}: the {} backend runs 1 to {} vCPUs on this host",
                             config.vcpus, backend_name(capabilities.backend),
                             capabilities.max_vcpus)};
  }
  const u32 bits = address_bits(config.ram_size);
  if (bits > capabilities.max_address_bits) {
    return Error{fmt::format("--mem {}: guest addresses would need {} bits, and the {} backend "
                             "has {} on this host",
                             config.ram_size, bits, backend_name(capabilities.backend),
                             capabilities.max_address_bits)};
  }
  return create_hvf_vm(config, bits);
}

} // namespace kindling::vmm::vstate
