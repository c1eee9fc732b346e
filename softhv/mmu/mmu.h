// SPDX-License-Identifier: Apache-2.0
// Stage-1 translation for one vCPU (Arm ARM D8): table walks, permission checks, and the software
// TLB that caches them. Used by the vCPU's thread only, but for concerned().
#pragma once

#include <memory>
#include <optional>

#include "softhv/core/cpu.h"
#include "softhv/core/shootdown.h"
#include "softhv/mmu/stage2.h"
#include "softhv/mmu/tlb_presence.h"
#include "softhv/mmu/walker.h"

namespace softhv {

enum class Access : u8 { kRead, kWrite, kFetch };

// Why an access is not allowed.
struct MmuFault {
  u8 status = 0;        // kStatus... | level
  bool stage2 = false;  // to be reported to the host, with `ipa`
  bool on_walk = false; // stage 2, while reading a translation table descriptor
  u64 ipa = 0;
};

// Where an access goes.
struct MmuTarget {
  Leaf leaf;
  u64 ipa = 0;                    // of the address itself
  std::optional<Stage2Page> page; // not set: no memory there
};

class Mmu {
public:
  explicit Mmu(Cpu& cpu);
  ~Mmu();

  // The entry for an instruction fetch at `pc`, with fetch_tag set. nullptr: the exception has been
  // taken (PC alignment, translation, permission, ...) or the exit recorded. Where the top byte of
  // addresses is ignored, cpu.s.pc becomes the canonical form of `pc`.
  TlbEntry* fetch(u64 pc);

  // Whether the last fetch() had to walk the translation tables, so that what it found need not be
  // what was there before.
  [[nodiscard]] bool fetch_walked() const;

  // To be called after any change of SCTLR_EL1, TCR_EL1, MAIR_EL1, TTBRn_EL1 or CPACR_EL1. Cheap
  // when nothing that matters has changed.
  void context_changed();
  // While a host sets registers one by one, contexts that come and go are not looked at: between
  // the two calls context_changed() does nothing, and the next settle_context(), which is called
  // before the vCPU executes, makes up for it.
  void begin_host_change();
  void end_host_change();
  void settle_context();
  // The same for EL, PSTATE.PAN and PSTATE.UAO. Cheap.
  void regime_changed();

  // Forgets every TlbEntry::code, and ends all epochs of code.
  void drop_code();

  // The same, when nothing remembers the number of an epoch: they start anew.
  void restart_epochs();

  // To be called when the entry for fetches from the page of `va`, which is canonical, gets its
  // TlbEntry::code: from now on, whatever makes that entry invalid changes the number in
  // CpuCore::code_epochs for that half of the address space.
  void note_code(u64 va);

  // Numbers the half of a context's address space that `va`, which is canonical, is in; contexts
  // that share an epoch share the number. Of those with the same number one has a current epoch.
  static constexpr size_t kCodeSpaces = 2 * TlbPresence::kSlots;
  [[nodiscard]] size_t code_space(u64 va) const;

  // Makes every store to the page, by any vCPU, advance its generation, and returns the generation
  // to translate under: translate only while info[0] has that value. May wait for other vCPUs and
  // drop entries of this one.
  u32 mark_code(u64 ipa, std::atomic<u32>* info);

  // Translates a data access within one page, checks its permissions and fills the TLB for it.
  // `unprivileged`: with EL0's permissions where PSTATE.UAO allows that (LDTR, STTR). `unaligned`
  // is an alignment fault on Device memory.
  struct DataAccess {
    bool write = false;
    bool unprivileged = false;
    bool unaligned = false;
  };
  bool data(u64 va, DataAccess access, MmuTarget& target, MmuFault& fault);

  // Fills the TLB for accesses to the page of `va` at the current Exception level, or as
  // DataAccess says of unprivileged ones. False: there is something about such an access that
  // takes more, and nothing has happened.
  bool refill(u64 va, bool write, bool unprivileged);

  // refill() remembers that there was no translation, for the instruction that is interpreted then:
  // to be called when that has been done, or anything else is.
  void forget_fault();

  // Stage 1 for `va` as `regime` sees it, without memory attributes' effects: AT (Arm ARM D8.10).
  bool translate(u64 va, Regime regime, Access access, Leaf& leaf, MmuFault& fault);

  // Any thread, after it has changed descriptors: whether the vCPU has to be asked to invalidate()
  // `request`. Otherwise it will have done before it could use what `request` names.
  [[nodiscard]] bool concerned(const ShootdownRequest& request) const;

  // Drops what `request` names from this vCPU's caches.
  void invalidate(const ShootdownRequest& request);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace softhv
