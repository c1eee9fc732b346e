// SPDX-License-Identifier: Apache-2.0
#include "softhv/crypto/polynomial.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace softhv::crypto {

Vec polynomial_multiply(u64 a, u64 b) {
  Vec r;
  for (unsigned i = 0; i < 64; ++i) {
    const u64 mask = 0 - (b >> i & 1);
    r.d[0] ^= mask & (a << i);
    r.d[1] ^= i == 0 ? 0 : mask & (a >> (64 - i));
  }
  return r;
}

#if defined(__x86_64__)
bool host_multiplies_polynomials() {
  return __builtin_cpu_supports("pclmul") != 0;
}

__attribute__((target("pclmul"))) Vec polynomial_multiply_host(u64 a, u64 b) {
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(a)),
                                               _mm_cvtsi64_si128(static_cast<long long>(b)), 0);
  Vec r;
  _mm_store_si128(reinterpret_cast<__m128i*>(&r), product);
  return r;
}
#endif

} // namespace softhv::crypto
