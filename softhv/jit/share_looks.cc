// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <vector>

#include "softhv/core/cpu.h"
#include "softhv/jit/passes.h"

namespace softhv::jit {
namespace {

using ir::Inst;
using ir::Op;

constexpr i64 kMostBytes = 512; // that one look is for: more would meet a page's end too often
constexpr i64 kMostDistance = 1 << 20; // of an address from the value it is a sum of
constexpr unsigned kRegisters = 32;    // general registers and SP

// Bytes that a load or store of the kinds that can share a look accesses; 0: not one of them.
unsigned bytes_of(const Inst& inst) {
  switch (inst.op) {
  case Op::kLoad:
  case Op::kStore: return inst.b == ir::kNone ? 1U << inst.size : 0;
  case Op::kLoadPair:
  case Op::kStorePair: return 2U << inst.size;
  case Op::kLoadMultiple:
  case Op::kStoreMultiple: return static_cast<unsigned>(inst.shift) << inst.size;
  default: return 0;
  }
}

bool is_store(const Inst& inst) {
  return inst.op == Op::kStore || inst.op == Op::kStorePair || inst.op == Op::kStoreMultiple;
}

// Whether what is known of registers and of the TLB lasts beyond the instruction.
bool keeps_knowledge(const Inst& inst) {
  return inst.op <= Op::kStoreRelease || inst.op == Op::kPageLoad || inst.op == Op::kVector ||
         inst.op == Op::kLoadMultiple || inst.op == Op::kStoreMultiple ||
         inst.op == Op::kLoadReplicate || inst.op == Op::kSysRead || inst.op == Op::kBranchIf ||
         inst.op == Op::kBranchZero || inst.op == Op::kBranchBit;
}

// The general registers that an instruction with keeps_knowledge() writes.
struct Written {
  ir::Reg first = kRegSink;
  ir::Reg second = kRegSink;
};

Written written_by(const Inst& inst) {
  switch (inst.op) {
  case Op::kStore:
  case Op::kStoreRelease:
  case Op::kStorePair:
  case Op::kLoadMultiple:
  case Op::kStoreMultiple:
  case Op::kLoadReplicate:
  case Op::kBranchIf:
  case Op::kBranchZero:
  case Op::kBranchBit: return {};
  case Op::kLoad:
  case Op::kLoadAcquire:
  case Op::kPageLoad: return inst.has(ir::kVectorReg) ? Written{} : Written{inst.d};
  case Op::kLoadPair: return inst.has(ir::kVectorReg) ? Written{} : Written{inst.d, inst.d2};
  case Op::kVector:
    return (inst.size & ir::kOperandXDestination) != 0 ? Written{inst.d} : Written{};
  default: return {inst.d};
  }
}

// A register's content: a value that is not known, and a constant.
struct Sum {
  u32 value = 0;
  i64 constant = 0;
};

// Accesses that may become one look.
struct Candidate {
  u32 value = 0;
  i64 low = 0;
  i64 high = 0;
  i64 start = 0; // the constant of the first access's register
  u32 accesses = 0;
  bool reads = false;
  bool writes = false;
};

class LookSharer {
public:
  explicit LookSharer(ir::Block& block) : block_(block), places_(block.insts.size()) {}

  void run() {
    forget_registers();
    const std::bitset<kMaxBlock> entered = block_.entered();
    for (size_t i = 0; i < block_.insts.size(); ++i) {
      const Inst& inst = block_.insts[i];
      const bool first = i == 0 || block_.insts[i - 1].index != inst.index;
      if ((first && entered[inst.index]) || !keeps_knowledge(inst)) {
        forget_registers();
        continue_after_ = candidates_.size();
        if (!keeps_knowledge(inst))
          continue;
      }
      if (const unsigned bytes = bytes_of(inst); bytes != 0 && inst.a < kRegisters)
        add(i, bytes);
      follow(inst);
    }
    assign();
  }

private:
  // Of an instruction: its candidate and the constant of its address.
  struct Place {
    u32 candidate = kNoCandidate;
    i64 at = 0;
  };
  static constexpr u32 kNoCandidate = ~0U;

