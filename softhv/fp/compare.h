// SPDX-License-Identifier: Apache-2.0
// Comparisons, minima and maxima (Arm ARM J1.3, shared/functions/float).
#pragma once

#include "softhv/fp/context.h"
#include "softhv/fp/format.h"

namespace softhv::fp {

// FPCompareEQ signals for a signalling NaN; FPCompareGE and FPCompareGT for any NaN.
template <typename F>
bool compare_eq(typename F::Bits a, typename F::Bits b, FpContext ctx);
template <typename F>
bool compare_ge(typename F::Bits a, typename F::Bits b, FpContext ctx);
template <typename F>
bool compare_gt(typename F::Bits a, typename F::Bits b, FpContext ctx);

// FPCompare: PSTATE.{N,Z,C,V}, as CpuState holds them. Quiet NaNs signal when `signal_quiet`.
template <typename F>
u32 compare(typename F::Bits a, typename F::Bits b, bool signal_quiet, FpContext ctx);

template <typename F>
typename F::Bits max(typename F::Bits a, typename F::Bits b, FpContext ctx);
template <typename F>
typename F::Bits min(typename F::Bits a, typename F::Bits b, FpContext ctx);
// A number wins over a quiet NaN.
template <typename F>
typename F::Bits max_num(typename F::Bits a, typename F::Bits b, FpContext ctx);
template <typename F>
typename F::Bits min_num(typename F::Bits a, typename F::Bits b, FpContext ctx);

} // namespace softhv::fp
