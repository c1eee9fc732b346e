// SPDX-License-Identifier: Apache-2.0
// Bit-field helpers. Ranges are written as in the Arm ARM: bits(x, hi, lo) is x<hi:lo>.
#pragma once

#include "arch/types.h"

namespace kindling::arch {

// x<hi:lo>, 0 <= lo <= hi <= 63.
constexpr u64 bits(u64 x, unsigned hi, unsigned lo) {
  return (x >> lo) & (~0ULL >> (63 - (hi - lo)));
}

// x<n>.
constexpr bool bit(u64 x, unsigned n) {
  return ((x >> n) & 1) != 0;
}

// The low `width` bits of x read as a two's complement number, 1 <= width <= 64.
constexpr i64 sign_extend(u64 x, unsigned width) {
  return static_cast<i64>(x << (64 - width)) >> (64 - width);
}

constexpr u64 align_down(u64 x, u64 alignment) {
  return x & ~(alignment - 1);
}
constexpr u64 align_up(u64 x, u64 alignment) {
  return align_down(x + alignment - 1, alignment);
}
constexpr bool is_aligned(u64 x, u64 alignment) {
  return (x & (alignment - 1)) == 0;
}

} // namespace kindling::arch

namespace softhv {
using kindling::arch::align_down;
using kindling::arch::align_up;
using kindling::arch::bit;
using kindling::arch::bits;
using kindling::arch::is_aligned;
using kindling::arch::sign_extend;
} // namespace softhv
