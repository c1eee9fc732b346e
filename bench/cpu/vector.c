// SPDX-License-Identifier: Apache-2.0
// Loops that the compiler turns into vector code (-O3): NEON in the guest, SSE2 on the host.
#include "bench/cpu/bench.h"

// -- matmul, matmulf: 128 x 128 matrices of doubles and of floats; a multiplication an iteration

enum { kSize = 128 };

// The order of the loops lets whole rows be added up, without changing the order of any sum.
#define MATRICES(type, prefix)                                                                     \
  static type prefix##_left[kSize][kSize];                                                         \
  static type prefix##_right[kSize][kSize];                                                        \
  static type prefix##_product[kSize][kSize];                                                      \
                                                                                                   \
  static void prefix##_prepare(void) {                                                             \
    uint32_t seed = 5;                                                                             \
    for (unsigned i = 0; i < kSize; ++i) {                                                         \
      for (unsigned j = 0; j < kSize; ++j) {                                                       \
        prefix##_left[i][j] = (type)(next_random(&seed) >> 16) / 65536;                            \
        prefix##_right[i][j] = (type)(next_random(&seed) >> 16) / 65536;                           \
        prefix##_product[i][j] = 0;                                                                \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  static uint64_t prefix##_run(uint64_t iterations) {                                              \
    for (; iterations != 0; --iterations) {                                                        \
      for (unsigned i = 0; i < kSize; ++i) {                                                       \
        for (unsigned j = 0; j < kSize; ++j)                                                       \
          prefix##_product[i][j] *= (type)0.5;                                                     \
        for (unsigned k = 0; k < kSize; ++k)                                                       \
          for (unsigned j = 0; j < kSize; ++j)                                                     \
            prefix##_product[i][j] += prefix##_left[i][k] * prefix##_right[k][j];                  \
      }                                                                                            \
    }                                                                                              \
    uint64_t sum = 0;                                                                              \
    for (unsigned i = 0; i < kSize; ++i)                                                           \
      sum = fold(sum, bits_of((double)prefix##_product[i][(i * 7) % kSize]));                      \
    return sum;                                                                                    \
  }

MATRICES(double, matmul)
MATRICES(float, matmulf)
#undef MATRICES

// -- saxpy: multiply, add and exclusive-or vectors of 4096 words

static uint32_t xs[4096];
static uint32_t ys[4096];

static void prepare_saxpy(void) {
  uint32_t seed = 9;
  for (unsigned i = 0; i < 4096; ++i) {
    xs[i] = next_random(&seed);
    ys[i] = next_random(&seed);
  }
}

static uint64_t run_saxpy(uint64_t iterations) {
  uint32_t a = 12345;
  for (; iterations != 0; --iterations) {
    for (unsigned i = 0; i < 4096; ++i)
      ys[i] = (a * xs[i] + ys[i]) ^ (ys[i] >> 5);
    a += ys[a & 4095];
  }
  uint64_t sum = a;
  for (unsigned i = 0; i < 4096; i += 37)
    sum = fold(sum, ys[i]);
  return sum;
}

// -- blend: two pictures of 8192 bytes by a third one's weights: widens, multiplies, narrows

static uint8_t front[8192];
static uint8_t back[8192];
static uint8_t weights[8192];

static void prepare_blend(void) {
  uint32_t seed = 13;
  for (unsigned i = 0; i < sizeof front; ++i) {
    front[i] = next_random(&seed) >> 24;
    back[i] = next_random(&seed) >> 24;
    weights[i] = next_random(&seed) >> 24;
  }
}

static uint64_t run_blend(uint64_t iterations) {
  for (uint64_t turn = 0; turn < iterations; ++turn) {
    for (unsigned i = 0; i < sizeof front; ++i) {
      const uint16_t mixed =
          (uint16_t)(front[i] * weights[i] + back[i] * (uint16_t)(255 - weights[i]) + 128);
      const uint8_t value = mixed >> 8;
      back[i] = value > front[i] ? value - front[i] : (uint8_t)(value + turn);
    }
  }
  uint64_t sum = 0;
  for (unsigned i = 0; i < sizeof back; i += 31)
    sum = fold(sum, back[i]);
  return sum;
}

const struct workload kVectorWorkloads[] = {{"matmul", "neon", matmul_prepare, matmul_run},
                                            {"matmulf", "neon", matmulf_prepare, matmulf_run},
                                            {"saxpy", "neon", prepare_saxpy, run_saxpy},
                                            {"blend", "neon", prepare_blend, run_blend},
                                            {0, 0, 0, 0}};
