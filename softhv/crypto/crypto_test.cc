// SPDX-License-Identifier: Apache-2.0
// The examples of FIPS 197 and FIPS 180-4, built from the instructions' steps; the host's versions
// against the portable ones.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <random>

#include "softhv/crypto/aes.h"
#include "softhv/crypto/polynomial.h"
#include "softhv/crypto/sha.h"

namespace softhv::crypto {
namespace {

// Sixteen bytes as the standards print them, first byte first.
Vec block(u64 first, u64 second) {
  return {{__builtin_bswap64(first), __builtin_bswap64(second)}};
}

Vec words(u32 a, u32 b, u32 c, u32 d) {
  return std::bit_cast<Vec>(std::array{a, b, c, d});
}

Vec add(const Vec& a, const std::array<u32, 4>& b) {
  Vec r = a;
  for (unsigned i = 0; i < 4; ++i)
    r.set_lane<u32>(i, r.lane<u32>(i) + b[i]);
  return r;
}

Vec exclusive_or(const Vec& a, const Vec& b) {
  return {{a.d[0] ^ b.d[0], a.d[1] ^ b.d[1]}};
}

// FIPS 197, appendix A.1 and B.
const std::array<Vec, 11> kKeys = {
    block(0x2b7e151628aed2a6, 0xabf7158809cf4f3c), block(0xa0fafe1788542cb1, 0x23a339392a6c7605),
    block(0xf2c295f27a96b943, 0x5935807a7359f67f), block(0x3d80477d4716fe3e, 0x1e237e446d7a883b),
    block(0xef44a541a8525b7f, 0xb671253bdb0bad00), block(0xd4d1c6f87c839d87, 0xcaf2b8bc11f915bc),
    block(0x6d88a37a110b3efd, 0xdbf98641ca0093fd), block(0x4e54f70e5f5fc9f3, 0x84a64fb24ea6dc4f),
    block(0xead27321b58dbad2, 0x312bf5607f8d292f), block(0xac7766f319fadc21, 0x28d12941575c006e),
    block(0xd014f9a8c9ee2589, 0xe13f0cc8b6630ca6)};
const Vec kPlain = block(0x3243f6a8885a308d, 0x313198a2e0370734);
const Vec kCipher = block(0x3925841d02dc09fb, 0xdc118597196a0b32);

TEST(Aes, EncryptsTheExampleOfFips197) {
  Vec state = kPlain;
  for (unsigned i = 0; i < 9; ++i)
    state = aes_mix_columns(aes_encrypt(state, kKeys[i]));
  EXPECT_EQ(exclusive_or(aes_encrypt(state, kKeys[9]), kKeys[10]), kCipher);
}

TEST(Aes, DecryptsTheExampleOfFips197) {
  Vec state = aes_decrypt(kCipher, kKeys[10]);
  for (unsigned i = 9; i > 0; --i)
    state = aes_decrypt(aes_inverse_mix_columns(state), aes_inverse_mix_columns(kKeys[i]));
  EXPECT_EQ(exclusive_or(state, kKeys[0]), kPlain);
}

// FIPS 180-4 §6.1.2 for one block, four rounds at a time.
std::array<u32, 5> sha1_block(std::array<Vec, 4> w) {
  const std::array<u32, 5> initial = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  constexpr std::array<u32, 4> kConstants = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
  constexpr std::array<Sha1Function, 4> kFunctions = {
      Sha1Function::kChoose, Sha1Function::kParity, Sha1Function::kMajority, Sha1Function::kParity};
  Vec abcd = words(initial[0], initial[1], initial[2], initial[3]);
  u32 e = initial[4];
  for (unsigned i = 0; i < 20; ++i) {
    const u32 k = kConstants[i / 5];
    const u32 next_e = std::rotl(abcd.lane<u32>(0), 30);
    abcd = sha1_rounds(abcd, e, add(w[0], {k, k, k, k}), kFunctions[i / 5]);
    e = next_e;
    w = {w[1], w[2], w[3], sha1_schedule1(sha1_schedule0(w[0], w[1], w[2]), w[3])};
  }
  std::array<u32, 5> digest = initial;
  for (unsigned i = 0; i < 4; ++i)
    digest[i] += abcd.lane<u32>(i);
  digest[4] += e;
  return digest;
}

constexpr std::array<u32, 64> kSha256Constants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// FIPS 180-4 §6.2.2 for one block.
std::array<u32, 8> sha256_block(std::array<Vec, 4> w) {
  const std::array<u32, 8> initial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  Sha256State state = {words(initial[0], initial[1], initial[2], initial[3]),
                       words(initial[4], initial[5], initial[6], initial[7])};
  for (unsigned i = 0; i < 64; i += 4) {
    const u32* k = &kSha256Constants[i];
    state = sha256_rounds(state.abcd, state.efgh, add(w[0], {k[0], k[1], k[2], k[3]}));
    w = {w[1], w[2], w[3], sha256_schedule1(sha256_schedule0(w[0], w[1]), w[2], w[3])};
  }
  std::array<u32, 8> digest = initial;
  for (unsigned i = 0; i < 4; ++i) {
    digest[i] += state.abcd.lane<u32>(i);
    digest[4 + i] += state.efgh.lane<u32>(i);
  }
  return digest;
}

// "abc", padded to one block.
const std::array<Vec, 4> kAbc = {words(0x61626380, 0, 0, 0), Vec{}, Vec{}, words(0, 0, 0, 24)};

TEST(Sha, DigestsTheExamplesOfFips180) {
  EXPECT_EQ(sha1_block(kAbc),
            (std::array<u32, 5>{0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c, 0x9cd0d89d}));
  EXPECT_EQ(sha256_block(kAbc),
            (std::array<u32, 8>{0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3,
                                0x96177a9c, 0xb410ff61, 0xf20015ad}));
}

TEST(Polynomial, Multiplies) {
  EXPECT_EQ(polynomial_multiply(~0ULL, ~0ULL),
            (Vec{{0x5555'5555'5555'5555, 0x5555'5555'5555'5555}}));
  EXPECT_EQ(polynomial_multiply(1ULL << 63, 3), (Vec{{1ULL << 63, 1}}));
  EXPECT_EQ(polynomial_multiply(0, ~0ULL), Vec{});
}

#if defined(__x86_64__)
TEST(Host, AgreesWithThePortableCode) {
  std::mt19937_64 random(1);
  for (unsigned i = 0; i < 1000; ++i) {
    const Vec a = {{random(), random()}};
    const Vec b = {{random(), random()}};
    if (host_has_aes()) {
      EXPECT_EQ(aes_encrypt_host(a, b), aes_encrypt(a, b));
      EXPECT_EQ(aes_decrypt_host(a, b), aes_decrypt(a, b));
      EXPECT_EQ(aes_mix_columns_host(a), aes_mix_columns(a));
      EXPECT_EQ(aes_inverse_mix_columns_host(a), aes_inverse_mix_columns(a));
    }
    if (host_multiplies_polynomials()) {
      EXPECT_EQ(polynomial_multiply_host(a.d[0], b.d[0]), polynomial_multiply(a.d[0], b.d[0]));
    }
  }
}
#endif

} // namespace
} // namespace softhv::crypto
