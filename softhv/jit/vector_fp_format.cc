// SPDX-License-Identifier: Apache-2.0
// Floating point to floating point: between formats, and to integral values (FRINT). NaNs need no
// check here, as both architectures quiet them and keep the sign and the top of the payload.
#include "softhv/jit/vector_fp.h"

namespace softhv::jit::vector_fp {
namespace {

// --- Between formats -----------------------------------------------------------------------------

constexpr Lanes kOneSingle{.is_double = false, .count = Lanes::kOne};
constexpr Lanes kOneDouble{.is_double = true, .count = Lanes::kOne};
constexpr Lanes kSingles{.is_double = false, .count = Lanes::kAll};

void single_to_double(Assembler& as, const Xmm& d, const Xmm& n) {
  as.host.avx ? as.vcvtss2sd(d, n, n) : as.cvtss2sd(d, n);
}

bool half_to_wider(Assembler& as, const VectorOperands& o, bool to_double) {
  if (!as.host.f16c)
    return false;
  as.vpextrw(reg::kScratch0.cvt32(), o.n, 0);
  as.vmovd(kT0, reg::kScratch0.cvt32());
  as.vcvtph2ps(to_double ? kT0 : o.d, kT0);
  if (to_double) {
    single_to_double(as, kT0, kT0);
    finish(as, kOneDouble, o.d, kT0);
  }
  return true;
}

bool single_to_half(Assembler& as, const VectorOperands& o) {
  if (!as.host.f16c)
    return false;
  finish(as, kOneSingle, kT0, o.n);
  as.vcvtps2ph(kT0, kT0, kToNearest);
  leave_if_tiny_half(as);
  move(as, o.d, kT0);
  return true;
}

bool double_to_single(Assembler& as, const VectorOperands& o) {
  as.host.avx ? as.vcvtsd2ss(kT0, o.n, o.n) : as.cvtsd2ss(kT0, o.n);
  check(as, kOneSingle, kT0, Check::kNanOrTiny);
  finish(as, kOneSingle, o.d, kT0);
  return true;
}

// FCVT. Doubles to halves would be rounded twice.
bool scalar(Assembler& as, const VectorOperands& o) {
  constexpr u32 kSingle = 0, kDouble = 1, kHalf = 3;
  const u64 from = bits(o.word, 23, 22);
  const u64 to = bits(o.word, 16, 15);
  if (from == kHalf)
    return half_to_wider(as, o, to == kDouble);
  if (from == kSingle && to == kHalf)
    return single_to_half(as, o);
  if (from == kDouble)
    return to == kSingle && double_to_single(as, o);
  single_to_double(as, kT0, o.n);
  finish(as, kOneDouble, o.d, kT0);
  return true;
}

// FCVTL: exact.
bool lengthen(Assembler& as, const VectorOperands& o) {
  const bool from_single = bit(o.word, 22);
  if (!from_single && !as.host.f16c)
    return false;
  Xmm n = o.n;
  if (bit(o.word, 30)) {
    shuffle32(as, kT0, o.n, kHighTwice);
    n = kT0;
  }
  if (!from_single)
    as.vcvtph2ps(o.d, n);
  else
    as.host.avx ? as.vcvtps2pd(o.d, n) : as.cvtps2pd(o.d, n);
  return true;
}

// FCVTN. The host's result has zeros in the upper half.
bool narrow(Assembler& as, const VectorOperands& o) {
  if (bit(o.word, 22)) {
    as.host.avx ? as.vcvtpd2ps(kT0, o.n) : as.cvtpd2ps(kT0, o.n);
    check(as, kSingles, kT0, Check::kNanOrTiny);
  } else {
    if (!as.host.f16c)
      return false;
    as.vcvtps2ph(kT0, o.n, kToNearest);
    leave_if_tiny_half(as);
  }
  if (bit(o.word, 30))
    low_halves(as, o.d, o.d, kT0);
  else
    move(as, o.d, kT0);
  return true;
}

// --- To integral values --------------------------------------------------------------------------

template <Kind kKind, Mode kMode, bool kQuiet = true>
bool round_to_integral(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<kKind>(o.word);
  const Xmm result = l.count == Lanes::kAll ? o.d : kT0;
  round(as, l, result, operand(as, l, o.n, kT0), kMode, kQuiet);
  finish(as, l, o.d, result);
  return true;
}

// FRINTA. From 2^23 (singles) or 2^52 on all numbers are integral.
template <Kind kKind>
bool round_away_to_integral(Assembler& as, const VectorOperands& o) {
  const Lanes l = lanes_of<kKind>(o.word);
  const Xmm n = operand(as, l, o.n, kT2);
  leave_unless_below(as, l, n, {0x4b00'0000, 0x4330'0000}, kT0);
  round_away(as, l, kT0, n);
  bit_and(as, kT1, n, as.constant(l.sign()));
  bit_or(as, kT0, kT0, kT1);
  finish(as, l, o.d, kT0);
  return true;
}

using enum isa::InstId;
constexpr auto kScalar = Kind::kScalar;
constexpr auto kVector = Kind::kVector;

constexpr VectorRow kRows[] = {
    {kFcvt, scalar, kUsesFpcr},
    {kFcvtl, lengthen, kUsesFpcr},
    {kFcvtn, narrow, kUsesFpcr | kReadsD},
    {kFrintnScalar, round_to_integral<kScalar, Mode::kNearest>, kUsesFpcr},
    {kFrintnVector, round_to_integral<kVector, Mode::kNearest>, kUsesFpcr},
    {kFrintpScalar, round_to_integral<kScalar, Mode::kUp>, kUsesFpcr},
    {kFrintpVector, round_to_integral<kVector, Mode::kUp>, kUsesFpcr},
    {kFrintmScalar, round_to_integral<kScalar, Mode::kDown>, kUsesFpcr},
    {kFrintmVector, round_to_integral<kVector, Mode::kDown>, kUsesFpcr},
    {kFrintzScalar, round_to_integral<kScalar, Mode::kZero>, kUsesFpcr},
    {kFrintzVector, round_to_integral<kVector, Mode::kZero>, kUsesFpcr},
    {kFrintiScalar, round_to_integral<kScalar, Mode::kNearest>, kUsesFpcr},
    {kFrintiVector, round_to_integral<kVector, Mode::kNearest>, kUsesFpcr},
    {kFrintxScalar, round_to_integral<kScalar, Mode::kNearest, false>, kUsesFpcr},
    {kFrintxVector, round_to_integral<kVector, Mode::kNearest, false>, kUsesFpcr},
    {kFrintaScalar, round_away_to_integral<kScalar>, kUsesFpcr},
    {kFrintaVector, round_away_to_integral<kVector>, kUsesFpcr},
};

} // namespace

std::span<const VectorRow> format_rows() {
  return kRows;
}

} // namespace softhv::jit::vector_fp
