// SPDX-License-Identifier: Apache-2.0
#include "softhv/crypto/sha.h"

#include <array>
#include <bit>

namespace softhv::crypto {
namespace {

using Words = std::array<u32, 4>;

Words words(const Vec& v) {
  return std::bit_cast<Words>(v);
}

u32 choose(u32 x, u32 y, u32 z) {
  return ((y ^ z) & x) ^ z;
}
u32 parity(u32 x, u32 y, u32 z) {
  return x ^ y ^ z;
}
u32 majority(u32 x, u32 y, u32 z) {
  return (x & y) | ((x | y) & z);
}

u32 small_sigma0(u32 x) {
  return std::rotr(x, 7) ^ std::rotr(x, 18) ^ x >> 3;
}
u32 small_sigma1(u32 x) {
  return std::rotr(x, 17) ^ std::rotr(x, 19) ^ x >> 10;
}
u32 big_sigma0(u32 x) {
  return std::rotr(x, 2) ^ std::rotr(x, 13) ^ std::rotr(x, 22);
}
u32 big_sigma1(u32 x) {
  return std::rotr(x, 6) ^ std::rotr(x, 11) ^ std::rotr(x, 25);
}

} // namespace

Vec sha1_rounds(const Vec& abcd, u32 e, const Vec& wk, Sha1Function function) {
  auto [a, b, c, d] = words(abcd);
  for (const u32 word : words(wk)) {
    const u32 f = function == Sha1Function::kChoose   ? choose(b, c, d)
                  : function == Sha1Function::kParity ? parity(b, c, d)
                                                      : majority(b, c, d);
    const u32 next = std::rotl(a, 5) + f + e + word;
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  return std::bit_cast<Vec>(Words{a, b, c, d});
}

Vec sha1_schedule0(const Vec& w0_3, const Vec& w4_7, const Vec& w8_11) {
  return {{w0_3.d[0] ^ w0_3.d[1] ^ w8_11.d[0], w0_3.d[1] ^ w4_7.d[0] ^ w8_11.d[1]}};
}

Vec sha1_schedule1(const Vec& partial, const Vec& w12_15) {
  const Words p = words(partial);
  const Words w = words(w12_15);
  Words r;
  for (unsigned i = 0; i < 3; ++i)
    r[i] = std::rotl(p[i] ^ w[i + 1], 1);
  r[3] = std::rotl(p[3] ^ r[0], 1);
  return std::bit_cast<Vec>(r);
}

Sha256State sha256_rounds(const Vec& abcd, const Vec& efgh, const Vec& wk) {
  auto [a, b, c, d] = words(abcd);
  auto [e, f, g, h] = words(efgh);
  for (const u32 word : words(wk)) {
    const u32 t1 = h + big_sigma1(e) + choose(e, f, g) + word;
    const u32 t2 = big_sigma0(a) + majority(a, b, c);
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  return {std::bit_cast<Vec>(Words{a, b, c, d}), std::bit_cast<Vec>(Words{e, f, g, h})};
}

Vec sha256_schedule0(const Vec& w0_3, const Vec& w4_7) {
  const Words w = words(w0_3);
  return std::bit_cast<Vec>(Words{w[0] + small_sigma0(w[1]), w[1] + small_sigma0(w[2]),
                                  w[2] + small_sigma0(w[3]), w[3] + small_sigma0(words(w4_7)[0])});
}

Vec sha256_schedule1(const Vec& partial, const Vec& w8_11, const Vec& w12_15) {
  const Words p = words(partial);
  const Words w8 = words(w8_11);
  const Words w12 = words(w12_15);
  Words r;
  r[0] = p[0] + small_sigma1(w12[2]) + w8[1];
  r[1] = p[1] + small_sigma1(w12[3]) + w8[2];
  r[2] = p[2] + small_sigma1(r[0]) + w8[3];
  r[3] = p[3] + small_sigma1(r[1]) + w12[0];
  return std::bit_cast<Vec>(r);
}

} // namespace softhv::crypto
