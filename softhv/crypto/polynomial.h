// SPDX-License-Identifier: Apache-2.0
// The 64-bit polynomial product over {0,1}[x] (Arm ARM C7.2, PMULL).
#pragma once

#include "softhv/core/cpu_state.h"

namespace softhv::crypto {

using PolynomialMultiply = Vec (*)(u64 a, u64 b);

Vec polynomial_multiply(u64 a, u64 b);

#if defined(__x86_64__)
// The same by PCLMULQDQ; only where the host has it.
bool host_multiplies_polynomials();
Vec polynomial_multiply_host(u64 a, u64 b);
#endif

} // namespace softhv::crypto
