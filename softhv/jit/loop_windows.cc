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

constexpr unsigned kMostFollowed = 3; // registers that an address is computed by way of

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

// Whether the operation gives its destination a value that moves as that of register a does.
bool follows(const ir::Block& block, const Loop& loop, const Inst& inst) {
  switch (inst.op) {
  case Op::kMove: return inst.a != ir::kNone;
  case Op::kExtend: return true;
  case Op::kShl: return inst.b == ir::kNone && inst.imm <= 3;
  case Op::kUbfx:
  case Op::kSbfx: return inst.imm == 0;
  case Op::kUbfiz:
  case Op::kSbfiz: return inst.imm <= 3;
  case Op::kAdd:
  case Op::kSub: return inst.b == ir::kNone || !is_changed(block, loop, inst.b);
  default: return false;
  }
}

// Whether the register's only changes in the loop are small steps, or always the same ones, which
// mostly are small; or follow those of another one.
bool moves_by_steps(const ir::Block& block, const Loop& loop, ir::Reg r,
                    unsigned depth = kMostFollowed) {
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
    const bool small =
        inst.b == ir::kNone ? std::abs(inst.imm) <= kMostStep : !is_changed(block, loop, inst.b);
    const bool step = adds && small;
    const bool follower = depth > 0 && follows(block, loop, inst) &&
                          (inst.a == r ? !adds : moves_by_steps(block, loop, inst.a, depth - 1));
    if (!step && !follower)
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
