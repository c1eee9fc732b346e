// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <bitset>

#include "softhv/core/cpu.h"
#include "softhv/jit/accesses.h"
#include "softhv/jit/passes.h"

namespace softhv::jit {
namespace {

using ir::Inst;
using ir::Op;

constexpr i64 kMostBytes = 512; // that one look is for: more would meet a page's end too often
constexpr i64 kMostDistance = 1 << 20; // of an address from the value it is a sum of
constexpr unsigned kRegisters = 32;    // general registers and SP

// A register's content: a value that is not known, and a constant.
struct Sum {
  u32 value;
  i64 constant;
};

// Accesses that may become one look.
struct Candidate {
  u32 value;
  u32 accesses;
  i64 low;
  i64 high;
  i64 start; // the constant of the first access's register
  bool reads;
  bool writes;
};

unsigned shared_bytes_of(const Inst& inst) {
  return inst.b == ir::kNone && inst.look == 0 ? bytes_of(inst) : 0;
}

bool has_two_accesses(const ir::Block& block) {
  const auto accesses = [](const Inst& inst) { return shared_bytes_of(inst) != 0; };
  const auto first = std::ranges::find_if(block.insts, accesses);
  return first != block.insts.end() && std::any_of(first + 1, block.insts.end(), accesses);
}

class LookSharer {
public:
  explicit LookSharer(ir::Block& block) : block_(block) {}

  void run() {
    size_t next = 0; // guest instruction; some have no operation
    for (const Inst& inst : block_.insts) {
      bool joined = false;
      for (; next <= inst.index; ++next)
        joined |= block_.is_entered(next);
      if (joined || !keeps_knowledge(inst)) {
        forget_registers();
        continue_after_ = count_;
        if (!keeps_knowledge(inst))
          continue;
      }
      if (const unsigned bytes = shared_bytes_of(inst); bytes != 0 && inst.a < kRegisters)
        add(inst, bytes);
      follow(inst);
    }
    assign();
  }

private:
  // Of a guest instruction, which has one access at most: its candidate and the constant of its
  // address.
  struct Place {
    u32 candidate;
    i64 at;
  };

  // Values from before are forgotten: register r has the value oldest_value_ + r from now on.
  void forget_registers() {
    known_ = 0;
    oldest_value_ = next_value_;
    next_value_ += kRegisters;
  }

  [[nodiscard]] Sum sum_of(ir::Reg r) const {
    return (known_ >> r & 1) != 0 ? registers_[r] : Sum{.value = oldest_value_ + r, .constant = 0};
  }

  void set(ir::Reg r, Sum sum) {
    registers_[r] = sum;
    known_ |= 1U << r;
  }

  void forget(ir::Reg r) {
    if (r < kRegisters)
      set(r, {.value = next_value_++, .constant = 0});
  }

  void follow(const Inst& inst) {
    const bool sum = inst.has(ir::kWide) && inst.a < kRegisters && inst.d < kRegisters &&
                     ((inst.op == Op::kMove) ||
                      ((inst.op == Op::kAdd || inst.op == Op::kSub) && inst.b == ir::kNone));
    if (sum) {
      const i64 constant = inst.op == Op::kMove ? 0 : inst.op == Op::kAdd ? inst.imm : -inst.imm;
      const Sum from = sum_of(inst.a);
      if (const i64 now = from.constant + constant; now > -kMostDistance && now < kMostDistance) {
        set(inst.d, {.value = from.value, .constant = now});
        return;
      }
    }
    const Written written = written_by(inst);
    forget(written.first);
    forget(written.second);
  }

  void add(const Inst& inst, unsigned bytes) {
    const Sum base = sum_of(inst.a);
    const i64 at = base.constant + inst.imm;
    const i64 end = at + bytes;
    Candidate* found = nullptr;
    for (size_t c = count_; c-- > continue_after_ && found == nullptr;)
      if (candidates_[c].value == base.value &&
          std::max(candidates_[c].high, end) - std::min(candidates_[c].low, at) <= kMostBytes)
        found = &candidates_[c];
    if (found == nullptr) {
      found = &candidates_[count_++];
      *found = {.value = base.value,
                .accesses = 0,
                .low = at,
                .high = end,
                .start = base.constant,
                .reads = false,
                .writes = false};
    }
    found->low = std::min(found->low, at);
    found->high = std::max(found->high, end);
    found->reads |= !is_store(inst);
    found->writes |= is_store(inst);
    ++found->accesses;
    shared_ |= found->accesses > 1;
    has_place_.set(inst.index);
    places_[inst.index] = {.candidate = static_cast<u32>(found - candidates_.data()), .at = at};
  }

  void assign() {
    if (!shared_)
      return;
    std::array<u8, kMaxBlock> looks{};
    for (Inst& inst : block_.insts) {
      if (!has_place_[inst.index] || shared_bytes_of(inst) == 0)
        continue;
      const Place& place = places_[inst.index];
      const Candidate& candidate = candidates_[place.candidate];
      u8& look = looks[place.candidate];
      if (candidate.accesses < 2 || (look == 0 && block_.looks.size() == kMaxLooks))
        continue;
      if (look == 0) {
        block_.looks.push_back({.bytes = static_cast<u16>(candidate.high - candidate.low),
                                .low = static_cast<i32>(candidate.low - candidate.start),
                                .reads = candidate.reads,
                                .writes = candidate.writes,
                                .shared = true});
        look = static_cast<u8>(block_.looks.size());
      } else {
        inst.flags |= ir::kFollows;
      }
      inst.look = look;
      inst.within = static_cast<u16>(place.at - candidate.low);
    }
  }

  ir::Block& block_;
  std::array<Sum, kRegisters> registers_; // those that are known_
  u32 known_ = 0;                         // by bits
  u32 oldest_value_ = 1;
  u32 next_value_ = 1 + kRegisters;
  std::array<Candidate, kMaxBlock> candidates_; // the first count_ of them
  size_t count_ = 0;
  size_t continue_after_ = 0;           // candidates before this one are closed
  bool shared_ = false;                 // some candidate has more than one access
  std::array<Place, kMaxBlock> places_; // of guest instructions with has_place_
  std::bitset<kMaxBlock> has_place_;
};

} // namespace

void share_looks(ir::Block& block) {
  if (has_two_accesses(block))
    LookSharer(block).run();
}

ir::Block without_looks(const ir::Block& block) {
  ir::Block alone = block;
  alone.looks.clear();
  alone.runs.clear();
  alone.windows = 0;
  for (Inst& inst : alone.insts) {
    inst.look = 0;
    inst.moves = ir::kNone;
    inst.flags &= static_cast<u8>(~(ir::kFollows | ir::kFlagsLive | ir::kFlagsReach));
  }
  mark_flags(alone);
  return alone;
}

} // namespace softhv::jit
