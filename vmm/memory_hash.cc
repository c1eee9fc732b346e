// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory_hash.h"

#include <array>
#include <bit>
#include <cstring>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {

constexpr size_t kBlock = 64;

// §4.2.2
constexpr std::array<u32, 64> kRounds = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

using State = std::array<u32, 8>;

u32 big_endian(const u8* bytes) {
  return static_cast<u32>(bytes[0]) << 24 | static_cast<u32>(bytes[1]) << 16 |
         static_cast<u32>(bytes[2]) << 8 | bytes[3];
}

// §6.2.2
void add_block(State& h, const u8* block) {
  std::array<u32, 64> w{};
  for (size_t t = 0; t < 16; ++t) {
    w[t] = big_endian(block + 4 * t);
  }
  for (size_t t = 16; t < 64; ++t) {
    const u32 a = w[t - 2];
    const u32 b = w[t - 15];
    const u32 sigma1 = std::rotr(a, 17) ^ std::rotr(a, 19) ^ (a >> 10);
    const u32 sigma0 = std::rotr(b, 7) ^ std::rotr(b, 18) ^ (b >> 3);
    w[t] = sigma1 + w[t - 7] + sigma0 + w[t - 16];
  }
  State s = h;
  for (size_t t = 0; t < 64; ++t) {
    const u32 sum1 = std::rotr(s[4], 6) ^ std::rotr(s[4], 11) ^ std::rotr(s[4], 25);
    const u32 choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    const u32 t1 = s[7] + sum1 + choice + kRounds[t] + w[t];
    const u32 sum0 = std::rotr(s[0], 2) ^ std::rotr(s[0], 13) ^ std::rotr(s[0], 22);
    const u32 majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    s = {t1 + sum0 + majority, s[0], s[1], s[2], s[3] + t1, s[4], s[5], s[6]};
  }
  for (size_t i = 0; i < h.size(); ++i) {
    h[i] += s[i];
  }
}

} // namespace

std::string sha256(std::span<const u8> bytes) {
  State h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
             0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const u64 bits = bytes.size() * 8;
  for (; bytes.size() >= kBlock; bytes = bytes.subspan(kBlock)) {
    add_block(h, bytes.data());
  }
  std::array<u8, 2 * kBlock> tail{};
  if (!bytes.empty()) {
    std::memcpy(tail.data(), bytes.data(), bytes.size());
  }
  tail[bytes.size()] = 0x80;
  const size_t length = bytes.size() + 9 <= kBlock ? kBlock : 2 * kBlock;
  for (size_t i = 0; i < 8; ++i) {
    tail[length - 1 - i] = static_cast<u8>(bits >> (8 * i));
  }
  for (size_t at = 0; at < length; at += kBlock) {
    add_block(h, tail.data() + at);
  }
  std::string text;
  for (const u32 word : h) {
    text += fmt::format("{:08x}", word);
  }
  return text;
}

} // namespace kindling::vmm
