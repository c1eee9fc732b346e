// SPDX-License-Identifier: Apache-2.0
#include "softhv/mmu/write_watch.h"

#include <utility>

namespace softhv {

void WriteWatch::start(Stage2& stage2, FirstWrite first_write) {
  const std::lock_guard lock(mutex_);
  first_write_ = std::move(first_write);
  if (first_write_ == nullptr) {
    round_.store(kOff, std::memory_order_seq_cst);
    return;
  }
  if (++last_round_ == kOff) { // numbers begin again: what pages have of old rounds must not match
    stage2.forget_writes();
    ++last_round_;
  }
  round_.store(last_round_, std::memory_order_seq_cst);
}

void WriteWatch::tell(u64 ipa, const Stage2Page& page) {
  const std::lock_guard lock(mutex_);
  const u32 round = round_.load(std::memory_order_seq_cst);
  if (round == kOff || page.info[2].load(std::memory_order_seq_cst) == round)
    return;
  first_write_(ipa);
  page.info[2].store(round, std::memory_order_release);
}

} // namespace softhv
