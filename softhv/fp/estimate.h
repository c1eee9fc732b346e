// SPDX-License-Identifier: Apache-2.0
// Reciprocal and reciprocal square root estimates (Arm ARM J1.3, shared/functions/float), with the
// eight bits of precision of an implementation without FEAT_RPRES.
#pragma once

#include "softhv/fp/context.h"
#include "softhv/fp/format.h"

namespace softhv::fp {

template <typename F>
typename F::Bits recip_estimate(typename F::Bits value, FpContext ctx);
template <typename F>
typename F::Bits rsqrt_estimate(typename F::Bits value, FpContext ctx);
// FPRecpX: the power of two that FRECPX returns.
template <typename F>
typename F::Bits recip_exponent(typename F::Bits value, FpContext ctx);

// UnsignedRecipEstimate and UnsignedRSqrtEstimate: URECPE, URSQRTE.
u32 unsigned_recip_estimate(u32 value);
u32 unsigned_rsqrt_estimate(u32 value);

} // namespace softhv::fp
