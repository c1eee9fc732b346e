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

// Whether it is for one context of those that share the table.
bool is_confined(const TlbEntry& entry) {
  return !bit(entry.attributes, 55) || (entry.attributes & kEntryGlobal) == 0;
}

// Every entry of the table that `use` tells of.
template <typename F>
void for_each(TlbTable& table, const TlbUse& use, F f) {
  if (use.count == kTlbEntries) {
    for (TlbEntry& entry : table.entries)
      f(entry);
    return;
  }
  for (u32 i = 0; i < use.count; ++i)
    f(table.entries[use.index[i]]);
}

template <typename F>
void for_each_used(TlbFilled& filled, F f) {
  if (filled.used.count != 0)
    for_each(*filled.table, filled.used, f);
}

void drop_from(TlbFilled& filled, u64 base, u64 size, bool all) {
  if (filled.used.count == 0)
    return;
  if (size >= kTlbEntries * kTlbPageSize) {
    for_each_used(filled, [&](TlbEntry& entry) { drop_if(entry, base, size, all); });
    return;
  }
  for (u64 offset = 0; offset < size; offset += kTlbPageSize)
    drop_if(filled.table->entry_for(base + offset), base, size, all);
}

} // namespace

TlbTable& TlbFilled::made() {
  if (table == nullptr)
    table = std::make_unique<TlbTable>();
  return *table;
}

TlbStore::TlbStore() : walks_(kWalks), buckets_(kBuckets) {}

template <typename F>
void TlbStore::for_each_entry(F f) {
  for (TlbSlot& slot : slots_)
    for_each_used(slot.el0, f);
  for (TlbGroup& group : groups_)
    for (TlbFilled& filled : group.filled)
      for_each_used(filled, f);
}

// With what walks have found for addresses of TTBR0_EL1.
void TlbStore::forget(TlbSlot& slot) {
  for_each_used(slot.el0, drop);
  slot.el0.used.count = 0;
  end_lower_epoch(slot);
  slot.lower_serial = next_serial_++;
  if (slot.group != nullptr && slot.group->owner == &slot)
    drop_confined(*slot.group);
}

void TlbStore::clear(TlbGroup& group) {
  for (TlbFilled& filled : group.filled) {
    for_each_used(filled, drop);
    filled.used.count = 0;
  }
  for (TlbUse& confined : group.confined)
    confined.count = 0;
  group.upper_serial = next_serial_++;
}

void TlbStore::drop_confined(TlbGroup& group) {
  for (size_t i = 0; i < TlbGroup::kTables; ++i) {
    if (group.confined[i].count == 0)
      continue;
    for_each(*group.filled[i].table, group.confined[i], [](TlbEntry& entry) {
      if (is_confined(entry))
        drop(entry);
    });
    group.confined[i].count = 0;
  }
}

void TlbStore::leave_group(TlbSlot& slot) {
  if (slot.group == nullptr)
    return;
  if (slot.group->owner == &slot)
    slot.group->owner = nullptr;
  if (--slot.group->slots == 0)
    clear(*slot.group);
  slot.group = nullptr;
}

// That of the context but for its ASID, or one that has no slots.
void TlbStore::join_group(TlbSlot& slot) {
  for (const TlbSlot& other : slots_)
    if (other.group != nullptr && other.context.same_but_asid(slot.context))
      slot.group = other.group;
  if (slot.group == nullptr) {
    slot.group = std::ranges::find(groups_, 0U, &TlbGroup::slots);
    slot.group->upper_serial = next_serial_++;
    slot.group->upper_code.restart(next_epoch_++);
  }
  ++slot.group->slots;
}

TlbSlot& TlbStore::turn_to(TlbSlot& slot) {
  slot.last_used = ++clock_;
  if (presence_.use(static_cast<size_t>(&slot - slots_.data())))
    forget(slot);
  TlbGroup& group = *slot.group;
  if (group.owner != &slot) {
    drop_confined(group);
    group.owner = &slot;
    if (upper_tagged_) // jumps may be linked that are right for the owner's ASID only
      end_upper_epoch(group);
  }
  return slot;
}

TlbSlot& TlbStore::select(const TlbContext& context) {
  TlbSlot* oldest = &slots_[0];
  for (TlbSlot& slot : slots_) {
    if (slot.group != nullptr && slot.context == context)
      return turn_to(slot);
    if (slot.last_used < oldest->last_used)
      oldest = &slot;
  }
  forget(*oldest);
  leave_group(*oldest);
  oldest->context = context;
  join_group(*oldest);
  presence_.assign(static_cast<size_t>(oldest - slots_.data()), context.asid);
  return turn_to(*oldest);
}

void TlbStore::note_filled(TlbSlot& slot, Regime regime, u64 va, bool global) {
  const auto index = static_cast<u16>(TlbTable::index_of(va));
  if (regime == Regime::kEl0) {
    slot.el0.used.note(index);
    upper_at_el0_ |= bit(va, 55);
    return;
  }
  const size_t table = static_cast<size_t>(regime) - 1;
  slot.group->filled[table].used.note(index);
  if (!global || !bit(va, 55))
    slot.group->confined[table].note(index);
}

bool TlbStore::announce(u64 va, const Leaf& leaf) {
  if (leaf.shift > kTlbPageBits && blocks_.size() >= kMaxBlocks)
    invalidate_all();
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
    blocks_.insert(align_down(va, 1ULL << leaf.shift) | leaf.shift);
    block_shifts_ |= 1ULL << leaf.shift;
  }
  if (bit(va, 55) && !leaf.global)
    upper_tagged_ = true;
  if (!bit(va, 55) && leaf.global)
    lower_global_ = true;
}

