// SPDX-License-Identifier: Apache-2.0
// Cross-vCPU invalidation: a vCPU (or a host thread, for hv_vm_protect) asks every other vCPU to
// drop TLB entries and waits until none of them can still use what was dropped. Stands for the
// broadcast TLBI that DSB completes (Arm ARM D8.14), and for the write-protection of pages from
// which code has been translated.
//
// Protocol: a request is queued with the target and kAttentionShootdown set. A vCPU that executes
// guest code serves its queue at the next block boundary and at every DSB; one outside hv_vcpu_run
// or asleep in WFI serves it before its next guest instruction, so nobody waits for it.
#pragma once

#include "softhv/core/cpu.h"

namespace softhv {

struct ShootdownRequest {
  enum class Kind : u8 {
    kAll,       // every entry
    kAsid,      // non-global entries of `asid`
    kVa,        // entries for `va` of `asid` and global ones
    kVaAllAsid, // entries for `va`
    kIpa,       // entries that map the IPA range [ipa, ipa + size): any use
    kIpaWrite,  // the write permission of entries that map the IPA page, and advance its generation
  };
  Kind kind = Kind::kAll;
  u16 asid = 0;
  u64 va = 0;
  u64 ipa = 0;
  u64 size = 0;
};

// Queues `request` with every vCPU of the VM but `self` (nullptr: a host thread asks).
void shootdown_post(Vm& vm, Cpu* self, const ShootdownRequest& request);

// Waits until every request that this vCPU (or host thread) posted has been served, serving its own
// queue meanwhile so that two waiting vCPUs do not block each other.
void shootdown_wait(Vm& vm, Cpu* self);

// Serves the queue of `cpu`, by its own thread.
void shootdown_serve(Cpu& cpu);

} // namespace softhv
