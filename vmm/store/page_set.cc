// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/page_set.h"

#include <bit>

namespace kindling::vmm {

void PageSet::insert_all(const PageSet& other) {
  for (u64 i = 0; i < (count_ + 63) / 64; ++i) {
    words_[i].fetch_or(other.words_[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
}

void PageSet::clear() {
  for (u64 i = 0; i < (count_ + 63) / 64; ++i) {
    words_[i].store(0, std::memory_order_relaxed);
  }
}

RangeMap PageSet::ranges() const {
  RangeMap map;
  for (u64 i = 0; i < (count_ + 63) / 64; ++i) {
    u64 word = words_[i].load(std::memory_order_relaxed);
    for (u64 base = 64 * i; word != 0;) {
      const auto skip = static_cast<unsigned>(std::countr_zero(word));
      word >>= skip;
      base += skip;
      const auto run = static_cast<unsigned>(std::countr_one(word));
      (void)map.append({base, run}); // they ascend
      word = run == 64 ? 0 : word >> run;
      base += run;
    }
  }
  return map;
}

} // namespace kindling::vmm
