// SPDX-License-Identifier: Apache-2.0
// Floating-point workloads. Built without contraction, so that both machines round alike.
#include <math.h>

#include "bench/cpu/bench.h"

// -- nbody: five bodies that attract each other; an iteration is 100 steps

struct body {
  double place[3];
  double speed[3];
  double mass;
};

static struct body bodies[5];

static void prepare_nbody(void) {
  uint32_t seed = 3;
  for (unsigned i = 0; i < 5; ++i) {
    for (unsigned axis = 0; axis < 3; ++axis) {
      bodies[i].place[axis] = next_random(&seed) * 0x1p-28 - 8;
      bodies[i].speed[axis] = next_random(&seed) * 0x1p-32 - 0.5;
    }
    bodies[i].mass = 1 + i * 0.25;
  }
}

static void nbody_step(double dt) {
  for (unsigned i = 0; i < 5; ++i) {
    for (unsigned j = i + 1; j < 5; ++j) {
      double distance[3];
      double square = 0.01; // softens near encounters
      for (unsigned axis = 0; axis < 3; ++axis) {
        distance[axis] = bodies[i].place[axis] - bodies[j].place[axis];
        square += distance[axis] * distance[axis];
      }
      const double pull = dt / (square * sqrt(square));
      for (unsigned axis = 0; axis < 3; ++axis) {
        bodies[i].speed[axis] -= distance[axis] * bodies[j].mass * pull;
        bodies[j].speed[axis] += distance[axis] * bodies[i].mass * pull;
      }
    }
  }
  for (unsigned i = 0; i < 5; ++i)
    for (unsigned axis = 0; axis < 3; ++axis)
      bodies[i].place[axis] += dt * bodies[i].speed[axis];
}

static uint64_t run_nbody(uint64_t iterations) {
  for (; iterations != 0; --iterations)
    for (unsigned step = 0; step < 100; ++step)
      nbody_step(0.001);
  uint64_t sum = 0;
  for (unsigned i = 0; i < 5; ++i)
    for (unsigned axis = 0; axis < 3; ++axis)
      sum = fold(sum, bits_of(bodies[i].place[axis]));
  return sum;
}

// -- mandel: 48 x 48 points of the Mandelbrot set, 128 steps at most

static uint64_t run_mandel(uint64_t iterations) {
  uint64_t sum = 0;
  for (uint64_t turn = 0; turn < iterations; ++turn) {
    const double shift = (double)(turn & 15) * 0.001;
    for (unsigned row = 0; row < 48; ++row) {
      for (unsigned column = 0; column < 48; ++column) {
        const double cx = column * (3.0 / 48) - 2.2 + shift;
        const double cy = row * (2.4 / 48) - 1.2;
        double x = 0;
        double y = 0;
        unsigned steps = 0;
        while (steps < 128 && x * x + y * y <= 4) {
          const double next = x * x - y * y + cx;
          y = 2 * x * y + cy;
          x = next;
          ++steps;
        }
        sum += steps;
      }
    }
  }
  return sum;
}

// -- fpmix: single, double and integer converted into each other, fma, square roots; 256 rounds

static float singles[256];
static double doubles[256];

static void prepare_fpmix(void) {
  uint32_t seed = 11;
  for (unsigned i = 0; i < 256; ++i) {
    singles[i] = (float)(next_random(&seed) >> 8) * 0x1p-20f;
    doubles[i] = (double)next_random(&seed) * 0x1p-30 - 2;
  }
}

static uint64_t run_fpmix(uint64_t iterations) {
  uint64_t sum = 0;
  double carry = 1;
  for (; iterations != 0; --iterations) {
    for (unsigned i = 0; i < 256; ++i) {
      const double root = sqrt((double)singles[i] + 1.5);
      const float single = fmaf((float)root, 0.75f, singles[i] * 0.5f);
      carry = fma(carry, 0.5, doubles[i] - single);
      const int32_t whole = (int32_t)carry;
      sum += (uint64_t)((int64_t)(carry * 1000) ^ whole);
      singles[i] = single < 20 && single > 0 ? single + (float)(sum & 7) * 0.125f : 1.25f;
      doubles[i] = fabs((double)whole) < 100 ? (double)whole * 0.5 + 0.25 : 1 / carry;
    }
  }
  return fold(sum, bits_of(carry));
}

// -- libm: sin, exp, log, pow, 64 of each

static uint64_t run_libm(uint64_t iterations) {
  double total = 0;
  for (uint64_t turn = 0; turn < iterations; ++turn) {
    double x = 0.1 + (double)(turn & 255) * 0.01;
    for (unsigned i = 0; i < 64; ++i, x += 0.037)
      total += sin(x * 3) + exp(-x) + log(x + 1) + pow(x, 1.3);
  }
  // C libraries round the last bits differently, and no more than those.
  return (uint64_t)llround(total * 16);
}

const struct workload kFloatWorkloads[] = {{"nbody", "float", prepare_nbody, run_nbody},
                                           {"mandel", "float", 0, run_mandel},
                                           {"fpmix", "float", prepare_fpmix, run_fpmix},
                                           {"libm", "float", 0, run_libm},
                                           {0, 0, 0, 0}};
