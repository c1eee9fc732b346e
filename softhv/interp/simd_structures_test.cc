// SPDX-License-Identifier: Apache-2.0
// AdvSIMD structures: order in memory, addressing, and what a fault leaves behind.
#include <cstring>

#include "softhv/interp/instruction_fixture.h"

namespace softhv::interp {
namespace {

// RAM holds its own offsets, modulo 256.
class StructureTest : public InstructionTest {
protected:
  void SetUp() override {
    InstructionTest::SetUp();
    x(1) = kRam;
  }
  u64 memory(u64 offset) {
    u64 value;
    std::memcpy(&value, ram(offset), sizeof value);
    return value;
  }
};

TEST_F(StructureTest, InterleavedLoadWrapsAroundTheRegisters) {
  ASSERT_TRUE(run(0x0c40403e)); // ld3 {v30.8b, v31.8b, v0.8b}, [x1]
  EXPECT_EQ(v(30), (Vec{{0x1512'0f0c'0906'0300, 0}}));
  EXPECT_EQ(v(31), (Vec{{0x1613'100d'0a07'0401, 0}}));
  EXPECT_EQ(v(0), (Vec{{0x1714'110e'0b08'0502, 0}}));
  EXPECT_EQ(x(1), kRam);
}

TEST_F(StructureTest, PostIndexByRegisterAndByTheSize) {
  x(2) = 0x40;
  ASSERT_TRUE(run(0x4cc2a020)); // ld1 {v0.16b, v1.16b}, [x1], x2
  EXPECT_EQ(v(0), (Vec{{0x0706'0504'0302'0100, 0x0f0e'0d0c'0b0a'0908}}));
  EXPECT_EQ(v(1), (Vec{{0x1716'1514'1312'1110, 0x1f1e'1d1c'1b1a'1918}}));
  EXPECT_EQ(x(1), kRam + 0x40);
  ASSERT_TRUE(run(0x4cdfa020)); // ld1 {v0.16b, v1.16b}, [x1], #32
  EXPECT_EQ(v(0).d[0], 0x4746'4544'4342'4140U);
  EXPECT_EQ(x(1), kRam + 0x60);
  ASSERT_TRUE(run(0x4cdf0c20)); // ld4 {v0.2d, v1.2d, v2.2d, v3.2d}, [x1], #64
  EXPECT_EQ(v(3), (Vec{{0x7f7e'7d7c'7b7a'7978, 0x9f9e'9d9c'9b9a'9998}}));
  EXPECT_EQ(x(1), kRam + 0xa0);
}

TEST_F(StructureTest, InterleavedStore) {
  for (u32 i = 0; i < 4; ++i)
    for (u32 lane = 0; lane < 4; ++lane)
      v(i).set_lane<u32>(lane, 0x10 * i + lane);
  ASSERT_TRUE(run(0x4c000820)); // st4 {v0.4s, v1.4s, v2.4s, v3.4s}, [x1]
  EXPECT_EQ(memory(0), 0x0000'0010'0000'0000U);
  EXPECT_EQ(memory(8), 0x0000'0030'0000'0020U);
  EXPECT_EQ(memory(0x38), 0x0000'0033'0000'0023U);
  EXPECT_EQ(memory(0x40), 0x4746'4544'4342'4140U);
}

TEST_F(StructureTest, SingleLanes) {
  v(0) = {{0x4444'3333'2222'1111, 0}};
  v(1) = {{0x8888'7777'6666'5555, 0}};
  ASSERT_TRUE(run(0x0dbf5820)); // st2 {v0.h, v1.h}[3], [x1], #4
  EXPECT_EQ(memory(0), 0x0706'0504'8888'4444U);
  EXPECT_EQ(x(1), kRam + 4);
  x(1) = kRam + 8;
  x(2) = ~7ULL; // -8
  v(5) = v(6) = {{1, 2}};
  ASSERT_TRUE(run(0x4de28425)); // ld2 {v5.d, v6.d}[1], [x1], x2
  EXPECT_EQ(v(5), (Vec{{1, 0x0f0e'0d0c'0b0a'0908}}));
  EXPECT_EQ(v(6), (Vec{{1, 0x1716'1514'1312'1110}}));
  EXPECT_EQ(x(1), kRam);
}

TEST_F(StructureTest, ReplicatingLoadClearsTheUpperHalf) {
  ASSERT_TRUE(run(0x0d60e820)); // ld4r {v0.2s, v1.2s, v2.2s, v3.2s}, [x1]
  EXPECT_EQ(v(0), (Vec{{0x0302'0100'0302'0100, 0}}));
  EXPECT_EQ(v(3), (Vec{{0x0f0e'0d0c'0f0e'0d0c, 0}}));
}

TEST_F(StructureTest, FaultLeavesRegistersAlone) {
  x(1) = kRam + kRamSize - 0x20; // the second half is outside RAM
  const u64 base = x(1);
  Vec before[32];
  std::memcpy(before, cpu_.s.v, sizeof before);
  EXPECT_FALSE(run(0x4cdf0c20)); // ld4 {v0.2d, v1.2d, v2.2d, v3.2d}, [x1], #64
  EXPECT_TRUE(cpu_.exit_pending);
  EXPECT_EQ(cpu_.exit.physical_address, kRam + kRamSize);
  EXPECT_EQ(std::memcmp(before, cpu_.s.v, sizeof before), 0);
  EXPECT_EQ(x(1), base);
}

TEST_F(StructureTest, MisalignedStackPointer) {
  cpu_.s.x[kRegSp] = kRam + 8;
  EXPECT_TRUE(run(0x4c4073e0));    // ld1 {v0.16b}, [sp]
  cpu_.s.sys.sctlr_el1 |= 1U << 3; // SA
  EXPECT_FALSE(run(0x4c4073e0));
  EXPECT_EQ(cpu_.s.sys.esr_el1 >> 26, 0x26U);
  cpu_.s.x[kRegSp] = kRam + 16;
  EXPECT_TRUE(run(0x4c4073e0));
  EXPECT_EQ(v(0).d[0], 0x1716'1514'1312'1110U);
}

} // namespace
} // namespace softhv::interp
