// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/own_registers.h"

#include <algorithm>
#include <array>
#include <span>

#include "softhv/jit/passes.h"
#include "softhv/jit/register_use.h"

namespace softhv::jit {
namespace {

constexpr unsigned kRegisters = 32; // general registers and SP, or those of CpuState::v
constexpr u32 kInnerLoop = 8;       // rounds that an inner loop is taken to make
constexpr unsigned kDeepest = 4;
constexpr u32 kWorthIt = 2; // uses in a round

struct Demand {
  std::array<u32, kRegisters> uses{};
  u32 written = 0; // by bits

  void add(u32 set, u32 weight) {
    for (; set != 0; set &= set - 1)
      uses[static_cast<size_t>(__builtin_ctz(set))] += weight;
  }
};

// How often a round of the outermost loop runs each guest instruction.
std::array<u32, kMaxBlock> weights_of(const ir::Block& block) {
  std::array<u32, kMaxBlock> weights;
  weights.fill(1);
  std::array<u8, kMaxBlock> depth{};
  for (const ir::Inst& inst : block.insts) {
    const int target = is_branch(inst) ? block.index_of(inst.imm) : -1;
    if (target <= 0 || target > inst.index) // the loop that begins with the block is a round
      continue;
    for (auto i = static_cast<size_t>(target); i <= inst.index; ++i)
      if (depth[i]++ < kDeepest)
        weights[i] *= kInnerLoop;
  }
  return weights;
}

// The registers that are used most take the places of those that are used least.
std::vector<Exchange> exchange(const Demand& demand, std::span<i8> map) {
  std::vector<ir::Reg> outside;
  std::vector<ir::Reg> held;
  for (unsigned r = 0; r < kRegisters; ++r) {
    if (map[r] >= 0)
      held.push_back(static_cast<ir::Reg>(r));
    else if (demand.uses[r] >= kWorthIt)
      outside.push_back(static_cast<ir::Reg>(r));
  }
  const auto by_uses = [&](ir::Reg a, ir::Reg b) { return demand.uses[a] < demand.uses[b]; };
  std::stable_sort(held.begin(), held.end(), by_uses);
  std::stable_sort(outside.begin(), outside.end(), by_uses);
  std::vector<Exchange> result;
  for (size_t i = 0; i < held.size() && !outside.empty(); ++i) {
    const ir::Reg own = outside.back();
    const ir::Reg usual = held[i];
    if (demand.uses[own] < demand.uses[usual] + kWorthIt)
      break;
    outside.pop_back();
    result.push_back({.host = map[usual],
                      .usual = usual,
                      .own = own,
                      .written = (demand.written >> own & 1) != 0});
    map[own] = map[usual];
    map[usual] = RegisterMap::kInMemory;
  }
  return result;
}

} // namespace

OwnRegisters choose_registers(const ir::Block& block, bool vectors) {
  const std::array<u32, kMaxBlock> weights = weights_of(block);
  Demand general;
  Demand vector;
  for (const ir::Inst& inst : block.insts) {
    const RegisterUse use = use_of(inst);
    const u32 weight = weights[inst.index];
    general.add(use.reads.general, weight);
    general.add(use.writes.general, weight);
    vector.add(use.reads.vector, weight);
    vector.add(use.writes.vector, weight);
    general.written |= use.writes.general;
    vector.written |= use.writes.vector;
    if (inst.a == kRegSp) // accesses look at its alignment
      general.uses[kRegSp] = ~0U / 2;
  }
  OwnRegisters result;
  result.general = exchange(general, std::span(result.map.general).first<kRegisters>());
  if (vectors)
    result.vector = exchange(vector, result.map.vector);
  return result;
}

} // namespace softhv::jit
