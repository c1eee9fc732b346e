// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "softhv/core/cpu.h"
#include "softhv/jit/accesses.h"
#include "softhv/jit/passes.h"

namespace softhv::jit {
namespace {

using ir::Inst;
using ir::Op;

constexpr i64 kMostStep = 1024; // bytes that an address moves at a time, often less than a page

// Operations from a guest instruction to the branch that leads back to it.
struct Loop {
  size_t first;
  size_t last;
};

bool is_changed(const ir::Block& block, const Loop& loop, ir::Reg r) {
  for (size_t i = loop.first; i <= loop.last; ++i) {
    const Written written = written_by(block.insts[i]);
    if (block.insts[i].op != Op::kBranch && (written.first == r || written.second == r))
      return true;
  }
  return false;
}

// Whether the register's only changes in the loop are small steps, or always the same ones, which
// mostly are small.
bool moves_by_steps(const ir::Block& block, const Loop& loop, ir::Reg r) {
  if (r == ir::kNone || r == kRegZero)
    return true;
  for (size_t i = loop.first; i <= loop.last; ++i) {
    const Inst& inst = block.insts[i];
    if (inst.op == Op::kBranch)
      continue;
    const Written written = written_by(inst);
    if (written.first != r && written.second != r)
      continue;
    const bool adds = (inst.op == Op::kAdd || inst.op == Op::kSub) && inst.a == r;
    const bool small = inst.b == ir::kNone ? std::abs(inst.imm) <= kMostStep
                                           : !is_changed(block, loop, inst.b);
    if (!adds || !small)
      return false;
  }
  return true;
}

void open_in(ir::Block& block, const Loop& loop) {
  for (size_t i = loop.first; i <= loop.last; ++i) {
    Inst& inst = block.insts[i];
    const unsigned bytes = bytes_of(inst);
    if (bytes == 0 || inst.has(ir::kFollows) || block.windows == kMaxWindows ||
        (inst.look != 0 && block.looks[inst.look - 1U].window != 0) ||
        (inst.look == 0 && block.looks.size() == kMaxLooks) ||
        !moves_by_steps(block, loop, inst.a) || !moves_by_steps(block, loop, inst.b))
      continue;
    if (inst.look == 0) {
      block.looks.push_back(
          {.bytes = static_cast<u16>(bytes), .reads = !is_store(inst), .writes = is_store(inst)});
      inst.look = static_cast<u8>(block.looks.size());
    }
    block.looks[inst.look - 1U].window = ++block.windows;
  }
}

} // namespace

// Inner loops end before those around them.
void open_windows(ir::Block& block) {
  for (size_t last = 0; last < block.insts.size(); ++last) {
    const Inst& branch = block.insts[last];
    const int target = is_branch(branch) ? block.index_of(branch.imm) : -1;
    if (target < 0 || target > branch.index)
      continue;
    size_t first = last;
    while (first > 0 && block.insts[first - 1].index >= target)
      --first;
    const auto begin = block.insts.begin();
    const bool plain =
        std::all_of(begin + static_cast<i64>(first), begin + static_cast<i64>(last),
                    [](const Inst& inst) { return keeps_knowledge(inst) || is_branch(inst); });
    if (plain)
      open_in(block, {first, last});
  }
}

} // namespace softhv::jit