  void forget_registers() {
    for (Sum& sum : registers_)
      sum = {.value = next_value_++};
  }

  void forget(ir::Reg r) {
    if (r < kRegisters)
      registers_[r] = {.value = next_value_++};
  }

  void follow(const Inst& inst) {
    const bool sum = inst.has(ir::kWide) && inst.a < kRegisters && inst.d < kRegisters &&
                     ((inst.op == Op::kMove) ||
                      ((inst.op == Op::kAdd || inst.op == Op::kSub) && inst.b == ir::kNone));
    if (sum) {
      const i64 constant = inst.op == Op::kMove ? 0 : inst.op == Op::kAdd ? inst.imm : -inst.imm;
      const Sum from = registers_[inst.a];
      if (const i64 now = from.constant + constant; now > -kMostDistance && now < kMostDistance) {
        registers_[inst.d] = {.value = from.value, .constant = now};
        return;
      }
    }
    const Written written = written_by(inst);
    forget(written.first);
    forget(written.second);
  }

  void add(size_t i, unsigned bytes) {
    const Inst& inst = block_.insts[i];
    const Sum base = registers_[inst.a];
    const i64 at = base.constant + inst.imm;
    const i64 end = at + bytes;
    Candidate* found = nullptr;
    for (size_t c = candidates_.size(); c-- > continue_after_ && found == nullptr;)
      if (candidates_[c].value == base.value &&
          std::max(candidates_[c].high, end) - std::min(candidates_[c].low, at) <= kMostBytes)
        found = &candidates_[c];
    if (found == nullptr) {
      candidates_.push_back({.value = base.value, .low = at, .high = end, .start = base.constant});
      found = &candidates_.back();
    }
    found->low = std::min(found->low, at);
    found->high = std::max(found->high, end);
    found->reads |= !is_store(inst);
    found->writes |= is_store(inst);
    ++found->accesses;
    places_[i] = {.candidate = static_cast<u32>(found - candidates_.data()), .at = at};
  }

  void assign() {
    std::vector<u8> looks(candidates_.size(), 0);
    for (size_t i = 0; i < places_.size(); ++i) {
      if (places_[i].candidate == kNoCandidate)
        continue;
      const Candidate& candidate = candidates_[places_[i].candidate];
      Inst& inst = block_.insts[i];
      u8& look = looks[places_[i].candidate];
      if (candidate.accesses < 2 || (look == 0 && block_.looks.size() == kMaxLooks))
        continue;
      if (look == 0) {
        block_.looks.push_back({.bytes = static_cast<u16>(candidate.high - candidate.low),
                                .low = static_cast<i32>(candidate.low - candidate.start),
                                .reads = candidate.reads,
                                .writes = candidate.writes});
        look = static_cast<u8>(block_.looks.size());
      } else {
        inst.flags |= ir::kFollows;
      }
      inst.look = look;
      inst.within = static_cast<u16>(places_[i].at - candidate.low);
    }
  }

  ir::Block& block_;
  std::array<Sum, kRegisters> registers_;
  u32 next_value_ = 0;
  std::vector<Candidate> candidates_;
  size_t continue_after_ = 0; // candidates before this one are closed
  std::vector<Place> places_; // of block_.insts
};

} // namespace

void share_looks(ir::Block& block) {
  LookSharer(block).run();
}

ir::Block without_looks(const ir::Block& block) {
  ir::Block alone = block;
  alone.looks.clear();
  for (Inst& inst : alone.insts) {
    inst.look = 0;
    inst.flags &= static_cast<u8>(~(ir::kFollows | ir::kFlagsLive | ir::kFlagsReach));
  }
  mark_flags(alone);
  return alone;
}

} // namespace softhv::jit
