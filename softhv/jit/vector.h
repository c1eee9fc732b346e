// SPDX-License-Identifier: Apache-2.0
// How instructions of the SIMD&FP registers become x86-64 code: one emitter for each row of the
// instruction table that has one. A row without emitter is interpreted.
#pragma once

#include <array>
#include <span>

#include "softhv/isa/table.h"
#include "softhv/jit/assembler.h"

namespace softhv::jit {

// Where the operands of an instruction are. The names are those of the pattern's letters
// (isa/table.h): d for 'e', n for 'f', m for 'g', a for 'h'. Any of them may be the same register,
// and none but d is written. All but d hold the guest register's 128 bits; d does where the row
// says kReadsD, else its contents are undefined on entry.
struct VectorOperands {
  u32 word = 0; // the instruction
  u64 imm = 0;  // the pattern's 'i' bits
  Xbyak::Xmm d, n, m, a;
  // The general-purpose operand, where the pattern has one: 'n' (64 bits, not to be written), or
  // 'd' (to be written as a whole: a 32-bit x86 instruction does that for a W register). It may be
  // reg::kScratch2, which is not for the emitter's own use then.
  Xbyak::Reg64 x;
  // Of a row with kTable, the guest registers after n: where each is that belongs to the table.
  // They may be the same as the others, and are not to be written unless they are d.
  static constexpr int kUnknown = -2;                        // such an instruction is not emitted
  static constexpr int kInMemory = -1;                       // CpuState has its value
  std::array<int, 3> table = {kUnknown, kUnknown, kUnknown}; // the number of an XMM register
};

// Writes the code for one instruction. May use the scratch registers of assembler.h (reg::) and no
// other; the flags of the host, but not reg::kFlags unless the row says kWritesFlags. Returns false
// having written nothing for an encoding that is better interpreted.
using VectorEmit = bool (*)(Assembler& as, const VectorOperands& o);

inline constexpr u8 kReadsD = 1 << 0; // d is an operand too: an accumulator, or kept in part
// Computes with FPCR: emitted for its default value only (round to nearest, no FZ, DN, FZ16, AHP).
// The host raises the exceptions in MXCSR, where they stay until FPSR is read; MXCSR is 0x1f80 plus
// those. So what is not the instruction's own doing must not raise any.
inline constexpr u8 kUsesFpcr = 1 << 1;
inline constexpr u8 kWritesFlags = 1 << 2; // sets NZCV: leaves it in reg::kFlags, in its format

// m is an element's register: where the lanes, size in word<23:22>, are of 16 bits, the top bit of
// the pattern's 'g' belongs to the element's index.
inline constexpr u8 kElement = 1 << 3;
inline constexpr u8 kReadsFlags = 1 << 4; // reads NZCV: finds it in reg::kFlags, in its format
inline constexpr u8 kTable = 1 << 5;      // TBL, TBX: reads up to four registers from n on

struct VectorRow { // NOLINT(clang-analyzer-optin.performance.Padding): in the order of reading
  isa::InstId id;
  VectorEmit emit;
  u8 traits = 0;
};

// The number of the guest register that is m, for the value of the pattern's 'g'.
constexpr int m_register(const VectorRow& row, int g, u32 word) {
  return (row.traits & kElement) != 0 && (word >> 22 & 3) == 1 ? g & 15 : g;
}

// The rows, by family.
std::span<const VectorRow> vector_integer_rows(); // AdvSIMD but for floating point; crypto
std::span<const VectorRow> vector_fp_rows();      // scalar and AdvSIMD floating point

} // namespace softhv::jit
