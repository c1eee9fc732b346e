// SPDX-License-Identifier: Apache-2.0
// Vm: what the vCPUs of one virtual machine share.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "softhv/core/cpu.h"
#include "softhv/mmu/stage2.h"

namespace softhv {

namespace gic {
class Gic;
}

inline constexpr u32 kMaxVcpus = 32;

class Vm {
public:
  explicit Vm(u32 ipa_bits);
  ~Vm();
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;

  Stage2 stage2;
  const u32 ipa_bits;
  std::unique_ptr<gic::Gic> gic; // null until hv_gic_create

  // Sets `reason` in the vCPU's attention and wakes it if it waits in WFI or WFE. Thread-safe.
  void wake(Cpu& cpu, u32 reason);

  // An access to an IPA that is not RAM but belongs to SoftHV itself (GICD, GICR). Returns false
  // when nothing of ours is there; the access then leaves to the host as a data abort.
  bool internal_read(Cpu& cpu, u64 ipa, unsigned size, u64& value);
  bool internal_write(Cpu& cpu, u64 ipa, unsigned size, u64 value);
};

} // namespace softhv
