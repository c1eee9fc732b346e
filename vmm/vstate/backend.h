// SPDX-License-Identifier: Apache-2.0
// Which engines there are, which of them this host has, and how to make a Vm on one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/vstate/vm.h"

namespace kindling::vmm::vstate {

enum class Backend : u8 {
  kAuto, // the fastest that this host has
  kSoft, // SoftHV: a CPU in software, on any host
  kHvf,  // Apple's Hypervisor.framework: macOS on Apple silicon
  kKvm,  // Linux on an arm64 host
};
inline constexpr std::string_view kBackendNames = "auto, soft, hvf or kvm";

// The backend that a name on a command line stands for; an error lists the names.
Result<Backend> parse_backend(std::string_view name);
std::string_view backend_name(Backend backend);

// What a backend can do on this host.
struct Capabilities {
  Backend backend = Backend::kSoft;
  u32 max_vcpus = 0;
  u32 max_address_bits = 0; // of guest physical addresses
  bool software = false;    // guest code is executed in software: statistics, and a choice of
  bool jit = false;         //   engines, of which the JIT may be one
};

// Resolves kAuto and finds out what the result can do. An error says in one sentence what host the
// backend would need.
Result<Capabilities> discover(Backend backend);

// Whether the backend can do what `options` and `statistics` ask for. The error names the option of
// the command line.
Status check_engine(const Capabilities& capabilities, const arch::EngineOptions& options,
                    bool statistics);

// A VM on the backend that discover() chose, with its interrupt controller. A process has at most
// one at a time.
Result<std::unique_ptr<Vm>> create_vm(const Capabilities& capabilities, const VmConfig& config);

} // namespace kindling::vmm::vstate
