// SPDX-License-Identifier: Apache-2.0
// Cpu: one vCPU of SoftHV as its engine sees it: the architectural state and the run-time state
// around it. Everything but the atomics and `waiter` belongs to the thread that runs the vCPU.
#pragma once

#include <atomic>
#include <memory>

#include "softhv/core/cpu_state.h"
#include "softhv/core/exit.h"
#include "softhv/core/shootdown.h"
#include "softhv/core/statistics.h"
#include "softhv/mmu/tlb.h"

namespace softhv {

class Mmu;
class Vm;
class Waiter;
class WriteJournal;
namespace debug {
class DebugUnit;
}
namespace gic {
class CpuInterface;
}
namespace interp {
class CodeCache;
struct Op;
} // namespace interp
namespace jit {
class Engine;
}
namespace timer {
class GenericTimer;
}

// Reasons for a vCPU to leave the fast path at the next block boundary. Set by any thread, with
// Cpu::request(); cleared by the vCPU before it looks at what they stand for.
inline constexpr u32 kAttentionExit = 1 << 0;      // hv_vcpus_exit
inline constexpr u32 kAttentionInterrupt = 1 << 1; // an interrupt line or mask changed
inline constexpr u32 kAttentionShootdown = 1 << 2; // core/shootdown.h has requests queued
inline constexpr u32 kAttentionDebug = 1 << 3;     // single step or breakpoints are armed
inline constexpr u32 kAttentionAlone = 1 << 4;     // the next instruction wants a block of its own

// Cpu::interrupt_lines: what is asserted at the vCPU's IRQ and FIQ inputs, and by whom.
inline constexpr u32 kLineGicIrq = 1 << 0;
inline constexpr u32 kLineGicFiq = 1 << 1;
inline constexpr u32 kLineHostIrq = 1 << 2; // hv_vcpu_set_pending_interrupt
inline constexpr u32 kLineHostFiq = 1 << 3;
inline constexpr u32 kLineIrq = kLineGicIrq | kLineHostIrq;
inline constexpr u32 kLineFiq = kLineGicFiq | kLineHostFiq;

// Cpu::retire_limit of a VM that does not count instructions.
inline constexpr u64 kNoRetireLimit = ~0ULL;

// What translated code works on. Standard layout, so that it can address it by offsets.
// Of a block of the JIT.
inline constexpr unsigned kMaxLooks = 16;
inline constexpr unsigned kMaxWindows = 8;
inline constexpr unsigned kMaxRuns = 4;

inline constexpr unsigned kHeldVectors = 10; // XMM registers that hold guest registers

// What an access in a loop found when it last looked into the TLB.
struct LookWindow {
  u64 page = 0;  // virtual address
  u64 host = 0;  // address of the page
  u64 limit = 0; // addresses allowed are less than so many bytes behind `page`
};

struct CpuCore {
  CpuState s;

  // The table that data accesses of the current EL and PAN use, and the one that unprivileged
  // accesses (LDTR, STTR) use. Maintained by Mmu::regime_changed().
  const TlbTable* tlb = nullptr;
  const TlbTable* tlb_unprivileged = nullptr;

  // The JIT's: virtual address of the page whose code runs, and places for values.
  u64 code_page = 0;
  u64 scratch[2] = {};
  u64 looks[kMaxLooks] = {}; // host addresses, of ir::Block::looks
  LookWindow windows[kMaxWindows];
  u64 rounds_ahead[kMaxRuns] = {}; // of loops (ir::Block::runs), before they look again
  u64 returns_base = 0;            // the host's stack pointer when no return is predicted
  u64 returns_limit = 0;           // and when no more can be
  u32 code_epochs[2] = {};         // by Exception level: see TlbSlot
  i32 link_credit = 0;             // jumps to go by the TLB before another one is linked
  i32 loop_credit = 0;             // rounds of loops to go before one of them is improved
  Vec kept_vectors[kHeldVectors];  // while a routine of the host runs
  // The JIT's, when instructions are counted, else 0: in bits 63:16, signed, how many translated
  // code may begin before it has to come back (jit/assembler.h).
  i64 allowance = 0;

  std::atomic<u32> attention{0};

  // kLine...: changed by any thread, followed by Vm::wake(kAttentionInterrupt) when a line rises.
  std::atomic<u32> interrupt_lines{0};

  // Requests that this vCPU has posted and not waited for: the next DSB does (core/shootdown.h).
  u32 shootdowns_posted = 0;
};
static_assert(std::is_standard_layout_v<CpuCore>);

struct Cpu : CpuCore {
  Cpu(Vm& vm, u32 index);
  ~Cpu();
  Cpu(const Cpu&) = delete;
  Cpu& operator=(const Cpu&) = delete;

  // Virtual address of the first instruction of the running block.
  u64 block_pc = 0;

  // The op with which the running block will be left, if no other op leaves it first: one that
  // returns nullptr from the middle of a block puts itself here.
  const interp::Op* last = nullptr;

  // Of the page of the running block: changes when the block may be outdated.
  const std::atomic<u32>* code_info = nullptr;

  // Advanced whenever guest code starts to run again. Code pages are compared with what was
  // translated once in each epoch, since the host may have written to them meanwhile.
  u32 code_epoch = 0;

  // Instructions retired since creation, brought up to date at block boundaries, and the count at
  // which the engine stops. core/budget.h has the rules.
  u64 retired = 0;
  u64 retire_limit = kNoRetireLimit;

  // The running block is one instruction, run by interp::step().
  bool alone = false;

  EngineStatistics statistics;

  // Not null while what is executed will be undone (mmu/write_journal.h).
  WriteJournal* journal = nullptr;

  // Set with `exit` filled in when hv_vcpu_run has to return.
  bool exit_pending = false;
  VmExit exit;

  Vm& vm;
  const u32 index;                // 0, 1, ... in order of creation
  std::unique_ptr<Waiter> waiter; // core/wait.h; outlives all that may wake the vCPU
  std::unique_ptr<Mmu> mmu;
  std::unique_ptr<debug::DebugUnit> debug;
  std::unique_ptr<timer::GenericTimer> timer;
  std::unique_ptr<gic::CpuInterface> gic; // null until hv_gic_create
  std::unique_ptr<interp::CodeCache> code;
#ifdef SOFTHV_JIT
  std::unique_ptr<jit::Engine> jit; // null until the vCPU first runs with it
#endif
  const std::shared_ptr<ShootdownMailbox> mailbox = std::make_shared<ShootdownMailbox>();

  // Thread-safe: makes the vCPU look at `reason` at its next block boundary. Does not wake a vCPU
  // that waits in WFI; Vm::wake() does both.
  void request(u32 reason) {
    attention.fetch_or(reason, std::memory_order_seq_cst);
  }
};

} // namespace softhv
