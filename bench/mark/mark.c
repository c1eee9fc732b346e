// SPDX-License-Identifier: Apache-2.0
#include "bench/mark/mark.h"

enum { kNodes = 64, kSize = 16, kNone = 0xffff };

// -- Registers only

#if defined(__aarch64__) && !__STDC_HOSTED__
// In start.S, so that the number of instructions is known.
uint64_t mark_loop(uint64_t iterations);
#else
static uint64_t rotate_right(uint64_t value, unsigned count) {
  return value >> count | value << (64 - count);
}

static uint64_t mark_loop(uint64_t iterations) {
  uint64_t a = 1;
  uint64_t b = 2;
  uint64_t c = 3;
  for (; iterations != 0; --iterations) {
    a += iterations;
    b ^= a << 3;
    c = rotate_right(c + b, 7);
    a = b > c ? a + 1 : b;
  }
  return a ^ b ^ c;
}
#endif

static uint16_t crc16(uint16_t crc, uint32_t value) {
  for (unsigned bit = 0; bit < 32; ++bit) {
    const uint16_t feedback = (crc ^ value) & 1;
    crc >>= 1;
    if (feedback)
      crc ^= 0xa001;
    value >>= 1;
  }
  return crc;
}

// -- List

struct node {
  uint16_t next;
  uint16_t key;
  uint32_t data;
};

static struct node nodes[kNodes];

static uint16_t list_fill(uint32_t seed) {
  for (unsigned i = 0; i < kNodes; ++i) {
    seed = seed * 1664525u + 1013904223u;
    nodes[i].next = i + 1 < kNodes ? i + 1 : kNone;
    nodes[i].key = seed >> 20;
    nodes[i].data = seed;
  }
  return 0;
}

static uint16_t list_reverse(uint16_t head) {
  uint16_t done = kNone;
  while (head != kNone) {
    const uint16_t next = nodes[head].next;
    nodes[head].next = done;
    done = head;
    head = next;
  }
  return done;
}

static uint16_t list_find(uint16_t head, uint16_t key) {
  while (head != kNone && nodes[head].key != key)
    head = nodes[head].next;
  return head;
}

static uint16_t list_merge(uint16_t a, uint16_t b) {
  uint16_t head = kNone;
  uint16_t* tail = &head;
  while (a != kNone && b != kNone) {
    uint16_t* least = nodes[b].key < nodes[a].key ? &b : &a;
    *tail = *least;
    tail = &nodes[*least].next;
    *least = *tail;
  }
  *tail = a != kNone ? a : b;
  return head;
}

static uint16_t list_sort(uint16_t head) {
  uint16_t runs[8]; // runs[i]: a sorted list of 2^i nodes, or none
  for (unsigned i = 0; i < 8; ++i)
    runs[i] = kNone;
  while (head != kNone) {
    uint16_t run = head;
    head = nodes[head].next;
    nodes[run].next = kNone;
    unsigned i = 0;
    for (; runs[i] != kNone; ++i) {
      run = list_merge(runs[i], run);
      runs[i] = kNone;
    }
    runs[i] = run;
  }
  uint16_t sorted = kNone;
  for (unsigned i = 0; i < 8; ++i)
    sorted = list_merge(runs[i], sorted);
  return sorted;
}

static uint32_t mark_list(uint32_t seed) {
  uint16_t head = list_fill(seed);
  uint32_t found = 0;
  for (unsigned i = 0; i < 16; ++i)
    found += list_find(head, nodes[(seed + i * 5) % kNodes].key);
  head = list_reverse(list_sort(head));
  uint32_t sum = found;
  unsigned place = 1;
  for (uint16_t node = head; node != kNone; node = nodes[node].next)
    sum += nodes[node].data * place++;
  return sum;
}

// -- Matrix

static int16_t left[kSize][kSize];
static int16_t right[kSize][kSize];

static uint32_t mark_matrix(uint32_t seed) {
  for (unsigned i = 0; i < kSize; ++i) {
    for (unsigned j = 0; j < kSize; ++j) {
      seed = seed * 1664525u + 1013904223u;
      left[i][j] = (int16_t)(seed >> 16);
      right[i][j] = (int16_t)seed;
    }
  }
  uint32_t sum = 0;
  for (unsigned i = 0; i < kSize; ++i) {
    for (unsigned j = 0; j < kSize; ++j) {
      uint32_t cell = 0;
      for (unsigned k = 0; k < kSize; ++k)
        cell += (uint32_t)((int32_t)left[i][k] * right[k][j]);
      sum = (cell & 1) ? sum + cell : sum ^ (cell >> 2);
    }
  }
  return sum;
}

// -- State machine

enum state { kStart, kSign, kInteger, kFraction, kExponent, kExponentDigits, kHex, kBad, kStates };

static const char text[] =
    "12 -7 3.25 6e7 +8.5e-3 0x1f 4..2 99 x12 -0.001 1e+9 0xZZ 31415 2.71828 -e5 1000000 0xcafe 5e ";

static enum state next_state(enum state state, char c) {
  const int digit = c >= '0' && c <= '9';
  switch (state) {
  case kStart: return digit ? kInteger : c == '+' || c == '-' ? kSign : kBad;
  case kSign: return digit ? kInteger : kBad;
  case kInteger:
    return digit ? kInteger : c == '.' ? kFraction : c == 'e' ? kExponent : c == 'x' ? kHex : kBad;
  case kFraction: return digit ? kFraction : c == 'e' ? kExponent : kBad;
  case kExponent: return digit || c == '+' || c == '-' ? kExponentDigits : kBad;
  case kExponentDigits: return digit ? kExponentDigits : kBad;
  case kHex: return digit || (c >= 'a' && c <= 'f') ? kHex : kBad;
  default: return kBad;
  }
}

static uint32_t mark_state(uint32_t seed) {
  uint32_t ends[kStates];
  for (unsigned i = 0; i < kStates; ++i)
    ends[i] = i;
  enum state state = kStart;
  for (unsigned i = 0; i + 1 < sizeof text; ++i) {
    char c = text[i];
    if (c == ' ') {
      ++ends[state];
      state = kStart;
      continue;
    }
    // One character in 32 is damaged, a different one each time.
    if (((i + seed) & 31) == 0)
      c ^= 2;
    state = next_state(state, c);
  }
  uint32_t sum = 0;
  for (unsigned i = 0; i < kStates; ++i)
    sum = sum * 31 + ends[i];
  return sum;
}

uint64_t mark_run(uint32_t workload, uint64_t iterations) {
  if (workload == kMarkLoop)
    return mark_loop(iterations);
  uint16_t crc = 0;
  uint32_t value = 0;
  for (uint64_t i = 0; i < iterations; ++i) {
    const uint32_t seed = (uint32_t)i + value;
    switch (workload) {
    case kMarkList: value = mark_list(seed); break;
    case kMarkMatrix: value = mark_matrix(seed); break;
    case kMarkState: value = mark_state(seed); break;
    case kMarkAll:
      value = mark_list(seed);
      crc = crc16(crc, value);
      value ^= mark_matrix(value);
      crc = crc16(crc, value);
      value ^= mark_state(value);
      break;
    default: return 0;
    }
    crc = crc16(crc, value);
  }
  return (uint64_t)crc << 32 | value;
}
