// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "softhv/core/cpu.h"
#include "softhv/jit/accesses.h"
#include "softhv/jit/passes.h"

namespace softhv::jit {
namespace {

using ir::Inst;
using ir::Op;

constexpr i64 kMostStep = 1024; // bytes a round
constexpr i64 kMostBytes = 512; // of one look: more would meet a page's end too often
constexpr u8 kMostShift = 3;    // that an address of the host has

// Operations of a loop, and the guest instruction that it begins with.
struct Loop {
  size_t first;
  size_t last; // the branch back
  u16 head;
};

// How far a register moves, at most.
struct Movement {
  i64 up = 0;
  i64 down = 0;
};

// Whether the branch at `last` is the only way back in the loop, and no other branch leads into it
// from outside.
bool is_innermost(const ir::Block& block, const Loop& loop) {
  const u16 end = block.insts[loop.last].index;
  return std::all_of(block.insts.begin(), block.insts.end(), [&](const Inst& inst) {
    const int target = is_branch(inst) ? block.index_of(inst.imm) : -1;
    if (target < loop.head || target > end || &inst == &block.insts[loop.last])
      return true;
    return target > inst.index && inst.index >= loop.head;
  });
}

// The loop that the operation leads back to the beginning of, if it is one without others in it, in
// which nothing changes what the TLB allows.
std::optional<Loop> loop_of(const ir::Block& block, size_t last) {
  const Inst& branch = block.insts[last];
  const int target = is_branch(branch) ? block.index_of(branch.imm) : -1;
  if (target < 0 || target > branch.index)
    return std::nullopt;
  Loop loop{.first = last, .last = last, .head = static_cast<u16>(target)};
  while (loop.first > 0 && block.insts[loop.first - 1].index >= loop.head)
    --loop.first;
  const auto begin = block.insts.begin();
  const bool plain =
      std::all_of(begin + static_cast<i64>(loop.first), begin + static_cast<i64>(last),
                  [](const Inst& inst) { return keeps_knowledge(inst) || is_branch(inst); });
  return plain && is_innermost(block, loop) ? std::optional(loop) : std::nullopt;
}

class AheadLooker {
public:
  AheadLooker(ir::Block& block, const Loop& loop) : block_(block), loop_(loop) {}

  // Where other accesses look for themselves anyway, few rounds cost more than they spare.
  void run() {
    for (size_t i = loop_.first; i < loop_.last; ++i)
      if (looks_for_itself(i) && !course_of(i))
        return;
    for (size_t i = loop_.first; i < loop_.last; ++i)
      if (looks_for_itself(i))
        assign(block_.insts[i], *course_of(i));
    if (begun_)
      block_.runs.push_back(loop_.head);
  }

private:
  // What an access does in a round: the bytes from `low` to `high`, of the address as it is when
  // the round begins.
  struct Course {
    ir::Reg moves;
    i64 step;
    i64 low;
    i64 high;
  };

  [[nodiscard]] bool looks_for_itself(size_t i) const {
    return bytes_of(block_.insts[i]) != 0 && block_.insts[i].look == 0;
  }

  // Of a register from the loop's beginning to an operation; nothing where it does not move by
  // steps alone.
  [[nodiscard]] std::optional<Movement> movement(ir::Reg r, size_t end) const {
    Movement result;
    for (size_t i = loop_.first; i < end; ++i) {
      const Inst& inst = block_.insts[i];
      const Written written = written_by(inst);
      if (is_branch(inst) || (written.first != r && written.second != r))
        continue;
      const bool adds = inst.op == Op::kAdd || inst.op == Op::kSub;
      if (!adds || inst.a != r || inst.b != ir::kNone || !inst.has(ir::kWide))
        return std::nullopt;
      const i64 step = inst.op == Op::kAdd ? inst.imm : -inst.imm;
      (step > 0 ? result.up : result.down) += step;
    }
    return result;
  }

  [[nodiscard]] std::optional<Course> course_of(size_t i) const {
    const Inst& inst = block_.insts[i];
    const bool indexed = inst.b != ir::kNone;
    if (inst.a >= kRegSp ||
        (indexed && (inst.b >= kRegSp || inst.shift > kMostShift ||
                     (inst.extend != ir::Extend::kUxtx && inst.extend != ir::Extend::kSxtx))))
      return std::nullopt;
    const auto base = movement(inst.a, loop_.last);
    const auto index = indexed ? movement(inst.b, loop_.last) : Movement{};
    if (!base || !index)
      return std::nullopt;
    const bool index_moves = index->up != 0 || index->down != 0;
    const bool base_moves = base->up != 0 || base->down != 0;
    if (index_moves && base_moves)
      return std::nullopt;
    const unsigned shift = index_moves ? inst.shift : 0;
    const Movement round = index_moves ? *index : *base;
    const i64 step = (round.up + round.down) << shift;
    if ((round.up != 0 && round.down != 0) || std::abs(step) > kMostStep)
      return std::nullopt;
    const ir::Reg moves = index_moves ? inst.b : base_moves ? inst.a : ir::kNone;
    const Movement before = moves == ir::kNone ? Movement{} : *movement(moves, i);
    const i64 at = indexed ? 0 : inst.imm;
    return Course{.moves = moves,
                  .step = step,
                  .low = at + (before.down << shift),
                  .high = at + (before.up << shift) + bytes_of(inst)};
  }

  // A look that the access shares or begins.
  void assign(Inst& inst, const Course& course) {
    const auto& [moves, step, low, high] = course;
    ir::Look* look = find(inst, low, high);
    if (look == nullptr) {
      if (block_.looks.size() == kMaxLooks || high - low > kMostBytes ||
          block_.runs.size() == kMaxRuns)
        return;
      look = &block_.looks.emplace_back(ir::Look{
          .bytes = static_cast<u16>(high - low),
          .low = static_cast<i32>(low),
          .shared = true,
          .base = inst.a,
          .index = inst.b,
          .shift = inst.b == ir::kNone ? u8{0} : inst.shift,
          .run = static_cast<u8>(block_.runs.size() + 1),
          .moves = moves,
          .step = static_cast<i32>(step),
      });
      begun_ = true;
    }
    const i64 end = std::max<i64>(high, look->low + look->bytes);
    look->low = static_cast<i32>(std::min<i64>(look->low, low));
    look->bytes = static_cast<u16>(end - look->low);
    look->reads |= !is_store(inst);
    look->writes |= is_store(inst);
    inst.look = static_cast<u8>(look - block_.looks.data() + 1);
    inst.moves = moves;
    inst.flags |= ir::kFollows;
  }

  [[nodiscard]] ir::Look* find(const Inst& inst, i64 low, i64 high) const {
    for (ir::Look& look : block_.looks)
      if (look.run == block_.runs.size() + 1 && look.base == inst.a && look.index == inst.b &&
          (inst.b == ir::kNone || look.shift == inst.shift) &&
          std::max<i64>(look.low + look.bytes, high) - std::min<i64>(look.low, low) <= kMostBytes)
        return &look;
    return nullptr;
  }

  ir::Block& block_;
  const Loop loop_;
  bool begun_ = false;
};

} // namespace

void look_ahead(ir::Block& block) {
  for (size_t last = 0; last < block.insts.size(); ++last)
    if (const std::optional<Loop> loop = loop_of(block, last))
      AheadLooker(block, *loop).run();
  for (Inst& inst : block.insts)
    if (inst.look != 0 && block.looks[inst.look - 1U].run != 0)
      inst.within =
          static_cast<u16>((inst.b == ir::kNone ? inst.imm : 0) - block.looks[inst.look - 1U].low);
}

} // namespace softhv::jit
