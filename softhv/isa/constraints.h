// SPDX-License-Identifier: Apache-2.0
// Predicates for the `valid` column of the instruction table (isa/table.h): which of the encodings
// that match a pattern are allocated. Named for what they demand; one a rule of the Arm ARM.
#pragma once

#include "arch/bits.h"
#include "arch/types.h"
#include "softhv/isa/bitmask.h"

namespace softhv::isa {

constexpr bool any(u32 /*word*/) {
  return true;
}

// Data processing (C4.1.86, C4.1.93). sf is word<31>.

// Logical (immediate): N:immr:imms is not reserved; N is 0 for a 32-bit operation.
constexpr bool bitmask_immediate(u32 word) {
  return (bit(word, 31) || !bit(word, 22)) && decode_bitmask(bits(word, 22, 10)).has_value();
}

// Move wide: a 32-bit register has two half-words.
constexpr bool shift_of_move_in_register(u32 word) {
  return bit(word, 31) || !bit(word, 22);
}

// Bitfield and EXTR: N == sf, and bit positions of a 32-bit operation are below 32.
constexpr bool bitfield_in_register(u32 word) {
  const bool extract = bits(word, 28, 23) == 0b100111;
  if (bit(word, 31))
    return bit(word, 22);
  return !bit(word, 22) && !bit(word, 15) && (extract || !bit(word, 21));
}

// Shifted register: the amount of a 32-bit operation is below 32.
constexpr bool shift_amount_in_register(u32 word) {
  return bit(word, 31) || !bit(word, 15);
}

// Add and subtract (shifted register) have no ROR.
constexpr bool arithmetic_shift(u32 word) {
  return bits(word, 23, 22) != 3 && shift_amount_in_register(word);
}

constexpr bool extend_shift_up_to_4(u32 word) {
  return bits(word, 12, 10) <= 4;
}

// The doubleword form, and only that, is a 64-bit instruction.
constexpr bool crc32_size(u32 word) {
  return bit(word, 31) == (bits(word, 11, 10) == 3);
}

// Loads and stores (C4.1.94). size is word<31:30>.

// SIMD&FP: opc<1> makes a byte access one of 16 bytes; other sizes leave it clear.
constexpr bool fp_transfer_size(u32 word) {
  return !bit(word, 23) || bits(word, 31, 30) == 0;
}

// Register offset: UXTW, LSL, SXTW or SXTX.
constexpr bool extends_word_or_more(u32 word) {
  return bit(word, 14);
}

constexpr bool fp_register_offset(u32 word) {
  return fp_transfer_size(word) && extends_word_or_more(word);
}

// SIMD&FP pairs and literals: 4, 8 or 16 bytes.
constexpr bool fp_word_or_more(u32 word) {
  return bits(word, 31, 30) != 3;
}

// CASP: Rs and Rt name the first of two registers.
constexpr bool even_pairs(u32 word) {
  return !bit(word, 16) && !bit(word, 0);
}

// Floating point and AdvSIMD floating point (C4.1.96). Bit 22 chooses double over single.

// FMOV (general) without half precision: W with S, X with D.
constexpr bool fmov_same_size(u32 word) {
  return bit(word, 31) == bit(word, 22);
}

// FCVT: two different formats of half (3), single (0) and double (1).
constexpr bool fcvt_formats_differ(u32 word) {
  const u64 from = bits(word, 23, 22);
  const u64 to = bits(word, 16, 15);
  return from != 2 && to != 2 && from != to;
}

// Fixed-point conversion of a W register: at most 32 fraction bits.
constexpr bool fixed_scale_in_register(u32 word) {
  return bit(word, 31) || bit(word, 15);
}

// There is no vector of one double.
constexpr bool double_needs_quad(u32 word) {
  return !bit(word, 22) || bit(word, 30);
}

// By element: L is not an index bit for doubles.
constexpr bool fp_element_scalar(u32 word) {
  return !(bit(word, 22) && bit(word, 21));
}
constexpr bool fp_element_vector(u32 word) {
  return fp_element_scalar(word) && double_needs_quad(word);
}

// Fixed-point conversion in V registers: immh is 01xx (single) or 1xxx (double).
constexpr bool fp_shift_scalar(u32 word) {
  return bits(word, 22, 21) != 0;
}
constexpr bool fp_shift_vector(u32 word) {
  return fp_shift_scalar(word) && double_needs_quad(word);
}

// DCPS1 to DCPS3: LL is not 0.
constexpr bool debug_target_el(u32 word) {
  return (word & 3) != 0;
}

// MSR and MRS of registers that have no rows of their own. Those that do are plain state that every
// program may use: NZCV, FPCR and FPSR.
constexpr bool not_plain_msr(u32 word) {
  return bits(word, 20, 5) != 0xda10;
}
constexpr bool not_plain_mrs(u32 word) {
  const u64 encoding = bits(word, 20, 5);
  return encoding != 0xda10 && encoding != 0xda20 && encoding != 0xda21;
}

// HINT: all but YIELD, WFE, WFI, SEV and SEVL, which have rows of their own.
constexpr bool hint_is_nop(u32 word) {
  const u64 number = bits(word, 11, 5);
  return number < 1 || number > 5;
}

// --- AdvSIMD -------------------------------------------------------------------------------------
// Q is word<30>, size word<23:22>. The letters tell which lanes are allocated.

constexpr bool lanes_bhs(u32 word) {
  return bits(word, 23, 22) != 3;
}
constexpr bool lanes_hs(u32 word) {
  return bits(word, 23, 22) == 1 || bits(word, 23, 22) == 2;
}
// There is no arrangement 1D.
constexpr bool lanes_bhsd(u32 word) {
  return bits(word, 23, 22) != 3 || bit(word, 30);
}
// Reductions exist for 8B, 16B, 4H, 8H and 4S.
constexpr bool lanes_across(u32 word) {
  return bits(word, 23, 22) < 2 || (bits(word, 23, 22) == 2 && bit(word, 30));
}

// Shift by immediate: immh is word<22:19>; 0 belongs to the modified immediates.
constexpr bool shift_scalar(u32 word) {
  return bits(word, 22, 19) != 0;
}
constexpr bool shift_vector(u32 word) {
  return bits(word, 22, 19) != 0 && (!bit(word, 22) || bit(word, 30));
}
constexpr bool shift_narrow(u32 word) {
  return bits(word, 22, 19) != 0 && !bit(word, 22);
}

// Copy: the lowest set bit of imm5, word<20:16>, is the lane size; 64-bit lanes are the largest.
constexpr bool copy_element(u32 word) {
  return bits(word, 19, 16) != 0;
}
constexpr bool copy_lanes(u32 word) {
  return bits(word, 19, 16) != 0 && (bits(word, 19, 16) != 8 || bit(word, 30));
}
// SMOV to Wd from B and H, to Xd from B, H and S.
constexpr bool copy_signed(u32 word) {
  return bits(word, 17, 16) != 0 || (bits(word, 18, 16) == 4 && bit(word, 30));
}
// UMOV to Wd from B, H and S, to Xd from D.
constexpr bool copy_unsigned(u32 word) {
  return bit(word, 30) ? bits(word, 19, 16) == 8 : bits(word, 18, 16) != 0;
}

// EXT of 64-bit vectors: imm4 is 0 to 7.
constexpr bool ext_index(u32 word) {
  return bit(word, 30) || !bit(word, 14);
}

// Interleaved structures: size is word<11:10>, no arrangement 1D.
constexpr bool structure_lanes(u32 word) {
  return bits(word, 11, 10) != 3 || bit(word, 30);
}
// A lane of a single structure: opcode<2:1> is word<15:14>, S word<12>, size word<11:10>.
constexpr bool structure_lane(u32 word) {
  switch (bits(word, 15, 14)) {
  case 0: return true;
  case 1: return !bit(word, 10);
  case 2: return bits(word, 11, 10) == 0 || (bits(word, 11, 10) == 1 && !bit(word, 12));
  default: return false;
  }
}

} // namespace softhv::isa
