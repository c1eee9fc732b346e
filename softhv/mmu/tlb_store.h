// SPDX-License-Identifier: Apache-2.0
// What one vCPU's MMU remembers: the fast-path tables of several recent contexts (so that switching
// back to an ASID flushes nothing), a larger cache of walk results behind them, and what it takes
// to find the entries that an invalidation names. Used by the vCPU's thread only, but for
// concerned().
#pragma once

#include <array>
#include <bitset>
#include <memory>
#include <unordered_set>
#include <vector>

#include "softhv/core/shootdown.h"
#include "softhv/core/zeroed_array.h"
#include "softhv/mmu/tlb.h"
#include "softhv/mmu/tlb_presence.h"
#include "softhv/mmu/walker.h"

namespace softhv {

// More than a kernel has pages of code that run in a while.
inline constexpr size_t kCodePageBits = 16384;

// What decides whether two moments in time may share translations. TTBRn_EL1's addresses are not
// part of it: as on hardware, entries are tagged with the ASID alone.
struct TlbContext {
  u64 tcr = 0;
  u64 mair = 0;
  u16 asid = 0;
  bool enabled = false;
  bool wxn = false;
  bool alignment_checked = false; // SCTLR_EL1.A

  bool operator==(const TlbContext&) const = default;
  [[nodiscard]] bool same_but_asid(const TlbContext& other) const {
    TlbContext copy = other;
    copy.asid = asid;
    return *this == copy;
  }
};

// Which entries of a table have been filled, so that emptying it costs what filling it did.
struct TlbUse {
  u32 count = 0; // kTlbEntries: too many to tell
  std::array<u16, kTlbEntries> index;

  void note(u16 entry) {
    if (count < kTlbEntries)
      index[count++] = entry;
  }
};

// A table, made when something is to be filled in, and what has been filled.
struct TlbFilled {
  std::unique_ptr<TlbTable> table;
  TlbUse used;

  TlbTable& made();
  [[nodiscard]] const TlbTable& seen() const { return table != nullptr ? *table : kEmptyTlbTable; }
};

// Numbers a time during which instruction fetches from the addresses that were noted kept their
// translations and TlbEntry::code its meaning, for half of a context's address space.
struct CodeEpoch {
  u32 number = 0;
  bool any = false;                 // whether pages were noted
  std::bitset<kCodePageBits> pages; // which, by page number modulo their count

  void restart(u32 new_number) {
    number = new_number;
    if (any)
      pages.reset();
    any = false;
  }
  void note(u64 va) {
    any = true;
    pages.set((va >> kTlbPageBits) % kCodePageBits);
  }
};

struct TlbSlot;

// What contexts that differ in ASID only share: the tables of EL1. Global translations of TTBR1_EL1
// are there for all of them, everything else, the *confined* entries, for one slot at a time: when
// the vCPU turns to another one they are dropped. Of an operating system's kernel these are few.
struct TlbGroup {
  static constexpr size_t kTables = 2; // Regime::kEl1 and kEl1Pan

  u32 slots = 0;            // that belong to it
  TlbSlot* owner = nullptr; // of the confined entries
  CodeEpoch upper_code;
  u64 upper_serial = 0; // tags walk results of TTBR1_EL1 addresses
  std::array<TlbFilled, kTables> filled;
  std::array<TlbUse, kTables> confined; // where such entries have been filled
};

struct TlbSlot {
  TlbContext context;
  TlbGroup* group = nullptr; // of every slot that has been used
  CodeEpoch lower_code;
  u64 lower_serial = 0; // tags walk results of TTBR0_EL1 addresses of this context
  u64 last_used = 0;
  TlbFilled el0;

  TlbFilled& filled(Regime regime) {
    return regime == Regime::kEl0 ? el0 : group->filled[static_cast<size_t>(regime) - 1];
  }
};

class TlbStore {
public:
  TlbStore();

  // The slot for `context`; the least recently used one is emptied for a context not seen lately.
  TlbSlot& select(const TlbContext& context);

  // Thread-safe: TlbPresence::concerned().
  [[nodiscard]] bool concerned(const ShootdownRequest& request) {
    return presence_.concerned(request);
  }

  // Before insert(): whether the descriptors have to be read again, because others could not know
  // until now that `leaf` may be cached here. Makes room for it.
  [[nodiscard]] bool announce(u64 va, const Leaf& leaf);

  // A walk result remembered for the page of `va` (canonical), or nullptr.
  [[nodiscard]] const Leaf* find(const TlbSlot& slot, u64 va) const;
  void insert(const TlbSlot& slot, u64 va, const Leaf& leaf);

