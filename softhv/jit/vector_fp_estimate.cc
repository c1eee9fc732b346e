// SPDX-License-Identifier: Apache-2.0
// FRECPE and FRSQRTE: eight bits of an estimate from a table. The host's estimates are others, and
// its divisions raise Inexact.
#include <array>

#include "softhv/fp/estimate.h"
#include "softhv/fp/format.h"
#include "softhv/jit/vector_fp.h"

namespace softhv::jit::vector_fp {
namespace {

enum class Estimate : u8 { kReciprocal, kRoot };

// The fraction of 1/x, by the top eight bits of the fraction of x.
const u8* reciprocals() {
  static const auto table = [] {
    std::array<u8, 256> t{};
    for (u32 i = 0; i < 256; ++i)
      t[i] = static_cast<u8>(fp::unsigned_recip_estimate((256 + i) << 23) >> 23);
    return t;
  }();
  return table.data();
}

// The fraction of 1/sqrt(x), by the lowest bit of the biased exponent and those bits.
const u8* roots() {
  static const auto table = [] {
    std::array<u8, 512> t{};
    for (u32 i = 0; i < 512; ++i) {
      const u32 odd_exponent = 256 + (i & 255); // x in [0.5, 1), as bias is odd
      const u32 x = i < 256 ? odd_exponent : odd_exponent >> 1;
      t[i] = static_cast<u8>(fp::unsigned_rsqrt_estimate(x << 23) >> 23);
    }
    return t;
  }();
  return table.data();
}

// kScratch0 = the estimate for the number in it, without a jump to the interpreter only if that is
// normal as its estimate is; a root's is positive, too.
template <typename F, Estimate kEstimate>
void estimate_lane(Assembler& as) {
  using Xbyak::Reg;
  constexpr bool kIsRoot = kEstimate == Estimate::kRoot;
  constexpr bool kIsDouble = F::kWidth == 64;
  constexpr u8 kShift = F::kFractionBits;
  const auto sized = [](const Reg64& r) { return kIsDouble ? Reg(r) : Reg(r.cvt32()); };
  const Reg value = sized(reg::kScratch0);
  const Reg exponent = sized(reg::kScratch1); // and the sign above
  const Xbyak::Reg32 exponent32 = reg::kScratch1.cvt32();
  const Xbyak::Reg32 index = reg::kScratch2.cvt32();

  as.mov(exponent, value);
  as.shr(exponent, kShift);
  as.lea(index, Xbyak::util::ptr[reg::kScratch1 - 1]);
  if (!kIsRoot)
    as.and_(index, F::kMaxBiased);
  as.cmp(index, kIsRoot ? F::kMaxBiased - 1 : F::kMaxBiased - 3);
  as.to_interpreter(Cc::kAe);

  as.neg(exponent32);
  as.add(exponent32, kIsRoot ? 3 * F::kBias - 1 : 2 * F::kBias - 1);
  if (kIsRoot)
    as.shr(exponent32, 1);
  as.shl(exponent, kShift);
  as.shr(value, kShift - 8);
  as.and_(value, kIsRoot ? 0x1ff : 0xff);
  as.mov(reg::kScratch2, reinterpret_cast<u64>(kIsRoot ? roots() : reciprocals()));
  as.movzx(reg::kScratch0.cvt32(),
           Xbyak::util::byte[reg::kScratch2 + static_cast<const Reg64&>(reg::kScratch0)]);
  as.shl(value, kShift - 8);
  as.add(value, exponent);
}

// Lane `i` of n to kScratch0, and of kT0 from there; lane 0 clears the others.
void take_lane(Assembler& as, bool is_double, const Xmm& n, u8 i) {
  const Xbyak::Reg32 single = reg::kScratch0.cvt32();
  if (i == 0)
    move_to_general(as, reg::kScratch0, n, is_double);
  else if (is_double)
    as.host.avx ? as.vpextrq(reg::kScratch0, n, i) : as.pextrq(reg::kScratch0, n, i);
  else
    as.host.avx ? as.vpextrd(single, n, i) : as.pextrd(single, n, i);
}
void put_lane(Assembler& as, bool is_double, u8 i) {
  const Xbyak::Reg32 single = reg::kScratch0.cvt32();
  if (i == 0)
    move_from_general(as, kT0, reg::kScratch0, is_double);
  else if (is_double)
    as.host.avx ? as.vpinsrq(kT0, kT0, reg::kScratch0, i) : as.pinsrq(kT0, reg::kScratch0, i);
  else
    as.host.avx ? as.vpinsrd(kT0, kT0, single, i) : as.pinsrd(kT0, single, i);
}

template <Kind kKind, Estimate kEstimate>
bool estimate(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<kKind>(o.word);
  const int lanes = !l.packed() ? 1 : l.is_double || l.count == Lanes::kLow ? 2 : 4;
  for (u8 i = 0; i < lanes; ++i) {
    take_lane(as, l.is_double, o.n, i);
    l.is_double ? estimate_lane<fp::Double, kEstimate>(as)
                : estimate_lane<fp::Single, kEstimate>(as);
    put_lane(as, l.is_double, i);
  }
  move(as, o.d, kT0);
  return true;
}

using enum isa::InstId;

constexpr VectorRow kRows[] = {
    {kFrecpeScalar, estimate<Kind::kScalar, Estimate::kReciprocal>, kUsesFpcr},
    {kFrecpeVector, estimate<Kind::kVector, Estimate::kReciprocal>, kUsesFpcr},
    {kFrsqrteScalar, estimate<Kind::kScalar, Estimate::kRoot>, kUsesFpcr},
    {kFrsqrteVector, estimate<Kind::kVector, Estimate::kRoot>, kUsesFpcr},
};

} // namespace

std::span<const VectorRow> estimate_rows() {
  return kRows;
}

} // namespace softhv::jit::vector_fp
