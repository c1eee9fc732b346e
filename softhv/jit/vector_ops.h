// SPDX-License-Identifier: Apache-2.0
// SIMD instructions of the host as the emitters use them: with a destination of their own, in the
// VEX encoding where the host has AVX, else in the SSE one with the moves that takes. Tables of the
// instructions that exist for several lane sizes are indexed by size: 0 is a byte, 3 a doubleword.
#pragma once

#include <bit>
#include <cstddef>

#include "arch/bits.h"
#include "softhv/core/cpu_state.h"
#include "softhv/jit/vector.h"

namespace softhv::jit {

using Xbyak::Operand;
using Xbyak::Xmm;

// Short names of the scratch registers. kT2 is also what the functions below may overwrite.
inline const Xmm& kT0 = reg::kVectorScratch0;
inline const Xmm& kT1 = reg::kVectorScratch1;
inline const Xmm& kT2 = reg::kVectorScratch2;

// d = a op b; b may be in memory.
struct Binary {
  void (*sse)(Assembler&, const Xmm& d, const Operand& b);
  void (*vex)(Assembler&, const Xmm& d, const Xmm& a, const Operand& b);
  bool commutes;
};
// The same with an immediate.
struct BinaryImm {
  void (*sse)(Assembler&, const Xmm& d, const Operand& b, u8 imm);
  void (*vex)(Assembler&, const Xmm& d, const Xmm& a, const Operand& b, u8 imm);
};
// d = op a; a may be in memory.
struct Unary {
  void (*sse)(Assembler&, const Xmm& d, const Operand& a);
  void (*vex)(Assembler&, const Xmm& d, const Operand& a);
};
// d = a shifted by a constant; amounts of the lane size and more are fine.
struct Shift {
  void (*sse)(Assembler&, const Xmm& d, u8 amount);
  void (*vex)(Assembler&, const Xmm& d, const Xmm& a, u8 amount);
};

#define SOFTHV_BINARY(name, commutes)                                                              \
  Binary {                                                                                         \
    [](Assembler& as, const Xmm& d, const Operand& b) { as.name(d, b); },                          \
        [](Assembler& as, const Xmm& d, const Xmm& a, const Operand& b) { as.v##name(d, a, b); },  \
        commutes                                                                                   \
  }
#define SOFTHV_BINARY_IMM(name)                                                                    \
  BinaryImm {                                                                                      \
    [](Assembler& as, const Xmm& d, const Operand& b, u8 imm) { as.name(d, b, imm); },             \
        [](Assembler& as, const Xmm& d, const Xmm& a, const Operand& b, u8 imm) {                  \
          as.v##name(d, a, b, imm);                                                                \
        }                                                                                          \
  }
#define SOFTHV_UNARY(name)                                                                         \
  Unary {                                                                                          \
    [](Assembler& as, const Xmm& d, const Operand& a) { as.name(d, a); },                          \
        [](Assembler& as, const Xmm& d, const Operand& a) { as.v##name(d, a); }                    \
  }
#define SOFTHV_SHIFT(name)                                                                         \
  Shift {                                                                                          \
    [](Assembler& as, const Xmm& d, u8 amount) { as.name(d, static_cast<int>(amount)); },          \
        [](Assembler& as, const Xmm& d, const Xmm& a, u8 amount) { as.v##name(d, a, amount); }     \
  }

inline constexpr Binary kPand = SOFTHV_BINARY(pand, true);
inline constexpr Binary kPandn = SOFTHV_BINARY(pandn, false); // ~a & b
inline constexpr Binary kPor = SOFTHV_BINARY(por, true);
inline constexpr Binary kPxor = SOFTHV_BINARY(pxor, true);
inline constexpr Binary kPshufb = SOFTHV_BINARY(pshufb, false);
inline constexpr Binary kAdd[] = {SOFTHV_BINARY(paddb, true), SOFTHV_BINARY(paddw, true),
                                  SOFTHV_BINARY(paddd, true), SOFTHV_BINARY(paddq, true)};
inline constexpr Binary kSub[] = {SOFTHV_BINARY(psubb, false), SOFTHV_BINARY(psubw, false),
                                  SOFTHV_BINARY(psubd, false), SOFTHV_BINARY(psubq, false)};
inline constexpr Binary kEqual[] = {SOFTHV_BINARY(pcmpeqb, true), SOFTHV_BINARY(pcmpeqw, true),
                                    SOFTHV_BINARY(pcmpeqd, true), SOFTHV_BINARY(pcmpeqq, true)};
inline constexpr Binary kGreater[] = {SOFTHV_BINARY(pcmpgtb, false), SOFTHV_BINARY(pcmpgtw, false),
                                      SOFTHV_BINARY(pcmpgtd, false), SOFTHV_BINARY(pcmpgtq, false)};
inline constexpr Binary kMaxSigned[] = {SOFTHV_BINARY(pmaxsb, true), SOFTHV_BINARY(pmaxsw, true),
                                        SOFTHV_BINARY(pmaxsd, true)};
inline constexpr Binary kMaxUnsigned[] = {SOFTHV_BINARY(pmaxub, true), SOFTHV_BINARY(pmaxuw, true),
                                          SOFTHV_BINARY(pmaxud, true)};
inline constexpr Binary kMinSigned[] = {SOFTHV_BINARY(pminsb, true), SOFTHV_BINARY(pminsw, true),
                                        SOFTHV_BINARY(pminsd, true)};
inline constexpr Binary kMinUnsigned[] = {SOFTHV_BINARY(pminub, true), SOFTHV_BINARY(pminuw, true),
                                          SOFTHV_BINARY(pminud, true)};
// Lanes of a and b in turn, from their lower or upper halves.
inline constexpr Binary kUnpackLow[] = {
    SOFTHV_BINARY(punpcklbw, false), SOFTHV_BINARY(punpcklwd, false),
    SOFTHV_BINARY(punpckldq, false), SOFTHV_BINARY(punpcklqdq, false)};
inline constexpr Binary kUnpackHigh[] = {
    SOFTHV_BINARY(punpckhbw, false), SOFTHV_BINARY(punpckhwd, false),
    SOFTHV_BINARY(punpckhdq, false), SOFTHV_BINARY(punpckhqdq, false)};

inline constexpr BinaryImm kPalignr = SOFTHV_BINARY_IMM(palignr);
inline constexpr BinaryImm kPblendw = SOFTHV_BINARY_IMM(pblendw);
inline constexpr BinaryImm kShufps = SOFTHV_BINARY_IMM(shufps);
inline constexpr BinaryImm kShufpd = SOFTHV_BINARY_IMM(shufpd);
inline constexpr BinaryImm kInsertps = SOFTHV_BINARY_IMM(insertps);

// Lower lanes extended to twice their size.
inline constexpr Unary kExtendSigned[] = {SOFTHV_UNARY(pmovsxbw), SOFTHV_UNARY(pmovsxwd),
                                          SOFTHV_UNARY(pmovsxdq)};
inline constexpr Unary kExtendUnsigned[] = {SOFTHV_UNARY(pmovzxbw), SOFTHV_UNARY(pmovzxwd),
                                            SOFTHV_UNARY(pmovzxdq)};
inline constexpr Unary kAbsolute[] = {SOFTHV_UNARY(pabsb), SOFTHV_UNARY(pabsw),
                                      SOFTHV_UNARY(pabsd)};

// Not for bytes.
inline constexpr Shift kShiftLeft[] = {
    {}, SOFTHV_SHIFT(psllw), SOFTHV_SHIFT(pslld), SOFTHV_SHIFT(psllq)};
inline constexpr Shift kShiftRight[] = {
    {}, SOFTHV_SHIFT(psrlw), SOFTHV_SHIFT(psrld), SOFTHV_SHIFT(psrlq)};
inline constexpr Shift kShiftRightSigned[] = {{}, SOFTHV_SHIFT(psraw), SOFTHV_SHIFT(psrad)};
// By bytes, of the whole register.
inline constexpr Shift kPslldq = SOFTHV_SHIFT(pslldq);
inline constexpr Shift kPsrldq = SOFTHV_SHIFT(psrldq);

inline void move(Assembler& as, const Xmm& d, const Operand& a) {
  if (a.isXMM() && a.getIdx() == d.getIdx())
    return;
  if (as.host.avx)
    as.vmovdqa(d, a);
  else
    as.movdqa(d, a);
}
// The lower half of a; clears the upper half of d.
inline void move_low(Assembler& as, const Xmm& d, const Xmm& a) {
  if (as.host.avx)
    as.vmovq(d, a);
  else
    as.movq(d, a);
}

// a must not be kT2 where b is d.
inline void apply(Assembler& as, const Binary& op, const Xmm& d, const Xmm& a, const Operand& b) {
  if (as.host.avx) {
    op.vex(as, d, a, b);
  } else if (b.isXMM() && b.getIdx() == d.getIdx() && a.getIdx() != d.getIdx()) {
    if (op.commutes) {
      op.sse(as, d, a);
    } else {
      move(as, kT2, b);
      move(as, d, a);
      op.sse(as, d, kT2);
    }
  } else {
    move(as, d, a);
    op.sse(as, d, b);
  }
}
inline void apply(Assembler& as, const BinaryImm& op, const Xmm& d, const Xmm& a, const Operand& b,
                  u8 imm) {
  if (as.host.avx) {
    op.vex(as, d, a, b, imm);
  } else if (b.isXMM() && b.getIdx() == d.getIdx() && a.getIdx() != d.getIdx()) {
    move(as, kT2, b);
    move(as, d, a);
    op.sse(as, d, kT2, imm);
  } else {
    move(as, d, a);
    op.sse(as, d, b, imm);
  }
}
inline void apply(Assembler& as, const Unary& op, const Xmm& d, const Operand& a) {
  (as.host.avx ? op.vex : op.sse)(as, d, a);
}
inline void apply(Assembler& as, const Shift& op, const Xmm& d, const Xmm& a, u8 amount) {
  if (as.host.avx) {
    op.vex(as, d, a, amount);
  } else {
    move(as, d, a);
    op.sse(as, d, amount);
  }
}

// The 32-bit lanes of a that `order` names, two bits each.
inline void shuffle32(Assembler& as, const Xmm& d, const Operand& a, u8 order) {
  if (as.host.avx)
    as.vpshufd(d, a, order);
  else
    as.pshufd(d, a, order);
}
inline constexpr u8 kSwapHalves = 0x4e;

inline void zero(Assembler& as, const Xmm& d) {
  apply(as, kPxor, d, d, d);
}
inline void ones(Assembler& as, const Xmm& d) {
  apply(as, kEqual[2], d, d, d);
}

// Sets ZF when a & mask is 0, CF when mask & ~a is.
inline void test(Assembler& as, const Xmm& a, const Operand& mask) {
  if (as.host.avx)
    as.vptest(a, mask);
  else
    as.ptest(a, mask);
}

// FPSR.QC: some lane has saturated.
inline void set_qc(Assembler& as) {
  as.or_(Assembler::state32(offsetof(CpuState, fpsr)), 1U << 27);
}

// Fields of AdvSIMD encodings. Scalar ones have bit 28 set.
constexpr bool q_of(u32 word) {
  return bit(word, 30);
}
constexpr bool is_scalar(u32 word) {
  return bit(word, 28);
}
constexpr unsigned size_of(u32 word) {
  return static_cast<unsigned>(bits(word, 23, 22));
}

// `value` in every lane of the size.
constexpr u64 replicate(unsigned size, u64 value) {
  for (unsigned width = 8U << size; width < 64; width *= 2)
    value |= value << width;
  return value;
}
constexpr u64 lane_mask(unsigned size) {
  return size < 3 ? (1ULL << (8U << size)) - 1 : ~0ULL;
}

constexpr u64 sign_bit(unsigned size) {
  return 1ULL << ((8U << size) - 1);
}

// For PSHUFB: no byte (zeros), and the bytes of a lane, over and over.
inline constexpr u64 kNoBytes = 0x8080'8080'8080'8080;
constexpr u64 lane_bytes(unsigned size, unsigned index) {
  constexpr u64 kFirst[] = {0, 0x0100, 0x0302'0100, 0x0706'0504'0302'0100};
  return replicate(size, kFirst[size]) + replicate(0, index << size);
}

// The even lanes of a register, or the odd ones, as bytes for half a PSHUFB.
constexpr u64 every_other_lane(unsigned size, unsigned part) {
  u64 order = 0;
  for (unsigned i = 0; i < 8; ++i) {
    const unsigned lane = 2 * (i >> size) + part;
    order |= static_cast<u64>((lane << size) + (i & ((1U << size) - 1))) << (8 * i);
  }
  return order;
}

// Shift by immediate: the highest set bit of immh is the lane size; immh:immb is 2 * width - shift
// for right shifts and width + shift for left ones (Arm ARM C7.2, SSHR and SHL). Where lanes change
// their width this is about the narrow ones.
struct ShiftField {
  unsigned size;
  unsigned value; // immh:immb
  [[nodiscard]] constexpr u8 right() const { return static_cast<u8>((16U << size) - value); }
  [[nodiscard]] constexpr u8 left() const { return static_cast<u8>(value - (8U << size)); }
};
constexpr ShiftField shift_of(u32 word) {
  const auto value = static_cast<unsigned>(bits(word, 22, 16));
  return {static_cast<unsigned>(std::bit_width(value >> 3)) - 1, value};
}

// Shifts of lanes of any size; d may be n. All but the left one overwrite kT2, the rounding one kT1
// too: d must not be any of those. Right shifts are by 1 to the width of the lane.
void shift_left(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, u8 amount);
void shift_right(Assembler& as, bool is_signed, unsigned size, const Xmm& d, const Xmm& n,
                 u8 amount);
void shift_right_rounded(Assembler& as, bool is_signed, unsigned size, const Xmm& d, const Xmm& n,
                         u8 amount);

// Unsigned lanes as signed ones in the same order.
void flip_signs(Assembler& as, unsigned size, const Xmm& d, const Xmm& n);

// Overwrites kT1 and kT2.
void absolute(Assembler& as, unsigned size, const Xmm& d, const Xmm& n);

// d = the lanes of n's lower or upper half extended to twice the size. Overwrites kT2.
void extend(Assembler& as, bool is_signed, unsigned size, const Xmm& d, const Xmm& n, bool upper);
// kT0 and kT1 = the same of n and m.
void extend_both(Assembler& as, bool is_signed, unsigned size, const Xmm& n, const Xmm& m,
                 bool upper);

// d = products of the lanes of n's and m's lower or upper halves, twice as wide. m may be kT1, and
// n and m any other register but the scratch ones; overwrites all of those. d may be any but kT2.
void multiply_long(Assembler& as, bool is_signed, unsigned size, const Xmm& d, const Xmm& n,
                   const Xmm& m, bool upper);

// d = b in the bytes where kT0 has the sign bit set, else a, which may be overwritten.
void blend_by_signs(Assembler& as, const Xmm& d, const Xmm& a, const Xmm& b);

// d = the lane of n in every lane; d may be n.
void broadcast(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, unsigned index);
// The same for the element that a "by element" instruction of integers names.
void broadcast_element(Assembler& as, const Xmm& d, const VectorOperands& o);

// The bits of a register that hold results of lanes of the size: a scalar's lane, half of the
// register or all of it.
struct Extent {
  u64 low, high;
};
constexpr Extent extent(u32 word, unsigned size) {
  if (is_scalar(word))
    return {lane_mask(size), 0};
  return {~0ULL, q_of(word) ? ~0ULL : 0};
}

// Clears what of d lies beyond the extent.
inline void clear_rest(Assembler& as, const Xmm& d, Extent e) {
  if (e.low != ~0ULL)
    apply(as, kPand, d, d, as.constant(e.low, e.high));
  else if (e.high == 0)
    move_low(as, d, d);
}

// The families of vector_integer_rows().
std::span<const VectorRow> vector_arith_rows();
std::span<const VectorRow> vector_move_rows();
std::span<const VectorRow> vector_permute_rows();
std::span<const VectorRow> vector_reduce_rows();
std::span<const VectorRow> vector_long_rows();
std::span<const VectorRow> vector_narrow_rows();
std::span<const VectorRow> vector_crypto_rows();
std::span<const VectorRow> vector_saturate_rows();
std::span<const VectorRow> vector_shift_rows();
std::span<const VectorRow> vector_shift_register_rows();

} // namespace softhv::jit
