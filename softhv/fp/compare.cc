// SPDX-License-Identifier: Apache-2.0
#include "softhv/fp/compare.h"

#include "softhv/core/cpu_state.h"
#include "softhv/fp/unpack.h"

namespace softhv::fp {
namespace {

// -1, 0 or 1 as a is less than, equal to or greater than b; neither is a NaN.
int order(const Unpacked& a, const Unpacked& b) {
  if (a.is_zero() && b.is_zero())
    return 0;
  if (a.negative != b.negative)
    return a.negative ? -1 : 1;
  if (a.exp == b.exp && a.sig == b.sig)
    return 0;
  const bool smaller = a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig);
  return smaller != a.negative ? -1 : 1;
}

struct Pair {
  Unpacked a;
  Unpacked b;
};

template <typename F>
Pair unpack_pair(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  const Unpacked ua = unpack<F>(a, ctx);
  return {ua, unpack<F>(b, ctx)};
}

// False when a NaN stands in the pair; raises Invalid Operation as told.
bool comparable(const Pair& pair, bool signal_quiet, FpContext ctx) {
  if (!pair.a.is_nan() && !pair.b.is_nan())
    return true;
  if (signal_quiet || pair.a.is_snan() || pair.b.is_snan())
    ctx.raise(kFpsrIoc);
  return false;
}

template <typename F, bool IsMax>
typename F::Bits extremum(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  const Pair pair = unpack_pair<F>(a, b, ctx);
  typename F::Bits nan = 0;
  if (process_nans<F>(nan, ctx, Operand<F>{pair.a, a}, Operand<F>{pair.b, b}))
    return nan;
  const int o = order(pair.a, pair.b);
  const bool first = IsMax ? o > 0 : o < 0;
  if (!(first ? pair.a : pair.b).is_zero())
    return first ? a : b;
  return F::zero(IsMax ? pair.a.negative && pair.b.negative : pair.a.negative || pair.b.negative);
}

template <typename F, bool IsMax>
typename F::Bits extremum_number(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  const Pair pair = unpack_pair<F>(a, b, ctx);
  const bool a_quiet = pair.a.cls == Class::kQuietNan;
  const bool b_quiet = pair.b.cls == Class::kQuietNan;
  if (a_quiet && !b_quiet)
    a = F::infinity(IsMax);
  else if (b_quiet && !a_quiet)
    b = F::infinity(IsMax);
  return extremum<F, IsMax>(a, b, ctx);
}

} // namespace

template <typename F>
bool compare_eq(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  const Pair pair = unpack_pair<F>(a, b, ctx);
  return comparable(pair, false, ctx) && order(pair.a, pair.b) == 0;
}

template <typename F>
bool compare_ge(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  const Pair pair = unpack_pair<F>(a, b, ctx);
  return comparable(pair, true, ctx) && order(pair.a, pair.b) >= 0;
}

template <typename F>
bool compare_gt(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  const Pair pair = unpack_pair<F>(a, b, ctx);
  return comparable(pair, true, ctx) && order(pair.a, pair.b) > 0;
}

template <typename F>
u32 compare(typename F::Bits a, typename F::Bits b, bool signal_quiet, FpContext ctx) {
  const Pair pair = unpack_pair<F>(a, b, ctx);
  if (!comparable(pair, signal_quiet, ctx))
    return kFlagC | kFlagV;
  const int o = order(pair.a, pair.b);
  return o == 0 ? kFlagZ | kFlagC : o < 0 ? kFlagN : kFlagC;
}

template <typename F>
typename F::Bits max(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  return extremum<F, true>(a, b, ctx);
}

template <typename F>
typename F::Bits min(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  return extremum<F, false>(a, b, ctx);
}

template <typename F>
typename F::Bits max_num(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  return extremum_number<F, true>(a, b, ctx);
}

template <typename F>
typename F::Bits min_num(typename F::Bits a, typename F::Bits b, FpContext ctx) {
  return extremum_number<F, false>(a, b, ctx);
}

#define INSTANTIATE(F)                                                                             \
  template bool compare_eq<F>(F::Bits, F::Bits, FpContext);                                        \
  template bool compare_ge<F>(F::Bits, F::Bits, FpContext);                                        \
  template bool compare_gt<F>(F::Bits, F::Bits, FpContext);                                        \
  template u32 compare<F>(F::Bits, F::Bits, bool, FpContext);                                      \
  template F::Bits max<F>(F::Bits, F::Bits, FpContext);                                            \
  template F::Bits min<F>(F::Bits, F::Bits, FpContext);                                            \
  template F::Bits max_num<F>(F::Bits, F::Bits, FpContext);                                        \
  template F::Bits min_num<F>(F::Bits, F::Bits, FpContext);
INSTANTIATE(Half)
INSTANTIATE(Single)
INSTANTIATE(Double)
#undef INSTANTIATE

} // namespace softhv::fp
