// SPDX-License-Identifier: Apache-2.0
// Conversions between formats, to and from integers and fixed point, and rounding to an integer
// (Arm ARM J1.3, shared/functions/float).
#pragma once

#include "softhv/fp/context.h"
#include "softhv/fp/format.h"

namespace softhv::fp {

// FPConvert. From is not To. The alternative half-precision format applies as FPCR.AHP says;
// FPCR.FZ16 does not.
template <typename To, typename From>
typename To::Bits convert(typename From::Bits value, Rounding rounding, FpContext ctx);

// The integer that FPToFixed makes and FixedToFP takes: its width in bits, its signedness and the
// number of bits after the binary point.
struct FixedPoint {
  u8 width = 64; // 16, 32 or 64
  bool is_unsigned = false;
  u8 fraction_bits = 0;
};

// FPToFixed: saturates. The result is zero-extended from the width.
template <typename F>
u64 to_fixed(typename F::Bits value, FixedPoint to, Rounding rounding, FpContext ctx);

// FixedToFP. Bits of `value` above the width are ignored.
template <typename F>
typename F::Bits from_fixed(u64 value, FixedPoint from, FpContext ctx);

// FPRoundInt: to an integral value in the same format; Inexact is raised only when `exact`.
template <typename F>
typename F::Bits round_to_integral(typename F::Bits value, Rounding rounding, bool exact,
                                   FpContext ctx);

// FPToFixedJS: to a 32-bit integer as JavaScript does, modulo 2^32. `exact` becomes PSTATE.Z.
u32 to_int32_js(u64 value, bool& exact, FpContext ctx);

} // namespace softhv::fp
