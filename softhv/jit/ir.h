// SPDX-License-Identifier: Apache-2.0
// The JIT's intermediate form: a guest block as a list of simple operations on guest registers.
//
// The frontend (lift.h) makes it from instruction words, passes (passes.h) improve it, the backend
// (emitter.h) turns it into x86-64 code. Nothing in it depends on the host. Registers are not
// renamed: an operation reads and writes guest registers where the instruction does, so that the
// architectural state is exact at the start of every instruction.
#pragma once

#include <bitset>
#include <vector>

#include "softhv/core/cpu_state.h"
#include "softhv/isa/table.h"

namespace softhv::jit {

struct VectorRow;

// Longest block, in guest instructions.
inline constexpr u32 kMaxBlock = 128;

namespace ir {

// Where an operand lives: an index into CpuState::x (0..30, kRegSp, kRegZero; kRegSink as a
// destination), into CpuState::v for vector operations, or a temporary that lives within one
// instruction.
using Reg = u8;
inline constexpr Reg kTemp0 = 40;
inline constexpr Reg kTemp1 = 41;
inline constexpr Reg kNone = 0xff; // as `b`: the operand is `imm`

enum class Op : u8 {
  // d = ...; `b` or imm. Those marked * set NZCV when kSetsFlags.
  kMove,   // a, or imm when a is kNone
  kPageOf, // the address of the code page + imm (ADR, ADRP)
  kAdd,    // * a + b
  kSub,    // * a - b
  kAdc,    // * a + b + C
  kSbc,    // * a - b - !C
  kAnd,    // * a & b
  kAndNot, // * a & ~b
  kOr,
  kOrNot,
  kXor,
  kXorNot,
  kShl, // shifts take the amount modulo the width
  kShr,
  kSar,
  kRor,
  kExtract,      // the low half of (a:b) >> imm (EXTR)
  kExtend,       // a, extended as `extend` says and shifted left by imm
  kUbfx,         // (a >> imm) & ones(length)
  kSbfx,         // the same, sign-extended
  kUbfiz,        // (a & ones(length)) << imm
  kSbfiz,        // the same, sign-extended before the shift
  kInsert,       // d with ones(length) at bit imm replaced by the low bits of a (BFI)
  kInsertLow,    // d with its low ones(length) replaced by a >> imm (BFXIL)
  kMul,          // the low half
  kMulHighU,     // 64 bits
  kMulHighS,     // 64 bits
  kMulLongU,     // 32 x 32 -> 64
  kMulLongS,     // 32 x 32 -> 64
  kDivU,         // 0 when b is 0; d2 = the remainder, then a
  kDivS,         // the same
  kCountZeros,   // CLZ
  kCountSigns,   // CLS
  kReverseBits,  // RBIT
  kReverse,      // bytes; length: 16, 32 or 64 bits in each
  kCrc32,        // a, b of 1 << size bytes
  kCrc32c,       // a, b of 1 << size bytes
  kSelect,       // cond ? a : b
  kSelectInc,    // cond ? a : b + 1
  kSelectInvert, // cond ? a : ~b
  kSelectNegate, // cond ? a : -b
  // NZCV = cond ? flags of a - b : imm2
  kCompareIf,
  kCompareNegatedIf, // ... of a + b
  kReadFlags,        // d = NZCV
  kWriteFlags,       // NZCV = a
  kReadFpsr,         // d = FPSR
  kWriteFpsr,        // FPSR = a

  // Memory: 1 << size bytes at address a + (b extended as `extend` and shifted by shift), or
  // a + imm. `d` is the register transferred, of CpuState::v when kVector; d2 the second of a pair.
  kLoad,
  kStore,
  kLoadPair,
  kStorePair,
  kLoadAcquire,  // naturally aligned
  kStoreRelease, // naturally aligned
  kPageLoad,     // as kLoad, at the address of the code page + imm (LDR literal)
  kLoadAsEl0,    // LDTR
  kStoreAsEl0,   // STTR

  // LSE, naturally aligned: d = old value, d2 the operand, at address a.
  kAtomicAdd,
  kAtomicClear,
  kAtomicXor,
  kAtomicSet,
  kAtomicSwap,
  kCompareSwap, // d is compared and gets the old value, d2 is stored

  kLoadMultiple,   // LD1: `length` SIMD&FP registers from d on, one behind the other
  kStoreMultiple,  // ST1
  kLoadReplicate,  // LD1R: one element, in each of the register's; kWide: of 128 bits, else of 64
  kExclusiveLoad,  // naturally aligned; arms the monitor
  kExclusiveStore, // the same; d = status, d2 is stored
  kExclusiveLoadPair,  // of 64 bits each
  kExclusiveStorePair, // the same; d = status, d2 and b are stored at address a
  kCompareSwapPair,    // d:d+1 are compared and get the old values, d2:d2+1 are stored
  kZeroBlock,          // DC ZVA
  kCacheCheck,         // a cache operation by address: faults as a load does
  kCodeCacheCheck,     // IC IVAU

  kCompleteBarrier,  // DSB
  kSynchronize,      // ISB
  kMaskInterrupts,   // PSTATE.DAIF |= imm
  kUnmaskInterrupts, // PSTATE.DAIF &= ~imm
  kWriteDaif,        // PSTATE.DAIF = a

  kBarrier, // full
  kVector,  // an instruction of the SIMD&FP registers: `vector`

  kSysRead,  // d = 64 bits (without kWide: 32) of CpuState at offset imm
  kSysWrite, // 64 bits of CpuState at offset imm = a

