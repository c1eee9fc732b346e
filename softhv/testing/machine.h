// SPDX-License-Identifier: Apache-2.0
// A machine for directed tests of the CPU: a Vm with RAM and one or more vCPUs, driven without the
// Hypervisor.framework API. Programs are those that kindling_guest_program assembles. Not part of
// the installed library.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "softhv/core/vm.h"

namespace softhv::testing {

inline constexpr u64 kRamBase = 0x4000'0000;
inline constexpr u64 kRamSize = 16 << 20;

class Machine {
public:
  // `cpus` vCPUs at EL1h with all interrupts masked, PC at the start of RAM, MMU off. Without
  // options: those that a VM has by itself.
  explicit Machine(unsigned cpus = 1, u64 ram_size = kRamSize,
                   const std::optional<EngineOptions>& options = {});
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Copies `name`.bin to the address and points every vCPU's PC there. Fails the test when there is
  // no such program.
  void load(const std::string& name, u64 address = kRamBase);
  void load_words(std::span<const u32> words, u64 address = kRamBase);

  // Runs a vCPU on the calling thread until it leaves to the host.
  const VmExit& run(unsigned cpu = 0);
  // Runs until HVC #imm and returns the immediate; any other exit fails the test and returns ~0.
  u64 run_to_hvc(unsigned cpu = 0);

  Cpu& cpu(unsigned n = 0) { return *cpus_[n]; }
  u64& x(unsigned n, unsigned cpu = 0) { return cpus_[cpu]->s.x[n]; }
  Vm& vm() { return vm_; }

  // Guest memory by physical address, within RAM.
  u8* host(u64 address) { return ram_ + (address - kRamBase); }
  template <typename T>
  T read(u64 address) {
    T value;
    std::memcpy(&value, host(address), sizeof value);
    return value;
  }
  template <typename T>
  void write(u64 address, T value) {
    std::memcpy(host(address), &value, sizeof value);
  }

private:
  Vm vm_;
  u8* ram_ = nullptr;
  u64 ram_size_;
  std::vector<Cpu*> cpus_;
};

} // namespace softhv::testing
