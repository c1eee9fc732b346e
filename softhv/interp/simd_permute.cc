// SPDX-License-Identifier: Apache-2.0
// AdvSIMD copy, permute, extract and table look-up.
#include "softhv/interp/simd_lanes.h"

namespace softhv::interp {
namespace {

using namespace simd; // NOLINT(google-build-using-namespace)

template <typename T, Form kForm>
const Op* replicate(Cpu& cpu, const Op* op, T value) {
  Lanes<T> r{};
  for (unsigned i = 0; i < kCount<T, kForm>; ++i)
    r[i] = value;
  return finish<T>(cpu, op, r, 0U);
}

template <typename, typename T, Form kForm>
struct DupElement {
  static const Op* run(Cpu& cpu, const Op* op) {
    return replicate<T, kForm>(cpu, op, cpu.s.v[op->rn].lane<T>(static_cast<unsigned>(op->imm)));
  }
};

template <typename, typename T, Form kForm>
struct DupGeneral {
  static const Op* run(Cpu& cpu, const Op* op) {
    return replicate<T, kForm>(cpu, op, static_cast<T>(cpu.s.x[op->rn]));
  }
};

// INS: other lanes keep their value. op->imm is the lane of Rd, op->aux that of Rn.
template <typename, typename T, Form>
struct InsGeneral {
  static const Op* run(Cpu& cpu, const Op* op) {
    cpu.s.v[op->rd].set_lane<T>(static_cast<unsigned>(op->imm), static_cast<T>(cpu.s.x[op->rn]));
    return next(cpu, op);
  }
};
template <typename, typename T, Form>
struct InsElement {
  static const Op* run(Cpu& cpu, const Op* op) {
    cpu.s.v[op->rd].set_lane<T>(static_cast<unsigned>(op->imm), cpu.s.v[op->rn].lane<T>(op->aux));
    return next(cpu, op);
  }
};

// SMOV and UMOV by the sign of T; k64 writes Wd, k128 Xd.
template <typename, typename T, Form kForm>
struct MoveToGeneral {
  static const Op* run(Cpu& cpu, const Op* op) {
    const T value = cpu.s.v[op->rn].lane<T>(static_cast<unsigned>(op->imm));
    using W = std::conditional_t<kForm == Form::k64, u32, u64>;
    cpu.s.x[op->rd] = static_cast<W>(value);
    return next(cpu, op);
  }
};

// imm5: the lowest set bit is the lane size, the bits above it are the index.
unsigned decode_imm5(Op& op, u64 imm5) {
  const auto size = static_cast<unsigned>(std::countr_zero(imm5));
  op.imm = imm5 >> (size + 1);
  return size;
}

enum class Permutation : u8 { kUzp, kTrn, kZip };

template <Permutation kPermutation, unsigned kPart>
struct Permute {
  template <typename, typename T, Form kForm>
  struct Shape {
    static const Op* run(Cpu& cpu, const Op* op) {
      constexpr unsigned kLanes = kCount<T, kForm>;
      const Lanes<T> n = lanes<T>(cpu.s.v[op->rn]);
      const Lanes<T> m = lanes<T>(cpu.s.v[op->rm]);
      Lanes<T> r{};
      for (unsigned i = 0; i < kLanes / 2; ++i) {
        if constexpr (kPermutation == Permutation::kUzp) {
          r[i] = n[2 * i + kPart];
          r[kLanes / 2 + i] = m[2 * i + kPart];
        } else {
          const unsigned from =
              kPermutation == Permutation::kTrn ? 2 * i + kPart : i + kPart * (kLanes / 2);
          r[2 * i] = n[from];
          r[2 * i + 1] = m[from];
        }
      }
      return finish<T>(cpu, op, r, 0U);
    }
  };
};

template <Permutation kPermutation, unsigned kPart>
Handler permute_form(const Op& op) {
  return vector_form<Permute<kPermutation, kPart>::template Shape, void, Unsigned, kBhsd>(
      size_of(op), q_of(op));
}

// Bytes from Rm:Rn, from byte op->imm on.
const Op* extract64(Cpu& cpu, const Op* op) {
  const u128 pair = static_cast<u128>(cpu.s.v[op->rm].d[0]) << 64 | cpu.s.v[op->rn].d[0];
  cpu.s.v[op->rd] = {{static_cast<u64>(pair >> (8 * op->imm)), 0}};
  return next(cpu, op);
}
const Op* extract128(Cpu& cpu, const Op* op) {
  const auto n = std::bit_cast<u128>(cpu.s.v[op->rn]);
  const auto m = std::bit_cast<u128>(cpu.s.v[op->rm]);
  const auto shift = static_cast<unsigned>(8 * op->imm);
  cpu.s.v[op->rd] = std::bit_cast<Vec>(shift == 0 ? n : n >> shift | m << (128 - shift));
  return next(cpu, op);
}

// TBL, and TBX, which keeps the destination's byte when the index is out of range.
template <unsigned kTables, bool kKeep, bool kFull>
const Op* look_up(Cpu& cpu, const Op* op) {
  constexpr unsigned kBytes = kFull ? 16 : 8;
  u8 table[16 * kTables];
  for (unsigned i = 0; i < kTables; ++i)
    std::memcpy(table + 16 * i, &cpu.s.v[(op->rn + i) & 31], 16);
  const Lanes<u8> m = lanes<u8>(cpu.s.v[op->rm]);
  const Lanes<u8> d = lanes<u8>(cpu.s.v[op->rd]);
  Lanes<u8> r{};
  for (unsigned i = 0; i < kBytes; ++i)
    r[i] = m[i] < sizeof table ? table[m[i]] : kKeep ? d[i] : 0;
  return finish<u8>(cpu, op, r, 0U);
}

template <unsigned kTables, bool kKeep>
Handler look_up_width(const Op& op) {
  return q_of(op) ? look_up<kTables, kKeep, true> : look_up<kTables, kKeep, false>;
}

template <bool kKeep>
Handler look_up_form(const Op& op) {
  switch (op.imm & 3) {
  case 0: return look_up_width<1, kKeep>(op);
  case 1: return look_up_width<2, kKeep>(op);
  case 2: return look_up_width<3, kKeep>(op);
  default: return look_up_width<4, kKeep>(op);
  }
}

} // namespace

Handler translate_kDupElement(Op& op) {
  return vector_form<DupElement, void, Unsigned, kBhsd>(decode_imm5(op, op.imm), q_of(op));
}
Handler translate_kDupElementScalar(Op& op) {
  return scalar_form<DupElement, void, Unsigned, kBhsd>(decode_imm5(op, op.imm));
}
Handler translate_kDupGeneral(Op& op) {
  return vector_form<DupGeneral, void, Unsigned, kBhsd>(decode_imm5(op, op.imm), q_of(op));
}
Handler translate_kInsGeneral(Op& op) {
  return scalar_form<InsGeneral, void, Unsigned, kBhsd>(decode_imm5(op, op.imm));
}
Handler translate_kInsElement(Op& op) { // the immediate is imm5:imm4
  const u64 imm4 = op.imm & 15;
  const unsigned size = decode_imm5(op, op.imm >> 4);
  op.aux = static_cast<u16>(imm4 >> size);
  return scalar_form<InsElement, void, Unsigned, kBhsd>(size);
}
Handler translate_kSmov(Op& op) {
  return vector_form<MoveToGeneral, void, Signed, kBhs>(decode_imm5(op, op.imm), q_of(op));
}
Handler translate_kUmov(Op& op) {
  return vector_form<MoveToGeneral, void, Unsigned, kBhsd>(decode_imm5(op, op.imm), q_of(op));
}

Handler translate_kUzp1(Op& op) {
  return permute_form<Permutation::kUzp, 0>(op);
}
Handler translate_kUzp2(Op& op) {
  return permute_form<Permutation::kUzp, 1>(op);
}
Handler translate_kTrn1(Op& op) {
  return permute_form<Permutation::kTrn, 0>(op);
}
Handler translate_kTrn2(Op& op) {
  return permute_form<Permutation::kTrn, 1>(op);
}
Handler translate_kZip1(Op& op) {
  return permute_form<Permutation::kZip, 0>(op);
}
Handler translate_kZip2(Op& op) {
  return permute_form<Permutation::kZip, 1>(op);
}

Handler translate_kExt(Op& op) {
  return q_of(op) ? extract128 : extract64;
}
Handler translate_kTbl(Op& op) {
  return look_up_form<false>(op);
}
Handler translate_kTbx(Op& op) {
  return look_up_form<true>(op);
}

} // namespace softhv::interp
