// SPDX-License-Identifier: Apache-2.0
// Test fixture: single instructions at EL1 on a vCPU with one page of RAM and the MMU off.
#pragma once

#include <gtest/gtest.h>

#include "softhv/core/vm.h"
#include "softhv/interp/translator.h"
#include "softhv/isa/decoder.h"

namespace softhv {

inline std::ostream& operator<<(std::ostream& out, const Vec& v) {
  return out << std::hex << "{{0x" << v.d[0] << ", 0x" << v.d[1] << "}}";
}

} // namespace softhv

namespace softhv::interp {

class InstructionTest : public testing::Test {
protected:
  static constexpr u64 kRam = 0x4000'0000;
  static constexpr u64 kRamSize = 0x1000;
  static constexpr u32 kQc = 1U << 27;

  void SetUp() override {
    constexpr u64 kAll = kStage2Read | kStage2Write | kStage2Exec;
    ASSERT_EQ(vm_.stage2.map(ram_, kRam, kRamSize, kAll), Stage2::Status::kOk);
    for (u64 i = 0; i < kRamSize; ++i)
      ram_[i] = static_cast<u8>(i);
    for (u64 i = 0; i < 32; ++i)
      v(i) = {{0x0101'0101'0101'0101 * i, ~i}};
  }

  // Whether the instruction ran to its end: no exception, no exit.
  bool run(u32 word) {
    constexpr u64 kPc = kRam + 0x800;
    Op ops[2];
    translate(word, {}, ops[0]);
    ops[1] = terminator(1);
    cpu_.s.pc = cpu_.block_pc = kPc;
    for (const Op* op = ops; op != nullptr;)
      op = op->fn(cpu_, op);
    return cpu_.s.pc == kPc + 4;
  }

  // The value of V0 after the instruction.
  Vec v0_of(u32 word) {
    EXPECT_TRUE(run(word));
    return v(0);
  }

  Vec& v(u64 i) { return cpu_.s.v[i]; }
  u64& x(u64 i) { return cpu_.s.x[i]; }
  u8* ram(u64 offset) { return ram_ + offset; }
  [[nodiscard]] bool saturated() const { return (cpu_.s.fpsr & kQc) != 0; }
  // Saturation by this instruction alone.
  bool saturates(u32 word) {
    cpu_.s.fpsr = 0;
    EXPECT_TRUE(run(word));
    return saturated();
  }

  Vm vm_{40};
  Cpu cpu_{vm_, 0};
  alignas(4096) u8 ram_[kRamSize] = {};
};

} // namespace softhv::interp
