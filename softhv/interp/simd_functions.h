// SPDX-License-Identifier: Apache-2.0
// The function of one lane for the AdvSIMD integer instructions, after the Arm ARM's shared
// pseudocode (C7.2). A function takes the old destination first, and last a flag that it sets when
// it saturates; simd_lanes.h has the shapes that call it. Modular arithmetic is done unsigned.
#pragma once

#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>

#include "arch/types.h"
#include "softhv/interp/simd_lanes.h"

namespace softhv::interp::simd::fn {

template <typename T>
inline constexpr unsigned kBits = 8 * sizeof(T);

// Unsigned and at least as wide as int, so that no operator overflows.
template <typename T>
using Mod = std::conditional_t<(sizeof(T) < 4), u32, std::make_unsigned_t<T>>;
template <typename T>
constexpr Mod<T> mod(T x) {
  return static_cast<Mod<T>>(x);
}

// Holds every sum and difference of two lanes.
template <typename T>
using Exact =
    std::conditional_t<(sizeof(T) < 4), i32, std::conditional_t<(sizeof(T) < 8), i64, i128>>;

template <typename T, typename W, typename Q>
constexpr T saturate(W x, Q& qc) {
  constexpr W kLow = std::numeric_limits<T>::min();
  constexpr W kHigh = std::numeric_limits<T>::max();
  const W r = x < kLow ? kLow : x > kHigh ? kHigh : x;
  qc |= static_cast<Q>(r != x);
  return static_cast<T>(r);
}

// Shifts by any amount.
template <typename T>
constexpr T shift_left(T x, unsigned s) {
  return s >= kBits<T> ? T{0} : static_cast<T>(mod(x) << s);
}
template <typename T>
constexpr T shift_right(T x, unsigned s) {
  return static_cast<T>(s < kBits<T> ? x >> s : std::is_signed_v<T> ? x >> (kBits<T> - 1) : 0);
}
// s >= 1; adds half of the last place that stays.
template <typename T>
constexpr T shift_right_rounded(T x, unsigned s) {
  if (s > kBits<T>)
    return 0;
  return static_cast<T>(mod(shift_right(x, s)) + mod(static_cast<T>((x >> (s - 1)) & 1)));
}
template <typename T, typename Q>
constexpr T shift_left_saturated(T x, unsigned s, Q& qc) {
  const T r = shift_left(x, s);
  if (s >= kBits<T> ? x == 0 : shift_right(r, s) == x)
    return r;
  qc |= 1;
  return x < 0 ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
}

template <typename T>
constexpr T all_ones_if(bool condition) {
  return static_cast<T>(condition ? -1 : 0);
}
template <typename T>
constexpr T difference(T a, T b) { // absolute, modular
  return static_cast<T>(a > b ? mod(a) - mod(b) : mod(b) - mod(a));
}

// --- Three operands ------------------------------------------------------------------------------

inline constexpr auto add = []<typename T>(T, T n, T m, auto&) { return mod(n) + mod(m); };
inline constexpr auto sub = []<typename T>(T, T n, T m, auto&) { return mod(n) - mod(m); };
inline constexpr auto mul = []<typename T>(T, T n, T m, auto&) { return mod(n) * mod(m); };
inline constexpr auto mla = []<typename T>(T d, T n, T m, auto&) {
  return mod(d) + mod(n) * mod(m);
};
inline constexpr auto mls = []<typename T>(T d, T n, T m, auto&) {
  return mod(d) - mod(n) * mod(m);
};
inline constexpr auto halving_add = []<typename T>(T, T n, T m, auto&) {
  return (Exact<T>{n} + m) >> 1;
};
inline constexpr auto rounding_halving_add = []<typename T>(T, T n, T m, auto&) {
  return (Exact<T>{n} + m + 1) >> 1;
};
inline constexpr auto halving_sub = []<typename T>(T, T n, T m, auto&) {
  return (Exact<T>{n} - m) >> 1;
};
inline constexpr auto saturating_add = []<typename T>(T, T n, T m, auto& qc) {
  return saturate<T>(Exact<T>{n} + m, qc);
};
inline constexpr auto saturating_sub = []<typename T>(T, T n, T m, auto& qc) {
  return saturate<T>(Exact<T>{n} - m, qc);
};
inline constexpr auto greater = []<typename T>(T, T n, T m, auto&) {
  return all_ones_if<T>(n > m);
};
inline constexpr auto greater_equal = []<typename T>(T, T n, T m, auto&) {
  return all_ones_if<T>(n >= m);
};
inline constexpr auto equal = []<typename T>(T, T n, T m, auto&) { return all_ones_if<T>(n == m); };
inline constexpr auto test = []<typename T>(T, T n, T m, auto&) {
  return all_ones_if<T>((n & m) != 0);
};
inline constexpr auto max = []<typename T>(T, T n, T m, auto&) { return n > m ? n : m; };
inline constexpr auto min = []<typename T>(T, T n, T m, auto&) { return n < m ? n : m; };
inline constexpr auto abs_diff = []<typename T>(T, T n, T m, auto&) { return difference(n, m); };
inline constexpr auto abs_diff_add = []<typename T>(T d, T n, T m, auto&) {
  return mod(d) + mod(difference(n, m));
};

// The low byte of Rm is a signed amount; negative shifts right.
inline constexpr auto shift = []<typename T>(T, T n, T m, auto&) {
  const int s = static_cast<i8>(m);
  return s >= 0 ? shift_left(n, static_cast<unsigned>(s))
                : shift_right(n, static_cast<unsigned>(-s));
};
inline constexpr auto rounding_shift = []<typename T>(T, T n, T m, auto&) {
  const int s = static_cast<i8>(m);
  return s >= 0 ? shift_left(n, static_cast<unsigned>(s))
                : shift_right_rounded(n, static_cast<unsigned>(-s));
};
inline constexpr auto saturating_shift = []<typename T>(T, T n, T m, auto& qc) {
  const int s = static_cast<i8>(m);
  return s >= 0 ? shift_left_saturated(n, static_cast<unsigned>(s), qc)
                : shift_right(n, static_cast<unsigned>(-s));
};
inline constexpr auto saturating_rounding_shift = []<typename T>(T, T n, T m, auto& qc) {
  const int s = static_cast<i8>(m);
  return s >= 0 ? shift_left_saturated(n, static_cast<unsigned>(s), qc)
                : shift_right_rounded(n, static_cast<unsigned>(-s));
};

inline constexpr auto bit_and = []<typename T>(T, T n, T m, auto&) { return n & m; };
inline constexpr auto bit_clear = []<typename T>(T, T n, T m, auto&) { return n & ~m; };
inline constexpr auto bit_or = []<typename T>(T, T n, T m, auto&) { return n | m; };
inline constexpr auto bit_or_not = []<typename T>(T, T n, T m, auto&) { return n | ~m; };
inline constexpr auto bit_xor = []<typename T>(T, T n, T m, auto&) { return n ^ m; };
inline constexpr auto bit_select = []<typename T>(T d, T n, T m, auto&) {
  return (n & d) | (m & ~d);
};
inline constexpr auto bit_insert_true = []<typename T>(T d, T n, T m, auto&) {
  return (n & m) | (d & ~m);
};
inline constexpr auto bit_insert_false = []<typename T>(T d, T n, T m, auto&) {
  return (n & ~m) | (d & m);
};

// Carry-less: over {0,1}[x].
template <typename W>
constexpr W polynomial_product(W n, W m) {
  u32 r = 0;
  for (unsigned i = 0; i < 8; ++i)
    r ^= (m >> i & 1) * (static_cast<u32>(n) << i);
  return static_cast<W>(r);
}
inline constexpr auto polynomial_mul = []<typename T>(T, T n, T m, auto&) {
  return polynomial_product(n, m);
};

// The doubling products below are halved throughout, which keeps them within twice the lane.
inline constexpr auto doubling_mul_high = []<typename T>(T, T n, T m, auto& qc) {
  return saturate<T>((Double<T>{n} * m) >> (kBits<T> - 1), qc);
};
template <typename T>
inline constexpr Double<T> kHalfOfRounding = Double<T>{1} << (kBits<T> - 2);
inline constexpr auto rounding_doubling_mul_high = []<typename T>(T, T n, T m, auto& qc) {
  return saturate<T>((Double<T>{n} * m + kHalfOfRounding<T>) >> (kBits<T> - 1), qc);
};
inline constexpr auto rounding_doubling_mul_add = []<typename T>(T d, T n, T m, auto& qc) {
  const Double<T> accumulator = Double<T>{d} * (Double<T>{1} << (kBits<T> - 1));
  return saturate<T>((accumulator + Double<T>{n} * m + kHalfOfRounding<T>) >> (kBits<T> - 1), qc);
};
inline constexpr auto rounding_doubling_mul_sub = []<typename T>(T d, T n, T m, auto& qc) {
  const Double<T> accumulator = Double<T>{d} * (Double<T>{1} << (kBits<T> - 1));
  return saturate<T>((accumulator - Double<T>{n} * m + kHalfOfRounding<T>) >> (kBits<T> - 1), qc);
};

// On extended lanes: n and m are in the range of the narrow type.
inline constexpr auto doubling_mul = []<typename W>(W, W n, W m, auto& qc) {
  return saturate<W>(Exact<W>{n} * m * 2, qc);
};
inline constexpr auto doubling_mul_add = []<typename W>(W d, W n, W m, auto& qc) {
  return saturate<W>(Exact<W>{d} + doubling_mul(d, n, m, qc), qc);
};
inline constexpr auto doubling_mul_sub = []<typename W>(W d, W n, W m, auto& qc) {
  return saturate<W>(Exact<W>{d} - doubling_mul(d, n, m, qc), qc);
};

// --- Narrowing sums, on unsigned wide lanes ------------------------------------------------------

inline constexpr auto add_high = []<typename W>(W n, W m) {
  return static_cast<W>(n + m) >> (kBits<W> / 2);
};
inline constexpr auto sub_high = []<typename W>(W n, W m) {
  return static_cast<W>(n - m) >> (kBits<W> / 2);
};
template <typename W>
inline constexpr W kRoundHigh = static_cast<W>(W{1} << (kBits<W> / 2 - 1));
inline constexpr auto rounding_add_high = []<typename W>(W n, W m) {
  return static_cast<W>(n + m + kRoundHigh<W>) >> (kBits<W> / 2);
};
inline constexpr auto rounding_sub_high = []<typename W>(W n, W m) {
  return static_cast<W>(n - m + kRoundHigh<W>) >> (kBits<W> / 2);
};

// --- Two operands --------------------------------------------------------------------------------

inline constexpr auto absolute = []<typename T>(T, T n, auto&) {
  return n < 0 ? 0 - mod(n) : mod(n);
};
inline constexpr auto negate = []<typename T>(T, T n, auto&) { return 0 - mod(n); };
inline constexpr auto saturating_abs = []<typename T>(T, T n, auto& qc) {
  return saturate<T>(n < 0 ? -Exact<T>{n} : Exact<T>{n}, qc);
};
inline constexpr auto saturating_neg = []<typename T>(T, T n, auto& qc) {
  return saturate<T>(-Exact<T>{n}, qc);
};
// The destination's sign is that of T, the operand's the other.
inline constexpr auto saturating_add_unsigned = []<typename T>(T d, T n, auto& qc) {
  return saturate<T>(Exact<T>{d} + static_cast<std::make_unsigned_t<T>>(n), qc);
};
inline constexpr auto saturating_add_signed = []<typename T>(T d, T n, auto& qc) {
  return saturate<T>(Exact<T>{d} + static_cast<std::make_signed_t<T>>(n), qc);
};
inline constexpr auto greater_zero = []<typename T>(T, T n, auto&) {
  return all_ones_if<T>(n > 0);
};
inline constexpr auto greater_equal_zero = []<typename T>(T, T n, auto&) {
  return all_ones_if<T>(n >= 0);
};
inline constexpr auto equal_zero = []<typename T>(T, T n, auto&) { return all_ones_if<T>(n == 0); };
inline constexpr auto less_equal_zero = []<typename T>(T, T n, auto&) {
  return all_ones_if<T>(n <= 0);
};
inline constexpr auto less_zero = []<typename T>(T, T n, auto&) { return all_ones_if<T>(n < 0); };
inline constexpr auto leading_zeros = []<typename T>(T, T n, auto&) { return std::countl_zero(n); };
inline constexpr auto leading_sign_bits = []<typename T>(T, T n, auto&) { // T is signed
  return std::countl_zero(static_cast<std::make_unsigned_t<T>>(n ^ (n >> 1))) - 1;
};
inline constexpr auto bit_not = []<typename T>(T, T n, auto&) { return ~n; };
inline constexpr auto population = [](u8, u8 n, auto&) {
  n = static_cast<u8>(n - (n >> 1 & 0x55));
  n = static_cast<u8>((n & 0x33) + (n >> 2 & 0x33));
  return (n + (n >> 4)) & 0x0f;
};
inline constexpr auto reverse_bits = [](u8, u8 n, auto&) {
  n = static_cast<u8>((n & 0x55) << 1 | (n >> 1 & 0x55));
  n = static_cast<u8>((n & 0x33) << 2 | (n >> 2 & 0x33));
  return n << 4 | n >> 4;
};

// Pairs of extended lanes.
inline constexpr auto add_pair = []<typename W>(W, W a, W b) { return mod(a) + mod(b); };
inline constexpr auto accumulate_pair = []<typename W>(W d, W a, W b) {
  return mod(d) + mod(a) + mod(b);
};

// --- Shift by immediate --------------------------------------------------------------------------

inline constexpr auto right = []<typename T>(T, T n, unsigned s, auto&) {
  return shift_right(n, s);
};
inline constexpr auto right_add = []<typename T>(T d, T n, unsigned s, auto&) {
  return mod(d) + mod(shift_right(n, s));
};
inline constexpr auto rounding_right = []<typename T>(T, T n, unsigned s, auto&) {
  return shift_right_rounded(n, s);
};
inline constexpr auto rounding_right_add = []<typename T>(T d, T n, unsigned s, auto&) {
  return mod(d) + mod(shift_right_rounded(n, s));
};
inline constexpr auto right_insert = []<typename T>(T d, T n, unsigned s, auto&) {
  const T mask = shift_right(static_cast<T>(~T{0}), s);
  return (d & ~mask) | shift_right(n, s);
};
inline constexpr auto left = []<typename T>(T, T n, unsigned s, auto&) { return shift_left(n, s); };
inline constexpr auto left_insert = []<typename T>(T d, T n, unsigned s, auto&) {
  const T mask = shift_left(static_cast<T>(~T{0}), s);
  return (d & ~mask) | shift_left(n, s);
};
inline constexpr auto saturating_left = []<typename T>(T, T n, unsigned s, auto& qc) {
  return shift_left_saturated(n, s, qc);
};
inline constexpr auto saturating_left_unsigned = []<typename T>(T, T n, unsigned s, auto& qc) {
  using U = std::make_unsigned_t<T>;
  if (n < 0) {
    qc |= 1;
    return U{0};
  }
  return shift_left_saturated(static_cast<U>(n), s, qc);
};

// Wide to narrow; a shift by 0 only extracts.
inline constexpr auto narrow = []<typename W>(W n, unsigned s, auto&) { return shift_right(n, s); };
inline constexpr auto rounding_narrow = []<typename W>(W n, unsigned s, auto&) {
  return shift_right_rounded(n, s);
};
inline constexpr auto saturating_narrow = []<typename W>(W n, unsigned s, auto& qc) {
  return saturate<Half<W>>(shift_right(n, s), qc);
};
inline constexpr auto saturating_rounding_narrow = []<typename W>(W n, unsigned s, auto& qc) {
  return saturate<Half<W>>(shift_right_rounded(n, s), qc);
};
inline constexpr auto saturating_narrow_unsigned = []<typename W>(W n, unsigned s, auto& qc) {
  return saturate<std::make_unsigned_t<Half<W>>>(shift_right(n, s), qc);
};
inline constexpr auto saturating_rounding_narrow_unsigned = []<typename W>(W n, unsigned s,
                                                                           auto& qc) {
  return saturate<std::make_unsigned_t<Half<W>>>(shift_right_rounded(n, s), qc);
};

inline constexpr auto left_long = []<typename W>(W n, unsigned s) { return mod(n) << s; };

} // namespace softhv::interp::simd::fn
