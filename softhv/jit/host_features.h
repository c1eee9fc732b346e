// SPDX-License-Identifier: Apache-2.0
// What the x86-64 host can do beyond the baseline of SSE4.2 and CMPXCHG16B.
#pragma once

#include "softhv/core/engine_options.h"

namespace softhv::jit {

struct HostFeatures {
  bool avx = false; // with AVX every SIMD instruction is VEX-encoded
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool bmi1 = false;
  bool bmi2 = false;
  bool lzcnt = false;
  bool pclmul = false;
  bool aes = false;
  bool sha = false;

  // What CPUID reports and the operating system enables.
  static HostFeatures detect();
  // Of those, what is allowed to be used.
  static HostFeatures detect(HostLevel level);
  // SSE4.2 and nothing more.
  static constexpr HostFeatures baseline() { return {}; }
};

} // namespace softhv::jit