void TlbStore::note_writer(TlbEntry& entry) {
  const size_t index = bucket_index(entry.ipa);
  Bucket& bucket = buckets_[index];
  if (!bucket.used) {
    bucket.used = true;
    used_buckets_.push_back(static_cast<u16>(index));
  }
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
  case Kind::kEverything:
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
  (bit(va, 55) ? slot.group->upper_code : slot.lower_code).note(va);
}

void TlbStore::drop_code() {
  for (TlbSlot& slot : slots_)
    end_lower_epoch(slot);
  for (TlbGroup& group : groups_)
    end_upper_epoch(group);
}

void TlbStore::restart_epochs() {
  next_epoch_ = 1;
  drop_code();
}

void TlbStore::drop_lower_code(TlbSlot& slot) {
  const auto drop_if_lower = [](TlbEntry& entry) {
    if (!bit(entry.attributes, 55))
      entry.code = nullptr;
  };
  for_each_used(slot.el0, drop_if_lower);
  if (slot.group == nullptr || slot.group->owner != &slot)
    return;
  for (size_t i = 0; i < TlbGroup::kTables; ++i)
    if (slot.group->confined[i].count != 0)
      for_each(*slot.group->filled[i].table, slot.group->confined[i], drop_if_lower);
}

void TlbStore::drop_upper_code(TlbGroup& group) {
  const auto drop_if_upper = [](TlbEntry& entry) {
    if (bit(entry.attributes, 55))
      entry.code = nullptr;
  };
  for (TlbFilled& filled : group.filled)
    for_each_used(filled, drop_if_upper);
  if (!upper_at_el0_)
    return;
  for (TlbSlot& slot : slots_)
    if (slot.group == &group)
      for_each_used(slot.el0, drop_if_upper);
}

void TlbStore::end_lower_epoch(TlbSlot& slot) {
  slot.lower_code.restart(next_epoch_++);
  drop_lower_code(slot);
}

void TlbStore::end_upper_epoch(TlbGroup& group) {
  group.upper_code.restart(next_epoch_++);
  drop_upper_code(group);
}

void TlbStore::end_epochs_of_page(u64 base, u64 size, u16 asid, bool any_asid) {
  const u64 pages = std::min<u64>(size >> kTlbPageBits, kCodePageBits);
  const auto noted = [&](const CodeEpoch& epoch) {
    if (!epoch.any)
      return false;
    for (u64 i = 0; i < pages; ++i)
      if (epoch.pages.test(((base >> kTlbPageBits) + i) % kCodePageBits))
        return true;
    return false;
  };
  if (bit(base, 55)) {
    for (TlbGroup& group : groups_)
      if (noted(group.upper_code))
        end_upper_epoch(group);
    return;
  }
  for (TlbSlot& slot : slots_)
    if (!spared(slot, asid, any_asid) && noted(slot.lower_code))
      end_lower_epoch(slot);
}

void TlbStore::invalidate_all() {
  drop_code();
  for (TlbSlot& slot : slots_)
    forget(slot);
  for (TlbGroup& group : groups_)
    clear(group);
  blocks_.clear();
  block_shifts_ = 0;
  upper_tagged_ = false;
  lower_global_ = false;
  upper_at_el0_ = false;
  presence_.clear_unconfined();
  for (const u16 bucket : used_buckets_)
    buckets_[bucket] = {};
  used_buckets_.clear();
}

void TlbStore::invalidate_asid(u16 asid) {
  if (upper_tagged_) {
    invalidate_all();
    return;
  }
  for (TlbSlot& slot : slots_)
    if (slot.group != nullptr && slot.context.asid == asid)
      forget(slot);
}

void TlbStore::drop_range(u64 base, u64 size, u16 asid, bool any_asid) {
  const bool upper = bit(base, 55);
  for (TlbSlot& slot : slots_) {
    if (upper ? !upper_at_el0_ : spared(slot, asid, any_asid))
      continue;
    drop_from(slot.el0, base, size, any_asid || slot.context.asid == asid);
    if (!upper)
      drop_walks(base, size, slot.lower_serial, asid, any_asid);
  }
  for (TlbGroup& group : groups_) {
    if (group.slots == 0)
      continue;
    const bool all = any_asid || (group.owner != nullptr && group.owner->context.asid == asid);
    for (TlbFilled& filled : group.filled)
      drop_from(filled, base, size, all);
    if (upper)
      drop_walks(base, size, group.upper_serial, asid, any_asid);
  }
}

void TlbStore::drop_walks(u64 base, u64 size, u64 serial, u16 asid, bool any_asid) {
  if (size >= kWalks * kTlbPageSize) {
    for (Walk& walk : walks_)
      if (walk.serial != 0 && walk.page - base < size)
        walk.serial = 0;
    return;
  }
  for (u64 va = base; va - base < size; va += kTlbPageSize) {
    Walk& walk = walks_[walk_index(va, serial)];
    if (walk.page == va && walk.serial == serial &&
        (any_asid || walk.leaf.global || walk.asid == asid))
      walk.serial = 0;
  }
}

void TlbStore::invalidate_va(u64 va, u16 asid, bool any_asid) {
  va &= kTlbPageMask;
  const auto drop_everywhere = [&](u64 base, u64 size) {
    end_epochs_of_page(base, size, asid, any_asid);
    drop_range(base, size, asid, any_asid);
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
    if (writer.entry == nullptr || writer.ipa != ipa)
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
