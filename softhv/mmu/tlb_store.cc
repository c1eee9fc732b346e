// SPDX-License-Identifier: Apache-2.0
#include "softhv/mmu/tlb_store.h"

#include <algorithm>

#include "arch/bits.h"

namespace softhv {
namespace {

// TlbEntry::attributes: the canonical address of the page, and this bit.
constexpr u64 kEntryGlobal = 1;

void drop(TlbEntry& entry) {
  entry.read_tag = kTlbInvalid;
  entry.write_tag = kTlbInvalid;
  entry.fetch_tag = kTlbInvalid;
  entry.code = nullptr;
}

void drop_if(TlbEntry& entry, u64 base, u64 size, bool all) {
  if ((entry.attributes & kTlbPageMask) - base < size &&
      (all || (entry.attributes & kEntryGlobal) != 0))
    drop(entry);
}

} // namespace

TlbStore::TlbStore() : walks_(kWalks), buckets_(kBuckets) {}

// Every entry of the table that may be in use.
template <typename F>
void TlbStore::for_each_entry(TlbSlot& slot, unsigned regime, F f) {
  const TlbUse& use = slot.used[regime];
  if (use.count == 0)
    return;
  TlbTable& table = *slot.tables[regime];
  if (use.count == kTlbEntries) {
    for (TlbEntry& entry : table.entries)
      f(entry);
    return;
  }
  for (u32 i = 0; i < use.count; ++i)
    f(table.entries[use.index[i]]);
}

template <typename F>
void TlbStore::for_each_entry(F f) {
  for (TlbSlot& slot : slots_)
    for (unsigned r = 0; r < kRegimes; ++r)
      for_each_entry(slot, r, f);
}

void TlbStore::clear(TlbSlot& slot) {
  for (unsigned r = 0; r < kRegimes; ++r) {
    for_each_entry(slot, r, drop);
    slot.used[r].count = 0;
  }
}

// The slot loses its context. Links to the pages noted in it may go on, if another context shares
// the number of the epoch: the note has to stay with that.
void TlbStore::pass_on_notes(const TlbSlot& slot) {
  for (TlbSlot& other : slots_) {
    if (&other == &slot || other.upper_code.number != slot.upper_code.number)
      continue;
    other.upper_code.pages |= slot.upper_code.pages;
    return;
  }
}

// With what walks have found for addresses of TTBR0_EL1.
void TlbStore::forget(TlbSlot& slot) {
  clear(slot);
  end_epoch(slot, false);
  slot.lower_serial = next_serial_++;
}

TlbSlot& TlbStore::turn_to(TlbSlot& slot) {
  slot.last_used = ++clock_;
  if (presence_.use(static_cast<size_t>(&slot - slots_.data())))
    forget(slot);
  return slot;
}

TlbSlot& TlbStore::select(const TlbContext& context) {
  TlbSlot* oldest = &slots_[0];
  u64 upper_serial = 0;
  u32 upper_epoch = 0;
  for (TlbSlot& slot : slots_) {
    if (slot.last_used != 0 && slot.context == context)
      return turn_to(slot);
    if (slot.last_used != 0 && slot.context.same_but_asid(context)) {
      upper_serial = slot.upper_serial;
      upper_epoch = slot.upper_code.number;
    }
    if (slot.last_used < oldest->last_used)
      oldest = &slot;
  }
  pass_on_notes(*oldest);
  forget(*oldest);
  oldest->context = context;
  oldest->upper_code = {.number = upper_epoch != 0 ? upper_epoch : next_epoch_++, .pages = {}};
  oldest->upper_serial = upper_serial != 0 ? upper_serial : next_serial_++;
  for (auto& table : oldest->tables)
    if (table == nullptr)
      table = std::make_unique<TlbTable>();
  presence_.assign(static_cast<size_t>(oldest - slots_.data()), context.asid);
  return turn_to(*oldest);
}

bool TlbStore::announce(u64 va, const Leaf& leaf) {
  const bool upper = bit(va, 55);
  return leaf.global != upper && presence_.note_unconfined();
}

const Leaf* TlbStore::find(const TlbSlot& slot, u64 va) const {
  const u64 serial = serial_for(slot, va);
  const Walk& walk = walks_[walk_index(va, serial)];
  if (walk.page != (va & kTlbPageMask) || walk.serial != serial)
    return nullptr;
  return walk.leaf.global || walk.asid == slot.context.asid ? &walk.leaf : nullptr;
}

void TlbStore::insert(const TlbSlot& slot, u64 va, const Leaf& leaf) {
  const u64 serial = serial_for(slot, va);
  walks_[walk_index(va, serial)] = {va & kTlbPageMask, serial, slot.context.asid, leaf};
  if (leaf.shift > kTlbPageBits) {
    if (blocks_.size() >= kMaxBlocks)
      invalidate_all();
    blocks_.insert(align_down(va, 1ULL << leaf.shift) | leaf.shift);
    block_shifts_ |= 1ULL << leaf.shift;
  }
  if (bit(va, 55) && !leaf.global)
    upper_tagged_ = true;
  if (!bit(va, 55) && leaf.global)
    lower_global_ = true;
}

void TlbStore::note_writer(TlbEntry& entry) {
  Bucket& bucket = buckets_[bucket_index(entry.ipa)];
  Writer* free = nullptr;
  for (Writer& writer : bucket.writers) {
    if (writer.entry == &entry && writer.ipa == entry.ipa)
      return;
    if (writer.entry == nullptr || writer.entry->ipa != writer.ipa ||
        writer.entry->write_tag == kTlbInvalid)
      free = &writer;
  }
  if (free == nullptr)
    bucket.overflowed = true;
  else
    *free = {entry.ipa, &entry};
}

void TlbStore::invalidate(const ShootdownRequest& request) {
  using Kind = ShootdownRequest::Kind;
  switch (request.kind) {
  case Kind::kAll: invalidate_all(); break;
  case Kind::kAsid: invalidate_asid(request.asid); break;
  case Kind::kVa: invalidate_va(request.va, request.asid, false); break;
  case Kind::kVaAllAsid: invalidate_va(request.va, 0, true); break;
  case Kind::kIpa: drop_ipa(request.ipa, request.size); break;
  case Kind::kIpaWrite: drop_writers(request.ipa); break;
  case Kind::kCode: break; // translations stay
  }
}

void TlbStore::note_code(TlbSlot& slot, u64 va) {
  CodeEpoch& epoch = bit(va, 55) ? slot.upper_code : slot.lower_code;
  epoch.pages.set((va >> kTlbPageBits) % epoch.pages.size());
}

void TlbStore::drop_code() {
  for (TlbSlot& slot : slots_)
    for (const bool upper : {false, true})
      end_epoch(slot, upper);
}

void TlbStore::restart_epochs() {
  std::array<size_t, TlbPresence::kSlots> shares; // the first slot with the same upper half
  for (size_t i = 0; i < slots_.size(); ++i)
    for (shares[i] = 0; slots_[shares[i]].upper_code.number != slots_[i].upper_code.number;)
      ++shares[i];
  next_epoch_ = 1;
  for (size_t i = 0; i < slots_.size(); ++i) {
    TlbSlot& slot = slots_[i];
    slot.lower_code = {.number = next_epoch_++, .pages = {}};
    const bool first = shares[i] == i;
    slot.upper_code = {.number = first ? next_epoch_++ : slots_[shares[i]].upper_code.number,
                       .pages = {}};
    drop_code(slot, false);
    drop_code(slot, true);
  }
}

void TlbStore::drop_code(TlbSlot& slot, bool upper) {
  for (unsigned r = 0; r < kRegimes; ++r)
    for_each_entry(slot, r, [upper](TlbEntry& entry) {
      if (bit(entry.attributes, 55) == upper)
        entry.code = nullptr;
    });
}

// For all contexts that share the half.
void TlbStore::end_epoch(TlbSlot& slot, bool upper) {
  if (!upper) {
    slot.lower_code = {.number = next_epoch_++, .pages = {}};
    drop_code(slot, false);
    return;
  }
  const u32 ended = slot.upper_code.number;
  const u32 number = next_epoch_++;
  for (TlbSlot& other : slots_) {
    if (other.upper_code.number != ended)
      continue;
    other.upper_code = {.number = number, .pages = {}};
    drop_code(other, true);
  }
}

void TlbStore::end_epochs_of_page(u64 base, u64 size, u16 asid, bool any_asid) {
  const bool upper = bit(base, 55);
  for (TlbSlot& slot : slots_) {
    CodeEpoch& epoch = upper ? slot.upper_code : slot.lower_code;
    if (slot.last_used == 0 || epoch.pages.none())
      continue;
    if (!upper && !any_asid && !lower_global_ && slot.context.asid != asid)
      continue;
    const u64 pages = std::min<u64>(size >> kTlbPageBits, epoch.pages.size());
    const u64 first = base >> kTlbPageBits;
    bool noted = false;
    for (u64 i = 0; i < pages && !noted; ++i)
      noted = epoch.pages.test((first + i) % epoch.pages.size());
    if (noted)
      end_epoch(slot, upper);
  }
}

void TlbStore::invalidate_all() {
  drop_code();
  const u64 first_new = next_serial_;
  for (TlbSlot& slot : slots_) {
    forget(slot);
    // Contexts that shared their upper half go on sharing it.
    for (const TlbSlot& other : slots_)
      if (&other < &slot && other.context.same_but_asid(slot.context))
        slot.upper_serial = other.upper_serial;
    if (slot.upper_serial < first_new)
      slot.upper_serial = next_serial_++;
  }
  blocks_.clear();
  block_shifts_ = 0;
  upper_tagged_ = false;
  lower_global_ = false;
  presence_.clear_unconfined();
  for (Bucket& bucket : buckets_)
    bucket = {};
}

void TlbStore::invalidate_asid(u16 asid) {
  if (upper_tagged_) {
    invalidate_all();
    return;
  }
  for (TlbSlot& slot : slots_) {
    if (slot.context.asid != asid)
      continue;
    forget(slot);
  }
}

void TlbStore::drop_range(TlbSlot& slot, u64 base, u64 size, bool all) {
  for (unsigned r = 0; r < kRegimes; ++r) {
    if (slot.used[r].count == 0)
      continue;
    TlbTable& table = *slot.tables[r];
    if (size >= kTlbEntries * kTlbPageSize) {
      for_each_entry(slot, r, [&](TlbEntry& entry) { drop_if(entry, base, size, all); });
    } else {
      for (u64 offset = 0; offset < size; offset += kTlbPageSize)
        drop_if(table.entry_for(base + offset), base, size, all);
    }
  }
  if (size >= kWalks * kTlbPageSize) {
    for (Walk& walk : walks_)
      if (walk.page - base < size)
        walk.page = ~0ULL;
    return;
  }
  const u64 serial = serial_for(slot, base);
  for (u64 va = base; va - base < size; va += kTlbPageSize) {
    Walk& walk = walks_[walk_index(va, serial)];
    if (walk.page == va && walk.serial == serial &&
        (all || walk.leaf.global || walk.asid == slot.context.asid))
      walk.page = ~0ULL;
  }
}

void TlbStore::invalidate_va(u64 va, u16 asid, bool any_asid) {
  va &= kTlbPageMask;
  const auto drop_everywhere = [&](u64 base, u64 size) {
    end_epochs_of_page(base, size, asid, any_asid);
    for (TlbSlot& slot : slots_)
      if (slot.last_used != 0)
        drop_range(slot, base, size, any_asid || slot.context.asid == asid);
  };
  drop_everywhere(va, kTlbPageSize);
  for (u64 shifts = block_shifts_; shifts != 0; shifts &= shifts - 1) {
    const auto shift = static_cast<unsigned>(__builtin_ctzll(shifts));
    const u64 base = align_down(va, 1ULL << shift);
    if (!blocks_.contains(base | shift))
      continue;
    drop_everywhere(base, 1ULL << shift);
    if (any_asid)
      blocks_.erase(base | shift);
  }
}

void TlbStore::drop_ipa(u64 ipa, u64 size) {
  drop_code();
  for_each_entry([&](TlbEntry& entry) {
    if (entry.ipa - ipa < size)
      drop(entry);
  });
}

void TlbStore::drop_writers(u64 ipa) {
  Bucket& bucket = buckets_[bucket_index(ipa)];
  for (Writer& writer : bucket.writers) {
    if (writer.ipa != ipa)
      continue;
    if (writer.entry->ipa == ipa)
      writer.entry->write_tag = kTlbInvalid;
    writer = {};
  }
  if (!bucket.overflowed)
    return;
  for_each_entry([&](TlbEntry& entry) {
    if (entry.ipa == ipa)
      entry.write_tag = kTlbInvalid;
  });
}

} // namespace softhv
