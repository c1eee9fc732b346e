// SPDX-License-Identifier: Apache-2.0
// What an instruction's operations say that they write is all that the interpreter changes: hot
// loops put away no other registers, and take no others for changed.
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "softhv/difftest/generator.h"
#include "softhv/jit/lift.h"
#include "softhv/jit/register_use.h"
#include "softhv/mmu/tlb.h"
#include "softhv/testing/rig.h"

namespace softhv::jit {
namespace {

using testing::Rig;

constexpr int kCases = 40; // of a row
constexpr u64 kCode = testing::kCodeEl0;

// Where the generator's addresses lead.
void map_data(Rig& rig) {
  for (u64 at = 0; at < DIFFTEST_DATA_SIZE; at += kTlbPageSize)
    rig.tables.map(DIFFTEST_DATA_BASE + at, testing::kData + at,
                   testing::kDescAf | testing::kDescInner | testing::kDescUser);
}

CpuState state_of(const difftest_registers& r, CpuState s) {
  std::memcpy(s.x, r.x, sizeof r.x);
  std::memcpy(s.v, r.v, sizeof r.v);
  s.x[kRegSp] = s.sp_el[0] = r.sp;
  return s;
}

// Registers that differ.
RegisterSet changed(const CpuState& a, const CpuState& b) {
  RegisterSet set;
  for (ir::Reg r = 0; r <= kRegSp; ++r) {
    if (a.x[r] != b.x[r])
      set.add_general(r);
    if (std::memcmp(&a.v[r], &b.v[r], sizeof a.v[r]) != 0)
      set.add_vector(r);
  }
  return set;
}

TEST(RegisterUse, IsAllThatTheInterpreterWrites) {
  Rig rig(EngineOptions{.engine = softhv::Engine::kInterpreter});
  map_data(rig);
  difftest::Generator generator(1);
  unsigned compared = 0;
  for (const isa::Row& row : isa::rows()) {
    if (!difftest::is_testable(row) || (row.traits & isa::kTraitBranch) != 0)
      continue;
    for (int i = 0; i < kCases; ++i) {
      const difftest_case c = generator.make(row);
      std::vector<u8> page(kTlbPageSize);
      std::memcpy(page.data(), c.words, sizeof c.words);
      const ir::Block block = lift_block(page.data(), 0, Mode{}, c.count);
      RegisterSet written;
      bool interpreted = false;
      for (const ir::Inst& inst : block.insts) {
        const RegisterUse use = use_of(inst);
        written.general |= use.writes.general;
        written.vector |= use.writes.vector;
        interpreted |= inst.op >= ir::Op::kInterpret;
      }
      if (interpreted)
        continue;
      for (u32 n = 0; n < c.count; ++n)
        rig.machine.write(kCode + 4 * n, c.words[n]);
      rig.machine.write(kCode + 4 * c.count, testing::svc(0));
      CpuState& s = rig.cpu().s;
      s = state_of(c.registers, s);
      const CpuState before = s;
      rig.run_at(0, kCode);
      const RegisterSet now = changed(before, s);
      EXPECT_EQ(now.general & ~written.general, 0U) << row.id << std::hex << " " << c.words[0];
      EXPECT_EQ(now.vector & ~written.vector, 0U) << row.id << std::hex << " " << c.words[0];
      compared += (now.general | now.vector) != 0 ? 1 : 0;
    }
  }
  EXPECT_GT(compared, 10'000U);
}

} // namespace
} // namespace softhv::jit
