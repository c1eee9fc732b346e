// SPDX-License-Identifier: Apache-2.0
#include "softhv/testing/page_tables.h"

#include "arch/bits.h"

namespace softhv::testing {

PageTables::PageTables(Machine& machine, u64 first, unsigned grain, unsigned va_bits)
    : machine_(machine), next_(align_up(first, 1ULL << grain)), grain_(grain), va_bits_(va_bits),
      first_level_(4 - (va_bits - grain + grain - 4) / (grain - 3)), root_(new_table()) {}

u64 PageTables::new_table() {
  const u64 table = next_;
  next_ += 1ULL << grain_;
  std::memset(machine_.host(table), 0, 1ULL << grain_);
  return table;
}

u64 PageTables::slot(u64 va, unsigned level) {
  u64 table = root_;
  unsigned top = va_bits_;
  for (unsigned l = first_level_;; ++l) {
    const u64 descriptor = table + 8 * bits(va, top - 1, shift(l));
    if (l == level)
      return descriptor;
    u64 value = machine_.read<u64>(descriptor);
    if ((value & kDescValid) == 0) {
      value = new_table() | kDescTable | kDescValid;
      machine_.write(descriptor, value);
    }
    table = bits(value, 47, grain_) << grain_;
    top = shift(l);
  }
}

void PageTables::map(u64 va, u64 pa, u64 attributes, unsigned level) {
  machine_.write(slot(va, level), pa | attributes | kDescValid | (level == 3 ? kDescTable : 0));
}

u64 PageTables::tcr() const {
  const u64 size = 64 - va_bits_;
  const u64 tg0 = grain_ == 12 ? 0 : grain_ == 14 ? 2 : 1;
  const u64 tg1 = grain_ == 12 ? 2 : grain_ == 14 ? 1 : 3;
  return size | size << 16 | tg0 << 14 | tg1 << 30 | 5ULL << 32 | 1ULL << 36;
}

} // namespace softhv::testing
