// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "softhv/core/cpu.h"
#include "softhv/jit/accesses.h"
#include "softhv/jit/passes.h"
#include "softhv/jit/register_use.h"

namespace softhv::jit {
namespace {

using ir::Inst;
using ir::Op;

constexpr i64 kMostBytes = 2048; // of one look: more would meet a page's end too often

// Bytes from a register that does not change, up to `high`.
struct Range {
  ir::Reg base;
  i64 low;
  i64 high;
};

// Whether no operation of the loop changes what the TLB allows, unless it leaves the loop.
bool is_plain(const ir::Block& block) {
  return std::all_of(block.insts.begin(), block.insts.end(), [](const Inst& inst) {
    return keeps_knowledge(inst) || is_branch(inst) || leaves(inst);
  });
}

// More than any value that the operation puts into its destination; 0: that is not known, or too
// large for a look whatever the index is scaled by.
i64 bound_of(const Inst& inst) {
  switch (inst.op) {
  case Op::kAnd:
    return inst.b == ir::kNone && inst.imm >= 0 && inst.imm < kMostBytes ? inst.imm + 1 : 0;
  case Op::kUbfx: return inst.shift < 32 ? 1LL << inst.shift : 0;
  case Op::kExtend: return inst.extend == ir::Extend::kUxtb && inst.imm == 0 ? 256 : 0;
  case Op::kLoad:
    return inst.size == 0 && !inst.has(ir::kSigned) && !inst.has(ir::kVectorReg) ? 256 : 0;
  default: return 0;
  }
}

class Hoister {
public:
  explicit Hoister(ir::Block& block) : block_(block) {
    for (const Inst& inst : block.insts)
      changed_ |= use_of(inst).writes.general;
  }

  void run() {
    for (size_t i = 0; i < block_.insts.size(); ++i)
      if (const Range range = range_of(i); range.high != 0)
        hoist(block_.insts[i], range);
  }

private:
  // Of an access; `high` 0: of one that looks for itself.
  [[nodiscard]] Range range_of(size_t i) const {
    const Inst& inst = block_.insts[i];
    const i64 bytes = bytes_of(inst);
    constexpr Range kNone{ir::kNone, 0, 0};
    if (bytes == 0 || inst.a >= 32 || (changed_ >> inst.a & 1) != 0)
      return kNone;
    if (inst.b == ir::kNone)
      return {inst.a, inst.imm, inst.imm + bytes};
    const i64 bound = inst.shift <= 3 ? bound_at(i, inst.b) : 0;
    if (bound == 0 || bound > kMostBytes)
      return kNone;
    return {inst.a, 0, ((bound - 1) << inst.shift) + bytes};
  }

  // Of the register before an instruction, by what has last been written to it on the way there.
  [[nodiscard]] i64 bound_at(size_t i, ir::Reg r) const {
    const u16 index = block_.insts[i].index;
    while (i > 0 && !joins(block_.insts[i - 1].index, index)) {
      const Inst& before = block_.insts[--i];
      if (!keeps_knowledge(before))
        return 0;
      if (const Written written = written_by(before); written.first == r || written.second == r)
        return written.first == r ? bound_of(before) : 0;
    }
    return 0;
  }

  // Whether branches lead in between the instructions.
  [[nodiscard]] bool joins(u16 first, u16 last) const {
    for (u16 i = first + 1; i <= last; ++i)
      if (block_.is_entered(i))
        return true;
    return false;
  }

  void hoist(Inst& inst, const Range& range) {
    if (range.high - range.low > kMostBytes)
      return;
    u8 look = find(range);
    if (look == 0) {
      if (block_.looks.size() == kMaxLooks)
        return;
      block_.looks.push_back({.low = static_cast<i32>(range.low),
                              .shared = true,
                              .hoisted = true,
                              .base = range.base});
      look = static_cast<u8>(block_.looks.size());
    }
    ir::Look& the = block_.looks[look - 1U];
    const i64 low = std::min<i64>(the.low, range.low);
    const i64 high = std::max<i64>(the.low + the.bytes, range.high);
    the.low = static_cast<i32>(low);
    the.bytes = static_cast<u16>(high - low);
    the.reads |= !is_store(inst);
    the.writes |= is_store(inst);
    inst.look = look;
    inst.flags |= ir::kFollows;
  }

  // A look that can do this as well.
  [[nodiscard]] u8 find(const Range& range) const {
    for (size_t i = 0; i < block_.looks.size(); ++i) {
      const ir::Look& look = block_.looks[i];
      const i64 low = std::min<i64>(look.low, range.low);
      const i64 high = std::max<i64>(look.low + look.bytes, range.high);
      if (look.base == range.base && high - low <= kMostBytes)
        return static_cast<u8>(i + 1);
    }
    return 0;
  }

  ir::Block& block_;
  u32 changed_ = 0; // general registers, by bits
};

} // namespace

void hoist_looks(ir::Block& block) {
  if (!is_plain(block))
    return;
  Hoister(block).run();
  for (Inst& inst : block.insts)
    if (inst.look != 0)
      inst.within =
          static_cast<u16>((inst.b == ir::kNone ? inst.imm : 0) - block.looks[inst.look - 1U].low);
}

} // namespace softhv::jit
