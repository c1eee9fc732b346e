// SPDX-License-Identifier: Apache-2.0
// Cross-vCPU invalidation: a vCPU (or a host thread, for hv_vm_protect) asks every other vCPU to
// drop TLB entries and waits until none of them can still use what was dropped. Stands for the
// broadcast TLBI that DSB completes (Arm ARM D8.14), and for the write-protection of pages from
// which code has been translated.
//
// Protocol: a request is queued with the target and kAttentionShootdown set. A vCPU that executes
// guest code serves its queue at the next block boundary; one that does not (outside hv_vcpu_run,
// asleep in WFI, or waiting for others itself) serves it before its next guest instruction, so
// nobody waits for it.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "arch/types.h"
#include "softhv/core/wait_queue.h"

namespace softhv {

struct Cpu;
class Vm;

struct ShootdownRequest {
  enum class Kind : u8 {
    kEverything, // every entry, and what is remembered of stage 2
    kAll,        // every entry
    kAsid,       // non-global entries of `asid`
    kVa,         // entries for `va` of `asid` and global ones
    kVaAllAsid,  // entries for `va`
    kIpa,        // entries that map the IPA range [ipa, ipa + size): any use
    kIpaWrite,   // the write permission of entries that map the IPA page
    kCode, // what was translated from the IPA page; no wait, for a vCPU may run old code until
           // it synchronizes its context, where it looks at its attention
  };
  Kind kind = Kind::kEverything;
  u16 asid = 0;
  u64 va = 0;
  u64 ipa = 0;
  u64 size = 0;
};

// A vCPU's queue. Shared with the threads that wait for it, so that a vCPU may be destroyed
// meanwhile.
struct ShootdownMailbox {
  std::mutex mutex;
  std::vector<ShootdownRequest> queue; // under mutex
  u64 posted = 0;                      // requests ever queued; under mutex
  std::atomic<u64> served{0};          // how many of them have been served
  std::atomic<bool> in_guest{false};   // the vCPU may be executing guest code
  WaitQueue waiters;                   // for the two above to change
};

// Queues `request` with those vCPUs of the VM that `targets` names (bit n: Cpu::index n), but never
// with `self` (nullptr: a host thread asks).
void shootdown_post(Vm& vm, Cpu* self, const ShootdownRequest& request, u32 targets = ~0U);

// Waits until every request that the calling thread posted has been served. Nobody waits for `self`
// meanwhile; its queue is served before this returns. The caller holds no lock that a vCPU needs in
// order to reach a block boundary.
void shootdown_wait(Cpu* self);

// Serves the queue of `cpu`, by its own thread.
void shootdown_serve(Cpu& cpu);

// To be called by the vCPU's thread before it executes guest code, and after: around the loop of
// hv_vcpu_run, and the other way round where it sleeps in WFI or WFE. enter_guest() serves what was
// queued meanwhile.
void enter_guest(Cpu& cpu);
void leave_guest(Cpu& cpu);

class GuestScope {
public:
  explicit GuestScope(Cpu& cpu) : cpu_(cpu) { enter_guest(cpu_); }
  ~GuestScope() { leave_guest(cpu_); }
  GuestScope(const GuestScope&) = delete;
  GuestScope& operator=(const GuestScope&) = delete;

private:
  Cpu& cpu_;
};

} // namespace softhv
