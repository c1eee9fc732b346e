// SPDX-License-Identifier: Apache-2.0
// Integer workloads that branch, call and return more than they compute.
#include <stdlib.h>
#include <string.h>

#include "bench/cpu/bench.h"

#define kNoInline __attribute__((noinline, noclone))

// -- records: small procedures over records, strings and arrays; an iteration is 100 rounds

enum shape { kCircle, kLabel, kBox, kShapes };

struct record {
  struct record* next;
  enum shape shape;
  int32_t weight;
  union {
    struct {
      int32_t x, y, radius;
    } circle;
    char label[40];
    struct {
      int16_t left, top, right, bottom;
    } box;
  } body;
};

static struct record first_record;
static struct record second_record;
static int32_t histogram[16];
static int32_t grid[16][16];
// Not constant, so that the string functions are called.
static char names[4][40] = {"the first of the labels, a longer one",
                            "the first of the labels, a shorter", "another label altogether",
                            "the first of the labels, a longer one"};

static kNoInline int compare_names(const char* a, const char* b, int32_t* weight) {
  const int order = strcmp(a, b);
  if (order == 0)
    *weight += 3;
  return order > 0 ? 1 : order < 0 ? -1 : 0;
}

static kNoInline enum shape turn_shape(enum shape shape, int32_t weight) {
  switch (shape) {
  case kCircle: return weight > 100 ? kLabel : kBox;
  case kLabel: return weight & 1 ? kBox : kCircle;
  case kBox: return kLabel;
  default: return kCircle;
  }
}

static kNoInline void fill_body(struct record* record, int32_t number) {
  switch (record->shape) {
  case kCircle:
    record->body.circle.x = number;
    record->body.circle.y = -number;
    record->body.circle.radius = number / 3 + 1;
    break;
  case kLabel: strcpy(record->body.label, names[number & 3]); break;
  default:
    record->body.box.left = (int16_t)number;
    record->body.box.top = (int16_t)(number * 2);
    record->body.box.right = (int16_t)(number + 17);
    record->body.box.bottom = (int16_t)(number % 29);
  }
}

static kNoInline void advance_record(struct record* record, int32_t number) {
  struct record* next = record->next;
  *next = *record;
  next->next = record;
  next->weight = (record->weight + number) % 211;
  next->shape = turn_shape(record->shape, next->weight);
  fill_body(next, number);
}

static kNoInline int32_t update_grid(int32_t row, int32_t column, int32_t value) {
  grid[row & 15][column & 15] += value;
  grid[(row + 1) & 15][column & 15] = grid[row & 15][column & 15] - histogram[column & 15];
  ++histogram[value & 15];
  return grid[(row + 1) & 15][column & 15];
}

static void prepare_records(void) {
  memset(histogram, 0, sizeof histogram);
  memset(grid, 0, sizeof grid);
  memset(&first_record, 0, sizeof first_record);
  memset(&second_record, 0, sizeof second_record);
  first_record.next = &second_record;
  second_record.next = &first_record;
}

static uint64_t run_records(uint64_t iterations) {
  uint64_t sum = 0;
  struct record* record = &first_record;
  for (uint64_t turn = 0; turn < iterations; ++turn) {
    for (int32_t round = 0; round < 100; ++round) {
      advance_record(record, round + (int32_t)(turn & 15));
      record = record->next;
      record->weight += compare_names(names[round & 3], names[(round + 1) & 3], &record->weight);
      char name = 'a';
      while (name < 'a' + (round & 3))
        name += record->shape == kLabel && record->body.label[1] == 'h' ? 2 : 1;
      sum += (uint32_t)update_grid(round, name, record->weight);
    }
  }
  return fold(sum, (uint32_t)record->weight);
}

// -- fib: calls and returns only; an iteration is fib(20)

static uint32_t fib_other(uint32_t n);

// Two functions that call each other, so that no compiler turns the recursion into a loop.
static kNoInline uint32_t fib(uint32_t n) {
  return n < 2 ? n : fib_other(n - 1) + fib_other(n - 2);
}

static kNoInline uint32_t fib_other(uint32_t n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint64_t run_fib(uint64_t iterations) {
  uint64_t sum = 0;
  for (uint64_t turn = 0; turn < iterations; ++turn)
    sum += fib(20 - (turn & 1)) + turn;
  return sum;
}

// -- qsort: the C library's, with a callback; an iteration sorts 8192 pairs

struct pair {
  uint32_t key;
  uint32_t value;
};

static struct pair pairs[8192];

static int compare_pairs(const void* a, const void* b) {
  const struct pair* left = a;
  const struct pair* right = b;
  if (left->key != right->key)
    return left->key < right->key ? -1 : 1;
  return left->value < right->value ? -1 : left->value > right->value;
}

static uint64_t run_qsort(uint64_t iterations) {
  const unsigned count = sizeof pairs / sizeof pairs[0];
  uint32_t seed = 1;
  uint64_t sum = 0;
  for (; iterations != 0; --iterations) {
    for (unsigned i = 0; i < count; ++i)
      pairs[i] = (struct pair){next_random(&seed) >> 12, i};
    qsort(pairs, count, sizeof pairs[0], compare_pairs);
    for (unsigned i = 0; i < count; i += 61)
      sum = fold(sum, (uint64_t)pairs[i].key << 32 | pairs[i].value);
  }
  return sum;
}

// -- vcall: methods of objects of eight classes in no order; an iteration is 512 calls

struct object {
  uint32_t (*const* methods)(struct object*, uint32_t);
  uint32_t state;
};

#define METHOD(name, expression)                                                                   \
  static uint32_t name(struct object* object, uint32_t x) {                                        \
    object->state += x;                                                                            \
    return expression;                                                                             \
  }
METHOD(step_add, x + object->state)
METHOD(step_xor, x ^ object->state)
METHOD(step_shift, (x >> 3) + object->state)
METHOD(step_times, x * 5 - object->state)
METHOD(step_least, x < object->state ? x + 1 : object->state)
METHOD(step_not, ~x + (object->state >> 1))
METHOD(step_swap, x << 16 | object->state >> 16)
METHOD(step_low, (x & 0xffff) + object->state * 3)
#undef METHOD

static uint32_t (*const kMethods[8])(struct object*, uint32_t) = {
    step_add, step_xor, step_shift, step_times, step_least, step_not, step_swap, step_low};
static struct object objects[512];

static void prepare_vcall(void) {
  uint32_t seed = 7;
  for (unsigned i = 0; i < 512; ++i)
    objects[i] = (struct object){&kMethods[next_random(&seed) >> 29], i};
}

static uint64_t run_vcall(uint64_t iterations) {
  uint32_t x = 1;
  for (; iterations != 0; --iterations)
    for (unsigned i = 0; i < 512; ++i)
      x = objects[i].methods[0](&objects[i], x);
  return x;
}

const struct workload kControlWorkloads[] = {{"records", "integer", prepare_records, run_records},
                                             {"fib", "integer", 0, run_fib},
                                             {"qsort", "integer", 0, run_qsort},
                                             {"vcall", "integer", prepare_vcall, run_vcall},
                                             {0, 0, 0, 0}};
