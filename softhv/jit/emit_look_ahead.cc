// SPDX-License-Identifier: Apache-2.0
// Looks ahead (passes.h): a loop whose addresses move by steps looks for as many rounds as none of
// them leaves its page, and counts these down. The accesses are moves.
#include <bit>
#include <cstddef>
#include <cstdlib>

#include "softhv/jit/emitter.h"
#include "softhv/mmu/tlb.h"

namespace softhv::jit {

using namespace Xbyak::util; // NOLINT(google-build-using-namespace)

namespace {

constexpr u32 kMostRounds = 1U << 30;

Xbyak::Address rounds_of(size_t run) {
  return Assembler::state64(offsetof(CpuCore, rounds_ahead) + 8 * run);
}

} // namespace

// The run whose loop begins at the guest instruction, or how many runs there are.
size_t Emitter::run_at(u16 index) const {
  size_t run = 0;
  while (run < block_->runs.size() && block_->runs[run] != index)
    ++run;
  return run;
}

// On the way into the loop, which its rounds do not take.
void Emitter::forget_rounds(u16 index) {
  if (const size_t run = run_at(index); run < block_->runs.size())
    as_.mov(rounds_of(run), 0);
}

// At the loop's beginning, where the host's flags hold nothing.
void Emitter::take_round(u16 index) {
  const size_t run = run_at(index);
  if (run == block_->runs.size())
    return;
  as_.sub(rounds_of(run), 1);
  const Fixup none_left = as_.jump_forward(Cc::kB);
  looks_ahead_.push_back({.fixup = none_left, .resume = as_.position(), .run = run});
}

void Emitter::emit_look_ahead(const AheadLook& ahead) {
  as_.bind(ahead.fixup);
  index_ = block_->runs[ahead.run];
  use_own(true);
  as_.mov(rounds_of(ahead.run), kMostRounds);
  for (size_t i = 0; i < block_->looks.size(); ++i)
    if (block_->looks[i].run == ahead.run + 1)
      look_for_rounds(i);
  as_.jump_to(ahead.resume);
}

// Puts away the host address that corresponds to 0 in the register that moves, and sees to it that
// the loop looks again before an address leaves the page.
void Emitter::look_for_rounds(size_t i) {
  const ir::Look& look = block_->looks[i];
  const Reg64 va = reg::kScratch0;
  const Reg64 base = read(look.base, reg::kScratch0);
  if (look.index == ir::kNone)
    as_.lea(va, ptr[base + look.low]);
  else
    as_.lea(va, ptr[base + read(look.index, reg::kScratch1) * (1 << look.shift) + look.low]);
  find_host_address(va, look.bytes, access_of(look), false);
  alone_misses_.push_back(*miss_);
  miss_.reset();
  if (look.moves != ir::kNone) {
    read_into(reg::kScratch2, look.moves);
    if (look.moves == look.index && look.shift != 0)
      as_.shl(reg::kScratch2, look.shift);
    as_.sub(reg::kScratch1, reg::kScratch2);
  }
  as_.mov(Assembler::state64(offsetof(CpuCore, looks) + 8 * i), reg::kScratch1);
  if (look.step == 0)
    return;
  as_.and_(va.cvt32(), static_cast<u32>(kTlbPageSize - 1));
  if (look.step > 0) {
    as_.mov(reg::kScratch1.cvt32(), static_cast<u32>(kTlbPageSize - look.bytes));
    as_.sub(reg::kScratch1.cvt32(), va.cvt32());
  } else {
    as_.mov(reg::kScratch1.cvt32(), va.cvt32());
  }
  as_.shr(reg::kScratch1.cvt32(),
          static_cast<int>(std::bit_width(static_cast<u32>(std::abs(look.step)) - 1)));
  as_.cmp(reg::kScratch1, rounds_of(look.run - 1U));
  const Fixup enough = as_.jump_forward(Cc::kAe);
  as_.mov(rounds_of(look.run - 1U), reg::kScratch1);
  as_.bind(enough);
}

} // namespace softhv::jit
