// SPDX-License-Identifier: Apache-2.0
// Memory workloads: caches and TLBs, the C library's copying and searching, atomics.
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/cpu/bench.h"

// -- chase: one load after the other around a ring; an iteration is 1024 loads

struct link {
  struct link* next;
};

static struct link* ring;

// A ring through `count` places, `distance` bytes apart, in no order.
static void make_ring(size_t count, size_t distance) {
  char* memory =
      mmap(0, count * distance, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint32_t* order = malloc(count * sizeof order[0]);
  if (memory == MAP_FAILED || order == 0)
    die("memory for a ring");
  for (size_t i = 0; i < count; ++i)
    order[i] = (uint32_t)i;
  uint32_t seed = 17;
  for (size_t i = count - 1; i > 0; --i) {
    const size_t other = ((uint64_t)next_random(&seed) * (i + 1)) >> 32;
    const uint32_t moved = order[i];
    order[i] = order[other];
    order[other] = moved;
  }
  // A cache line further on each page, lest all places fall into one set of the cache.
  const size_t lines = distance / 64;
  ring = (struct link*)(memory + order[0] * distance + order[0] % lines * 64);
  for (size_t i = 1; i <= count; ++i) {
    const size_t place = order[i % count];
    ring->next = (struct link*)(memory + place * distance + place % lines * 64);
    ring = ring->next;
  }
  free(order);
}

// Made once for the process, which measures one workload: a chase leaves its ring as it was.
#define CHASE(name, bytes, distance)                                                               \
  static void prepare_##name(void) {                                                               \
    if (ring == 0)                                                                                 \
      make_ring((size_t)(bytes) / (distance), distance);                                           \
  }
CHASE(chase_l1, 32 << 10, 64)
CHASE(chase_l2, 512 << 10, 64)
CHASE(chase_mem, 64 << 20, 64)
CHASE(chase_tlb, 32 << 20, 4096)
#undef CHASE

static uint64_t run_chase(uint64_t iterations) {
  const struct link* at = ring;
  for (uint64_t left = iterations; left != 0; --left)
    for (unsigned i = 0; i < 1024; ++i)
      at = at->next;
  return iterations + (at == 0);
}

// -- Copying and filling by the C library

static uint8_t* source;
static uint8_t* destination;

static void prepare_buffers(void) {
  const size_t size = 16 << 20;
  if (source == 0) {
    source = malloc(size);
    destination = malloc(size);
    if (source == 0 || destination == 0)
      die("memory for buffers");
  }
  memset(destination, 0, size);
  for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
    const uint64_t value = i * 0x9e3779b97f4a7c15u;
    memcpy(source + i, &value, sizeof value);
  }
}

static uint64_t copy(uint64_t iterations, size_t size) {
  uint64_t sum = 0;
  for (; iterations != 0; --iterations) {
    source[iterations & 4095] ^= 1;
    memcpy(destination, source, size);
    sum = fold(sum, (uint64_t)destination[iterations & 4095] << 8 | destination[size - 1]);
  }
  return sum;
}

static uint64_t run_memcpy64k(uint64_t iterations) {
  return copy(iterations, 64 << 10);
}

static uint64_t run_memcpy16m(uint64_t iterations) {
  return copy(iterations, 16 << 20);
}

// 256 copies of 1 to 128 bytes at any alignment.
static uint64_t run_memcpysm(uint64_t iterations) {
  uint32_t seed = 19;
  uint64_t sum = 0;
  for (; iterations != 0; --iterations) {
    for (unsigned i = 0; i < 256; ++i) {
      const uint32_t random = next_random(&seed);
      const size_t size = (random >> 25) + 1;
      uint8_t* to = destination + (random >> 10 & 0xfff);
      memcpy(to, source + (random >> 12 & 0x1fff), size);
      sum += to[size / 2];
    }
  }
  return sum;
}

static uint64_t run_memset64k(uint64_t iterations) {
  uint64_t sum = 0;
  for (; iterations != 0; --iterations) {
    memset(destination, (int)(iterations & 0xff), 64 << 10);
    sum = fold(sum, destination[iterations & 0xffff]);
  }
  return sum;
}

// -- strops: strlen, strchr and memcmp over strings of 1 to 250 characters; an iteration is 64 of
// each

enum { kStrings = 64 };
static char strings[kStrings][256];
static char twins[kStrings][256];

static void prepare_strops(void) {
  uint32_t seed = 23;
  for (unsigned i = 0; i < kStrings; ++i) {
    const size_t length = (next_random(&seed) >> 24) % 250 + 1;
    memset(strings[i], 0, sizeof strings[i]);
    for (size_t k = 0; k < length; ++k)
      strings[i][k] = (char)('a' + (next_random(&seed) >> 24) % 25);
    strings[i][length - 1] = 'z';
    memcpy(twins[i], strings[i], sizeof twins[i]);
    twins[i][length - 1] = 'y';
  }
}

static uint64_t run_strops(uint64_t iterations) {
  uint64_t sum = 0;
  for (uint64_t turn = 0; turn < iterations; ++turn) {
    for (unsigned i = 0; i < kStrings; ++i) {
      const unsigned at = (unsigned)((i + turn) % kStrings);
      const size_t length = strlen(strings[at]);
      sum += length + (size_t)(strchr(strings[at], 'z') - strings[at]);
      sum += memcmp(strings[at], twins[at], length) > 0;
    }
  }
  return sum;
}

// -- atomic: add, compare and swap, store-release; an iteration is 256 of each

static uint64_t run_atomic(uint64_t iterations) {
  static _Atomic uint64_t counter;
  static _Atomic uint64_t cell;
  static _Atomic uint32_t flag;
  atomic_store(&counter, 0);
  atomic_store(&cell, 1);
  for (; iterations != 0; --iterations) {
    for (unsigned i = 0; i < 256; ++i) {
      uint64_t expected = atomic_load_explicit(&cell, memory_order_relaxed);
      const uint64_t before = atomic_fetch_add(&counter, expected & 7);
      atomic_compare_exchange_strong(&cell, &expected, expected + before + i);
      atomic_store_explicit(&flag, (uint32_t)before, memory_order_release);
    }
  }
  return fold(fold(atomic_load(&counter), atomic_load(&cell)), atomic_load(&flag));
}

const struct workload kMemoryWorkloads[] = {{"chase_l1", "memory", prepare_chase_l1, run_chase},
                                            {"chase_l2", "memory", prepare_chase_l2, run_chase},
                                            {"chase_mem", "memory", prepare_chase_mem, run_chase},
                                            {"chase_tlb", "memory", prepare_chase_tlb, run_chase},
                                            {"memcpy64k", "memory", prepare_buffers, run_memcpy64k},
                                            {"memcpy16m", "memory", prepare_buffers, run_memcpy16m},
                                            {"memcpysm", "memory", prepare_buffers, run_memcpysm},
                                            {"memset64k", "memory", prepare_buffers, run_memset64k},
                                            {"strops", "memory", prepare_strops, run_strops},
                                            {"atomic", "memory", 0, run_atomic},
                                            {0, 0, 0, 0}};