  // Control. `imm` is the target, as an offset from the start of the page (maybe outside of it).
  kBranch,
  kBranchIf,   // cond
  kBranchZero, // a == 0; kNegate: a != 0
  kBranchBit,  // bit `shift` of a is 0; kNegate: 1
  kCall,       // BL
  kIndirect,   // BR: a
  kIndirectCall,
  kReturn,

  kInterpret,        // the instruction is interpreted; goes on behind it
  kInterpretAndLeave // the instruction is interpreted; the block ends
};

// Flags of an operation.
inline constexpr u8 kWide = 1 << 0;      // 64 bits, else 32 and the result is zero-extended
inline constexpr u8 kSetsFlags = 1 << 1; // NZCV
inline constexpr u8 kFlagsLive = 1 << 2; // passes.h
inline constexpr u8 kSigned = 1 << 3;    // the load sign-extends, to the width that kWide says
inline constexpr u8 kVectorReg = 1 << 4; // d, d2 are SIMD&FP registers
inline constexpr u8 kNegate = 1 << 5;
inline constexpr u8 kFlagsReach = 1 << 6; // passes.h
inline constexpr u8 kFollows = 1 << 7;    // uses the look of an earlier instruction (Inst::look)

// Which operands an instruction of Op::kVector has (Inst::size), by the letters of its pattern: e,
// f, g, h (in d, a, b and d2), n and d (in a and d).
inline constexpr u8 kOperandD = 1 << 0;
inline constexpr u8 kOperandN = 1 << 1;
inline constexpr u8 kOperandM = 1 << 2;
inline constexpr u8 kOperandA = 1 << 3;
inline constexpr u8 kOperandXSource = 1 << 4;
inline constexpr u8 kOperandXDestination = 1 << 5;

// Arm ARM, shared/functions/common: DecodeRegExtend.
enum class Extend : u8 { kUxtb, kUxth, kUxtw, kUxtx, kSxtb, kSxth, kSxtw, kSxtx };

struct Inst {
  Op op{};
  u8 flags = 0;
  Reg d = kRegSink;
  Reg d2 = kRegSink;
  Reg a = kNone;
  Reg b = kNone;
  u8 size = 0;
  u8 shift = 0; // or the length of a bit field
  u8 cond = 0;  // Arm ARM C1.2.4
  u8 nzcv = 0;  // of kCompareIf: bits 3 to 0
  Extend extend = Extend::kUxtx;
  u8 look = 0;       // of a load or store: 1 + index into Block::looks; 0: it looks for itself
  u16 index = 0;     // of the guest instruction in the block
  u16 within = 0;    // bytes from Look::low to what is loaded or stored
  Reg moves = kNone; // of an access looked for ahead: Look::moves
  i64 imm = 0;
  const VectorRow* vector = nullptr;

  [[nodiscard]] bool has(u8 flag) const { return (flags & flag) != 0; }
};

// One look into the TLB for several loads and stores near to each other (passes.h).
struct Look {
  u16 bytes = 0; // from the lowest byte accessed to the highest
  i32 low = 0;   // from the register that the first access starts from to the lowest byte
  bool reads = false;
  bool writes = false;
  bool shared = false;  // by several; else it is here for its window
  u8 window = 0;        // of a look in a loop: 1 + its place among CpuCore::windows; 0: none
  bool hoisted = false; // made when the block is entered
  Reg base = kNone;     // of a hoisted look: the register that `low` is counted from
  // Of a look ahead, `low` is counted from base + (index << shift), as these are when a round
  // begins; `bytes` are those of that round. The address changes by `step` a round, and by one
  // register, `moves`, alone.
  Reg index = kNone;
  u8 shift = 0;
  u8 run = 0; // 1 + index into Block::runs; 0: it is none
  Reg moves = kNone;
  i32 step = 0;
};

// A run of guest instructions of one page, entered at the top and at the targets of its own
// branches only.
struct Block {
  u32 offset = 0;                 // of the first instruction in its page
  std::vector<u32> words;         // the instructions, kMaxBlock at most
  std::vector<Inst> insts;        // in order of Inst::index
  std::vector<Look> looks;        // by the passes, at most kMaxLooks
  std::vector<u16> runs;          // where loops that look ahead begin, at most kMaxRuns
  u8 windows = 0;                 // how many of them have windows
  bool falls_through = true;      // into the instruction behind the last one
  bool straight = false;          // branches leave the block, wherever they lead
  std::bitset<kMaxBlock> entered; // guest instructions that the block's branches lead to

  [[nodiscard]] u32 end() const { return offset + 4 * static_cast<u32>(words.size()); }
  // The guest instruction at `page_offset`, or -1 when branches to there leave the block.
  [[nodiscard]] int index_of(i64 page_offset) const {
    return !straight && page_offset >= offset && page_offset < end() && page_offset % 4 == 0
               ? static_cast<int>((page_offset - offset) / 4)
               : -1;
  }
  // Whether a branch of the block leads to a guest instruction.
  [[nodiscard]] bool is_entered(size_t index) const { return !straight && entered[index]; }
  // Notes where a branch leads.
  void note_branch(i64 page_offset) {
    if (page_offset >= offset && page_offset < offset + 4 * kMaxBlock)
      entered[static_cast<size_t>(page_offset - offset) / 4] = true;
  }
  // Notes it of all branches there are.
  void find_entered();
};

} // namespace ir
} // namespace softhv::jit
