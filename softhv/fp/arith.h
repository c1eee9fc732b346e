// SPDX-License-Identifier: Apache-2.0
// Arithmetic, bit-exact with the Arm ARM's pseudocode (J1.3, shared/functions/float), results and
// FPSR flags alike. F is Half, Single or Double.
#pragma once

#include "softhv/fp/context.h"
#include "softhv/fp/format.h"

namespace softhv::fp {

template <typename F>
typename F::Bits add(typename F::Bits a, typename F::Bits b, FpContext ctx);
template <typename F>
typename F::Bits sub(typename F::Bits a, typename F::Bits b, FpContext ctx);
template <typename F>
typename F::Bits mul(typename F::Bits a, typename F::Bits b, FpContext ctx);
// FPMulX: as mul, but an infinity times a zero is a two.
template <typename F>
typename F::Bits mulx(typename F::Bits a, typename F::Bits b, FpContext ctx);
template <typename F>
typename F::Bits div(typename F::Bits a, typename F::Bits b, FpContext ctx);
template <typename F>
typename F::Bits sqrt(typename F::Bits a, FpContext ctx);

// FPMulAdd: addend + a * b, rounded once.
template <typename F>
typename F::Bits mul_add(typename F::Bits addend, typename F::Bits a, typename F::Bits b,
                         FpContext ctx);

// FPRecipStepFused, 2 - a * b, and FPRSqrtStepFused, (3 - a * b) / 2, rounded once.
template <typename F>
typename F::Bits recip_step(typename F::Bits a, typename F::Bits b, FpContext ctx);
template <typename F>
typename F::Bits rsqrt_step(typename F::Bits a, typename F::Bits b, FpContext ctx);

} // namespace softhv::fp