  // To be called when the slot's entry for `va` is to be filled and was not in use, or was for
  // another page or translation.
  void note_filled(TlbSlot& slot, Regime regime, u64 va, bool global);

  // To be called for every entry whose write_tag has been set.
  void note_writer(TlbEntry& entry);

  void invalidate(const ShootdownRequest& request);

  // Forgets every TlbEntry::code.
  void drop_code();

  // The same; numbers of epochs start anew.
  void restart_epochs();

  // To be called when the entry for instruction fetches from the page of `va` gets its
  // TlbEntry::code.
  static void note_code(TlbSlot& slot, u64 va);

  // Mmu::code_space().
  [[nodiscard]] size_t code_space(const TlbSlot& slot, u64 va) const {
    return (va >> 55 & 1) != 0 ? static_cast<size_t>(slot.group - groups_.data())
                               : groups_.size() + static_cast<size_t>(&slot - slots_.data());
  }

private:
  static constexpr size_t kWalks = 16384;
  static constexpr size_t kMaxBlocks = 4096;
  static constexpr size_t kBuckets = 2048;
  static constexpr size_t kBucketSize = 4;

  // These are made of zeros: of a ZeroedArray.
  struct Walk {
    u64 page;
    u64 serial; // 0: there is none
    u16 asid;
    Leaf leaf;
  };
  // Where the write fast paths to a page are, so that taking them away needs no search.
  struct Writer {
    u64 ipa;
    TlbEntry* entry; // nullptr: there is none
  };
  struct Bucket {
    std::array<Writer, kBucketSize> writers;
    bool overflowed;
    bool used;
  };

  static size_t walk_index(u64 va, u64 serial) {
    return ((va >> kTlbPageBits) ^ (serial * 0x9e5U)) & (kWalks - 1);
  }
  static size_t bucket_index(u64 ipa) {
    const u64 page = ipa >> kTlbPageBits;
    return (page ^ (page >> 11)) & (kBuckets - 1);
  }
  [[nodiscard]] static u64 serial_for(const TlbSlot& slot, u64 va) {
    return (va >> 55 & 1) != 0 ? slot.group->upper_serial : slot.lower_serial;
  }

  template <typename F>
  void for_each_entry(F f);
  void forget(TlbSlot& slot);
  void clear(TlbGroup& group);
  static void drop_confined(TlbGroup& group);
  void leave_group(TlbSlot& slot);
  void join_group(TlbSlot& slot);
  TlbSlot& turn_to(TlbSlot& slot);
  void invalidate_all();
  void invalidate_asid(u16 asid);
  void invalidate_va(u64 va, u16 asid, bool any_asid);
  void drop_range(u64 base, u64 size, u16 asid, bool any_asid);
  void drop_walks(u64 base, u64 size, u64 serial, u16 asid, bool any_asid);
  void drop_ipa(u64 ipa, u64 size);
  void drop_writers(u64 ipa);
  void drop_lower_code(TlbSlot& slot);
  void drop_upper_code(TlbGroup& group);
  void end_lower_epoch(TlbSlot& slot);
  void end_upper_epoch(TlbGroup& group);
  void end_epochs_of_page(u64 base, u64 size, u16 asid, bool any_asid);

  // Whether the slot has no entry for the lower half that an invalidation by `asid` reaches.
  [[nodiscard]] bool spared(const TlbSlot& slot, u16 asid, bool any_asid) const {
    return slot.group == nullptr || (!any_asid && !lower_global_ && slot.context.asid != asid);
  }

  std::array<TlbSlot, TlbPresence::kSlots> slots_;
  std::array<TlbGroup, TlbPresence::kSlots> groups_; // those of slots, and ones without
  TlbPresence presence_;
  u64 next_serial_ = 1;
  u64 clock_ = 0;
  ZeroedArray<Walk> walks_;
  // Pages and blocks larger than 4 KiB whose fragments may be cached: base | shift.
  std::unordered_set<u64> blocks_;
  u64 block_shifts_ = 0;      // bit n: blocks_ may hold one of shift n
  bool upper_tagged_ = false; // a non-global TTBR1_EL1 translation has been cached
  bool lower_global_ = false; // a global TTBR0_EL1 translation has been cached
  bool upper_at_el0_ = false; // EL0 has used an address of TTBR1_EL1
  u32 next_epoch_ = 1;
  ZeroedArray<Bucket> buckets_;
  std::vector<u16> used_buckets_; // by index
};

} // namespace softhv
