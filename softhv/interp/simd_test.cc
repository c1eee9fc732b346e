// SPDX-License-Identifier: Apache-2.0
// AdvSIMD data processing: values worked out by hand at the edges of the Arm ARM's definitions.
#include "softhv/interp/instruction_fixture.h"

namespace softhv::interp {
namespace {

using SimdTest = InstructionTest;

TEST_F(SimdTest, SaturationIsSticky) {
  v(1) = {{0x7f80'007f'8000'0102, 0}};
  v(2) = {{0x01ff'0080'8000'0304, 0}};
  // sqadd v0.16b, v1.16b, v2.16b
  EXPECT_EQ(v0_of(0x4e220c20), (Vec{{0x7f80'00ff'8000'0406, 0}}));
  EXPECT_TRUE(saturated());
  EXPECT_TRUE(run(0x0e228420)); // add v0.8b, v1.8b, v2.8b
  EXPECT_TRUE(saturated());
  v(1) = {{1, 0}};
  v(2) = {{2, 0}};
  EXPECT_FALSE(saturates(0x4e220c20));
}

TEST_F(SimdTest, NarrowFormsClearTheRest) {
  v(0) = v(1) = v(2) = {{~0ULL, ~0ULL}};
  EXPECT_EQ(v0_of(0x5e220c20), (Vec{{0xfe, 0}}));                  // sqadd b0, b1, b2
  EXPECT_EQ(v0_of(0x0e228420), (Vec{{0xfefe'fefe'fefe'fefe, 0}})); // add v0.8b, v1.8b, v2.8b
}

TEST_F(SimdTest, AddsOfTheOtherSign) {
  v(0) = {{0x0000'0000'0080'ff7f, 0}};
  v(1) = {{0x0000'0000'00ff'ff01, 0}};
  EXPECT_EQ(v0_of(0x0e203820), (Vec{{0x7f7f'7f, 0}})) << "suqadd v0.8b, v1.8b";
  EXPECT_TRUE(saturated());
  v(0) = {{0x0000'0000'0005'fffe, 0}};
  v(1) = {{0x0000'0000'00fa'ff02, 0}};
  EXPECT_EQ(v0_of(0x2e203820), (Vec{{0x0000'feff, 0}})) << "usqadd v0.8b, v1.8b";
  EXPECT_TRUE(saturated());
}

TEST_F(SimdTest, ShiftsByRegisterOfTheWidthAndMore) {
  // Lane values 1, 0, 0x80, 0x80, 0x80, 0xff, 0x7f, 0x40; shifts 8, 127, -8, -9, -128, -1, -1, 1.
  v(1) = {{0x407f'ff80'8080'0001, 0}};
  v(2) = {{0x01ff'ff80'f7f8'7f08, 0}};
  EXPECT_EQ(v0_of(0x0e224420), (Vec{{0x803f'ffff'ffff'0000, 0}})) << "sshl";
  EXPECT_EQ(v0_of(0x2e224420), (Vec{{0x803f'7f00'0000'0000, 0}})) << "ushl";
  EXPECT_EQ(v0_of(0x2e225420), (Vec{{0x8040'8000'0001'0000, 0}})) << "urshl";
  EXPECT_EQ(v0_of(0x0e224c20), (Vec{{0x7f3f'ffff'ffff'007f, 0}})) << "sqshl";
  EXPECT_EQ(v0_of(0x0e225c20), (Vec{{0x7f40'0000'0000'007f, 0}})) << "sqrshl";
  EXPECT_TRUE(saturated());
  EXPECT_EQ(v0_of(0x2e225c20), (Vec{{0x8040'8000'0001'00ff, 0}})) << "uqrshl";
}

TEST_F(SimdTest, DoublewordShiftsByTheWidth) {
  v(1) = {{0x8000'0000'0000'0000, 0}};
  v(2) = {{0xc0, 0}};                              // -64
  EXPECT_EQ(v0_of(0x5ee25420), (Vec{{0, 0}}));     // srshl d0, d1, d2
  EXPECT_EQ(v0_of(0x5f402420), (Vec{{0, 0}}));     // srshr d0, d1, #64
  EXPECT_EQ(v0_of(0x7f402420), (Vec{{1, 0}}));     // urshr d0, d1, #64
  EXPECT_EQ(v0_of(0x5f400420), (Vec{{~0ULL, 0}})); // sshr d0, d1, #64
  EXPECT_EQ(v0_of(0x7f400420), (Vec{{0, 0}}));     // ushr d0, d1, #64
}

TEST_F(SimdTest, ShiftsByImmediate) {
  v(1) = {{0xff80'407f'0112'34ab, 0}};
  EXPECT_TRUE(saturates(0x2f096420)); // sqshlu v0.8b, v1.8b, #1
  EXPECT_EQ(v(0), (Vec{{0x0000'80fe'0224'6800, 0}}));
  v(0) = {{0x1122'3344'5566'7788, ~0ULL}};
  EXPECT_EQ(v0_of(0x2f084420), (Vec{{0x1122'3344'5566'7788, 0}})); // sri v0.8b, v1.8b, #8
  EXPECT_EQ(v0_of(0x2f0c5420), (Vec{{0xf102'03f4'1526'47b8, 0}})); // sli v0.8b, v1.8b, #4
}

TEST_F(SimdTest, DoublingMultiplies) {
  v(1) = {{0x8000'8000'4000'0001, 0}};
  v(2) = {{0x8000'7fff'0001'4000, 0}};
  EXPECT_TRUE(saturates(0x0e62b420)); // sqdmulh v0.4h, v1.4h, v2.4h
  EXPECT_EQ(v(0), (Vec{{0x7fff'8001'0000'0000, 0}}));
  EXPECT_TRUE(saturates(0x2e62b420)); // sqrdmulh
  EXPECT_EQ(v(0), (Vec{{0x7fff'8001'0001'0001, 0}}));
  EXPECT_TRUE(saturates(0x0e62d020)); // sqdmull v0.4s, v1.4h, v2.4h
  EXPECT_EQ(v(0), (Vec{{0x0000'8000'0000'8000, 0x7fff'ffff'8001'0000}}));
}

TEST_F(SimdTest, RoundingDoublingMultiplyAccumulatesBeforeItSaturates) {
  v(1) = v(2) = {{0x8000'8000, 0}};
  v(0) = {{0x0000'ffff, 0}};          // -1 keeps the product in range
  EXPECT_TRUE(saturates(0x2e428420)); // sqrdmlah v0.4h, v1.4h, v2.4h
  EXPECT_EQ(v(0), (Vec{{0x7fff'7fff, 0}}));
  v(0) = {{0xffff'ffff, 0}};
  EXPECT_FALSE(saturates(0x2e428420));
  EXPECT_EQ(v(0), (Vec{{0x7fff'7fff, 0}}));
  v(0) = {{0x0000'ffff, 0}};
  EXPECT_TRUE(saturates(0x2e428c20)); // sqrdmlsh: -32768 fits, -32769 does not
  EXPECT_EQ(v(0), (Vec{{0x8000'8000, 0}}));
}

TEST_F(SimdTest, DoublingAccumulationSaturatesTwice) {
  v(1) = v(2) = {{0x8000, 0}};
  v(0) = {{0xffff'ffff, ~0ULL}};
  EXPECT_TRUE(saturates(0x5e629020)); // sqdmlal s0, h1, h2: product saturated, then -1
  EXPECT_EQ(v(0), (Vec{{0x7fff'fffe, 0}}));
}

TEST_F(SimdTest, Narrowing) {
  v(1) = {{0xffff'0ff0'1000'0080, 0x0100'00ff'8000'7fff}};
  EXPECT_TRUE(saturates(0x2f0c8420)); // sqshrun v0.8b, v1.8h, #4
  EXPECT_EQ(v(0), (Vec{{0x100f'00ff'00ff'ff08, 0}}));
  v(0) = {{0x1122'3344'5566'7788, 0}};
  EXPECT_TRUE(saturates(0x6e212820)); // sqxtun2 v0.16b, v1.8h
  EXPECT_EQ(v(0), (Vec{{0x1122'3344'5566'7788, 0xffff'00ff'00ff'ff80}}));
  v(2) = {{0x0001'0090'f000'0000, 0}};
  EXPECT_EQ(v0_of(0x2e224020), (Vec{{0x0101'8080'0011'0001, 0}})) << "raddhn v0.8b, v1.8h, v2.8h";
}

TEST_F(SimdTest, PolynomialProducts) {
  v(1) = {{0xff03'0102'8055'0000, ~0ULL}};
  v(2) = {{0xff03'ff80'0303'ff00, ~0ULL}};
  EXPECT_EQ(v0_of(0x2e229c20), (Vec{{0x5505'ff00'80ff'0000, 0}})); // pmul v0.8b, v1.8b, v2.8b
  EXPECT_EQ(v0_of(0x4ee2e020), (Vec{{0x5555'5555'5555'5555, 0x5555'5555'5555'5555}})); // pmull2
  v(1) = {{0x8000'0000'0000'0001, 0}};
  v(2) = {{0x8000'0000'0000'0003, 0}};
  EXPECT_EQ(v0_of(0x0ee2e020), (Vec{{3, 0x4000'0000'0000'0001}})); // pmull v0.1q, v1.1d, v2.1d
}

TEST_F(SimdTest, TableLookUp) {
  v(31) = {{0x0706'0504'0302'0100, 0x0f0e'0d0c'0b0a'0908}};
  v(0) = {{0x1716'1514'1312'1110, 0x1f1e'1d1c'1b1a'1918}};
  v(2) = {{0x2120'1f10'0f01'00ff, 0x0000'0000'0000'0020}};
  // tbl v0.16b, {v31.16b, v0.16b}, v2.16b: the table wraps to V0, which is the destination too
  EXPECT_EQ(v0_of(0x4e0223e0), (Vec{{0x0000'1f10'0f01'0000, 0}}));
  v(0) = {{0xa7a6'a5a4'a3a2'a1a0, ~0ULL}};
  v(1) = v(31);
  v(2) = {{0x100f'0203'80ff'0001, 0}};
  // tbx v0.8b, {v1.16b}, v2.8b: out of range keeps the byte
  EXPECT_EQ(v0_of(0x0e021020), (Vec{{0xa70f'0203'a3a2'0001, 0}}));
}

TEST_F(SimdTest, Permutes) {
  v(1) = {{0x0706'0504'0302'0100, 0x0f0e'0d0c'0b0a'0908}};
  v(2) = {{0x1716'1514'1312'1110, 0x1f1e'1d1c'1b1a'1918}};
  EXPECT_EQ(v0_of(0x6e020020), v(1));                              // ext v0.16b, v1.16b, v2.16b, #0
  EXPECT_EQ(v0_of(0x2e021820), (Vec{{0x1211'1007'0605'0403, 0}})); // ext v0.8b, .., #3
  EXPECT_EQ(v0_of(0x4e826820),                                     // trn2 v0.4s, v1.4s, v2.4s
            (Vec{{0x1716'1514'0706'0504, 0x1f1e'1d1c'0f0e'0d0c}}));
  EXPECT_EQ(v0_of(0x4e415820), // uzp2 v0.8h, v1.8h, v1.8h
            (Vec{{0x0f0e'0b0a'0706'0302, 0x0f0e'0b0a'0706'0302}}));
  EXPECT_TRUE(run(0x4e023821)); // zip1 v1.16b, v1.16b, v2.16b
  EXPECT_EQ(v(1), (Vec{{0x1303'1202'1101'1000, 0x1707'1606'1505'1404}}));
}

TEST_F(SimdTest, ByElement) {
  v(1) = {{0x0004'0003'0002'0001, 0x0008'0007'0006'0005}};
  v(2) = {{0, 0x0003'0000'0000'0000}};
  EXPECT_EQ(v0_of(0x4f728820), // mul v0.8h, v1.8h, v2.h[7]
            (Vec{{0x000c'0009'0006'0003, 0x0018'0015'0012'000f}}));
  v(0) = {{1, 0}};
  v(18) = {{0, 0x0000'0002'0000'0000}};
  EXPECT_EQ(v0_of(0x6fb20820), // mla v0.4s, v1.4s, v18.s[3]
            (Vec{{0x0008'0006'0004'0003, 0x0010'000e'000c'000a}}));
}

TEST_F(SimdTest, DotProducts) {
  v(0) = {{0x0000'0001'0000'0000, 0}};
  v(1) = {{0xffff'ffff'8080'8080, 0x0102'0304'0000'0001}};
  v(2) = {{0x0202'0202'8080'8080, 0x0101'0101'0000'00ff}};
  EXPECT_EQ(v0_of(0x4e829420), // sdot v0.4s, v1.16b, v2.16b
            (Vec{{0xffff'fff9'0001'0000, 0x0000'000a'ffff'ffff}}));
  v(0) = {{0, 0}};
  EXPECT_EQ(v0_of(0x6f82e820), // udot v0.4s, v1.16b, v2.4b[2]
            (Vec{{0x0000'fe01'0000'7f80, 0x0000'03fc'0000'00ff}}));
}

TEST_F(SimdTest, Reductions) {
  v(1) = {{0x8080'8080'8080'8080, 0x8080'8080'8080'80ff}};
  EXPECT_EQ(v0_of(0x4e303820), (Vec{{0xf87f, 0}}));                // saddlv h0, v1.16b
  EXPECT_EQ(v0_of(0x4e31a820), (Vec{{0x80, 0}}));                  // sminv b0, v1.16b
  EXPECT_EQ(v0_of(0x0e202820), (Vec{{0xff00'ff00'ff00'ff00, 0}})); // saddlp v0.4h, v1.8b
  EXPECT_EQ(v0_of(0x5ef1b820), (Vec{{0x0101'0101'0101'017f, 0}})); // addp d0, v1.2d
}

TEST_F(SimdTest, ModifiedImmediates) {
  EXPECT_EQ(v0_of(0x4f006640), (Vec{{0x1200'0000'1200'0000, 0x1200'0000'1200'0000}}));
  EXPECT_EQ(v0_of(0x0f00d640), (Vec{{0x0012'ffff'0012'ffff, 0}}));
  EXPECT_EQ(v0_of(0x6f04e6a0), (Vec{{0xff00'00ff'00ff'00ff, 0xff00'00ff'00ff'00ff}}));
  EXPECT_EQ(v0_of(0x6f00a640), (Vec{{0xedff'edff'edff'edff, 0xedff'edff'edff'edff}}));
  v(0) = {{0x1234'5678'9abc'def0, ~0ULL}};
  EXPECT_EQ(v0_of(0x2f0797e0), (Vec{{0x1200'5600'9a00'de00, 0}}));
}

TEST_F(SimdTest, Copies) {
  v(1) = {{0x8001'7fff'8002'1234, 0xff00'0000'00aa'0005}};
  EXPECT_TRUE(run(0x4e062c20)); // smov x0, v1.h[1]
  EXPECT_EQ(x(0), 0xffff'ffff'ffff'8002);
  EXPECT_TRUE(run(0x0e1f2c20)); // smov w0, v1.b[15]
  EXPECT_EQ(x(0), 0xffff'ffffU);
  EXPECT_TRUE(run(0x4e183c20)); // umov x0, v1.d[1]
  EXPECT_EQ(x(0), 0xff00'0000'00aa'0005);
  v(0) = {{0, ~0ULL}};
  EXPECT_EQ(v0_of(0x6e0e1420), (Vec{{0x8002'0000'0000'0000, ~0ULL}})); // mov v0.h[3], v1.h[1]
  EXPECT_EQ(v0_of(0x5e160420), (Vec{{0xaa, 0}}));                      // mov h0, v1.h[5]
  x(1) = 0xffff'ffff'0000'0007;
  EXPECT_EQ(v0_of(0x4e040c20), (Vec{{0x0000'0007'0000'0007, 0x0000'0007'0000'0007}}));
}

TEST_F(SimdTest, BitsAndBytes) {
  v(1) = {{0xff80'7f00'0112'34f0, 0}};
  EXPECT_EQ(v0_of(0x0e204820), (Vec{{0x0700'0007'0602'0103, 0}})); // cls v0.8b, v1.8b
  EXPECT_EQ(v0_of(0x2e605820), (Vec{{0xff01'fe00'8048'2c0f, 0}})); // rbit v0.8b, v1.8b
  EXPECT_EQ(v0_of(0x0e201820), (Vec{{0x80ff'007f'1201'f034, 0}})); // rev16 v0.8b, v1.8b
  EXPECT_EQ(v0_of(0x2e213820),                                     // shll v0.8h, v1.8b, #8
            (Vec{{0x0100'1200'3400'f000, 0xff00'8000'7f00'0000}}));
}

TEST(SimdTable, ReservedEncodingsAreUnallocated) {
  const u32 reserved[] = {
      0x0ee20420, // shadd of 64-bit lanes
      0x4ee20420,
      0x0ee20c20, // sqadd .1d
      0x0ee28420, // add .1d
      0x0e22b420, // sqdmulh .8b
      0x2e629c20, // pmul .4h
      0x0e042c20, // smov w0, v1.s[0]
      0x0e083c20, // umov w0, v1.d[0]
      0x4e043c20, // umov x0, v1.s[0]
      0x0e080c20, // dup v0.1d, x1
      0x4e100c20, // dup with imm5 = 10000
      0x2e024020, // ext v0.8b, v1.8b, v2.8b, #8
      0x0ec23820, // zip1 .1d
      0x0eb1b820, // addv .2s
      0x0f400420, // sshr .1d
      0x4f408420, // shrn with immh = 1xxx
      0x0c408c20, // ld2 .1d
      0x0d404420, // ld1 .h with size<0> set
      0x0d409420, // ld1 .d with S set
      0x0d408820, // ld1 with size = 10 for a 32-bit lane
      0x0d00c020, // st1 has no replicating form
      0x4e684820, // aese with size = 01
  };
  for (const u32 word : reserved)
    EXPECT_EQ(isa::decode(word), nullptr) << std::hex << word;
}

} // namespace
} // namespace softhv::interp
