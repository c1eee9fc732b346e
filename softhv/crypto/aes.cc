// SPDX-License-Identifier: Apache-2.0
#include "softhv/crypto/aes.h"

#include <array>
#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace softhv::crypto {
namespace {

using Bytes = std::array<u8, 16>;
using Table = std::array<u8, 256>;

// Multiplication in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1.
constexpr u8 multiply(u8 a, u8 b) {
  u32 product = 0;
  for (unsigned i = 0; i < 8; ++i)
    product ^= (b >> i & 1U) * (static_cast<u32>(a) << i);
  for (unsigned i = 14; i >= 8; --i)
    product ^= (product >> i & 1) * (0x11bU << (i - 8));
  return static_cast<u8>(product);
}

constexpr u8 invert(u8 a) { // a^254
  u8 result = 1;
  for (unsigned i = 0; i < 7; ++i) {
    a = multiply(a, a);
    result = multiply(result, a);
  }
  return result;
}

constexpr Table make_sbox() {
  Table t{};
  for (unsigned i = 0; i < 256; ++i) {
    const u8 b = invert(static_cast<u8>(i));
    t[i] = static_cast<u8>(b ^ std::rotl(b, 1) ^ std::rotl(b, 2) ^ std::rotl(b, 3) ^
                           std::rotl(b, 4) ^ 0x63);
  }
  return t;
}

constexpr Table kSbox = make_sbox();

constexpr Table make_inverse_sbox() {
  Table t{};
  for (unsigned i = 0; i < 256; ++i)
    t[kSbox[i]] = static_cast<u8>(i);
  return t;
}

constexpr Table kInverseSbox = make_inverse_sbox();

// Row 0's coefficients of the matrix for one column, each row rotated by one more byte: the word
// that input byte `b` in row 0 adds to its column.
constexpr std::array<u32, 256> make_columns(u8 c0, u8 c1, u8 c2, u8 c3) {
  std::array<u32, 256> t{};
  for (unsigned i = 0; i < 256; ++i) {
    const auto b = static_cast<u8>(i);
    t[i] = multiply(b, c0) | static_cast<u32>(multiply(b, c1)) << 8 |
           static_cast<u32>(multiply(b, c2)) << 16 | static_cast<u32>(multiply(b, c3)) << 24;
  }
  return t;
}

constexpr std::array<u32, 256> kMix = make_columns(2, 1, 1, 3);
constexpr std::array<u32, 256> kInverseMix = make_columns(14, 9, 13, 11);

// Byte i of the result comes from byte step * i (mod 16): 5 is ShiftRows, 13 its inverse.
Vec shift_and_substitute(const Vec& state, const Vec& key, unsigned step, const Table& box) {
  const auto in = std::bit_cast<Bytes>(Vec{{state.d[0] ^ key.d[0], state.d[1] ^ key.d[1]}});
  Bytes out;
  for (unsigned i = 0; i < 16; ++i)
    out[i] = box[in[step * i & 15]];
  return std::bit_cast<Vec>(out);
}

Vec mix(const Vec& state, const std::array<u32, 256>& table) {
  const auto in = std::bit_cast<Bytes>(state);
  std::array<u32, 4> out;
  for (unsigned c = 0; c < 4; ++c)
    out[c] = table[in[4 * c]] ^ std::rotl(table[in[4 * c + 1]], 8) ^
             std::rotl(table[in[4 * c + 2]], 16) ^ std::rotl(table[in[4 * c + 3]], 24);
  return std::bit_cast<Vec>(out);
}

} // namespace

Vec aes_encrypt(const Vec& state, const Vec& key) {
  return shift_and_substitute(state, key, 5, kSbox);
}
Vec aes_decrypt(const Vec& state, const Vec& key) {
  return shift_and_substitute(state, key, 13, kInverseSbox);
}
Vec aes_mix_columns(const Vec& state) {
  return mix(state, kMix);
}
Vec aes_inverse_mix_columns(const Vec& state) {
  return mix(state, kInverseMix);
}

#if defined(__x86_64__)
namespace {

__m128i to_host(const Vec& v) {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(&v));
}
Vec from_host(__m128i x) {
  Vec v;
  _mm_store_si128(reinterpret_cast<__m128i*>(&v), x);
  return v;
}

} // namespace

bool host_has_aes() {
  return __builtin_cpu_supports("aes") != 0;
}

__attribute__((target("aes"))) Vec aes_encrypt_host(const Vec& state, const Vec& key) {
  return from_host(
      _mm_aesenclast_si128(_mm_xor_si128(to_host(state), to_host(key)), _mm_setzero_si128()));
}
__attribute__((target("aes"))) Vec aes_decrypt_host(const Vec& state, const Vec& key) {
  return from_host(
      _mm_aesdeclast_si128(_mm_xor_si128(to_host(state), to_host(key)), _mm_setzero_si128()));
}
// A last inverse round undoes the substitution and shift of the round that mixes.
__attribute__((target("aes"))) Vec aes_mix_columns_host(const Vec& state) {
  const __m128i zero = _mm_setzero_si128();
  return from_host(_mm_aesenc_si128(_mm_aesdeclast_si128(to_host(state), zero), zero));
}
__attribute__((target("aes"))) Vec aes_inverse_mix_columns_host(const Vec& state) {
  return from_host(_mm_aesimc_si128(to_host(state)));
}
#endif

} // namespace softhv::crypto
