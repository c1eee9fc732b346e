// SPDX-License-Identifier: Apache-2.0
// Integer workloads: arithmetic, tables and bits.
#include <string.h>

#include "bench/cpu/bench.h"
#include "bench/mark/mark.h"

// -- mark: lists, matrices, a state machine, CRC

static uint64_t run_mark(uint64_t iterations) {
  return mark_run(kMarkAll, iterations);
}

// -- sha256: FIPS 180-4, in plain C; an iteration hashes 4 KiB

static const uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint8_t message[4096];

static uint32_t rotate(uint32_t value, unsigned count) {
  return value >> count | value << (32 - count);
}

static void sha256_block(uint32_t hash[8], const uint8_t* block) {
  uint32_t w[64];
  for (unsigned t = 0; t < 16; ++t, block += 4)
    w[t] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
  for (unsigned t = 16; t < 64; ++t) {
    const uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
    const uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  uint32_t v[8];
  memcpy(v, hash, sizeof v);
  for (unsigned t = 0; t < 64; ++t) {
    const uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
    const uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    const uint32_t t1 = v[7] + s1 + choice + kRoundConstants[t] + w[t];
    const uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
    const uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    memmove(v + 1, v, 7 * sizeof v[0]);
    v[4] += t1;
    v[0] = t1 + s0 + majority;
  }
  for (unsigned i = 0; i < 8; ++i)
    hash[i] += v[i];
}

static void prepare_sha256(void) {
  for (unsigned i = 0; i < sizeof message; ++i)
    message[i] = (uint8_t)(i * 7 + (i >> 8));
}

static uint64_t run_sha256(uint64_t iterations) {
  uint32_t hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  for (; iterations != 0; --iterations) {
    for (unsigned i = 0; i < sizeof message; i += 64)
      sha256_block(hash, message + i);
    memcpy(message, hash, sizeof hash);
  }
  return (uint64_t)hash[0] << 32 | hash[7];
}

// -- crc32: one table look-up a byte; an iteration covers 16 KiB

static uint32_t crc_table[256];
static uint8_t crc_data[16384];

static void prepare_crc32(void) {
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (unsigned bit = 0; bit < 8; ++bit)
      value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
    crc_table[i] = value;
  }
  uint32_t seed = 1;
  for (unsigned i = 0; i < sizeof crc_data; ++i)
    crc_data[i] = next_random(&seed) >> 24;
}

static uint64_t run_crc32(uint64_t iterations) {
  uint32_t crc = ~0u;
  for (; iterations != 0; --iterations)
    for (unsigned i = 0; i < sizeof crc_data; ++i)
      crc = crc >> 8 ^ crc_table[(crc ^ crc_data[i]) & 0xff];
  return crc;
}

// -- muldiv: quotients, remainders and the upper halves of products; 512 steps an iteration

static uint64_t run_muldiv(uint64_t iterations) {
  uint64_t a = 0x123456789abcdef1u;
  uint64_t b = 0x0fedcba987654321u;
  uint64_t sum = 0;
  for (; iterations != 0; --iterations) {
    for (unsigned step = 0; step < 512; ++step) {
      const uint64_t divisor = (b >> 33) | 1;
      const uint64_t quotient = a / divisor;
      sum += a % divisor;
      a = (uint64_t)((unsigned __int128)a * (b | 1) >> 64) ^ quotient;
      b = b * 0x5851f42d4c957f2du + (sum | 1);
      a += b;
    }
  }
  return fold(fold(sum, a), b);
}

// -- sieve: the primes below 32768

static uint8_t composite[32768];

static uint64_t run_sieve(uint64_t iterations) {
  uint64_t sum = 0;
  for (uint64_t turn = 0; turn < iterations; ++turn) {
    memset(composite, 0, sizeof composite);
    for (unsigned i = 2; i < sizeof composite; ++i) {
      if (composite[i])
        continue;
      sum += i ^ (turn & 7);
      for (unsigned multiple = 2 * i; multiple < sizeof composite; multiple += i)
        composite[multiple] = 1;
    }
  }
  return sum;
}

// -- flags: carries from one word to the next, and conditions on conditions; 64 rounds an iteration

static uint64_t run_flags(uint64_t iterations) {
  unsigned __int128 a = 1;
  unsigned __int128 b = (unsigned __int128)0x0123456789abcdefu << 64 | 0xfedcba9876543210u;
  uint64_t counts[4] = {0};
  for (; iterations != 0; --iterations) {
    for (unsigned round = 0; round < 64; ++round) {
      a += b;
      b = (b << 7 | b >> 121) - a;
      const uint64_t low = (uint64_t)a;
      const uint64_t high = (uint64_t)(b >> 64);
      const int64_t difference = (int64_t)(low - high);
      if ((low > high && difference < 0) || (low < high && difference >= 0))
        ++counts[0];
      if (a > b || (low == high && round != 3))
        ++counts[1];
      counts[2] += (low & 7) == 5 && (high & 3) != 1 ? low : high;
      counts[3] = difference > 0 ? counts[3] + round : ~counts[3];
    }
  }
  uint64_t sum = fold((uint64_t)a, (uint64_t)(b >> 64));
  for (unsigned i = 0; i < 4; ++i)
    sum = fold(sum, counts[i]);
  return sum;
}

const struct workload kIntegerWorkloads[] = {{"mark", "integer", 0, run_mark},
                                             {"sha256", "integer", prepare_sha256, run_sha256},
                                             {"crc32", "integer", prepare_crc32, run_crc32},
                                             {"muldiv", "integer", 0, run_muldiv},
                                             {"sieve", "integer", 0, run_sieve},
                                             {"flags", "integer", 0, run_flags},
                                             {0, 0, 0, 0}};
