// SPDX-License-Identifier: Apache-2.0
// A bytecode interpreter with a stack, once around a switch and once with computed gotos. An
// iteration interprets a program of about 14000 operations.
#include <string.h>

#include "bench/cpu/bench.h"

// X(operation, what it does): `pc` is behind the operation, `top` at the topmost value.
// clang-format off
#define OPERATIONS(X)                                                                              \
  X(kPush, *++top = *pc++)                                                                         \
  X(kPushWide, *++top = (uint32_t)pc[0] << 24 | pc[1] << 16 | pc[2] << 8 | pc[3]; pc += 4)         \
  X(kLoad, *++top = locals[*pc++])                                                                 \
  X(kStore, locals[*pc++] = *top--)                                                                \
  X(kFetch, *top = cells[*top & 63])                                                               \
  X(kPut, cells[top[0] & 63] = top[-1]; top -= 2)                                                  \
  X(kAdd, top[-1] += top[0]; --top)                                                                \
  X(kSubtract, top[-1] -= top[0]; --top)                                                           \
  X(kMultiply, top[-1] *= top[0]; --top)                                                           \
  X(kXor, top[-1] ^= top[0]; --top)                                                                \
  X(kAnd, top[-1] &= top[0]; --top)                                                                \
  X(kShift, top[-1] >>= top[0] & 31; --top)                                                        \
  X(kLess, top[-1] = top[-1] < top[0]; --top)                                                      \
  X(kDuplicate, top[1] = top[0]; ++top)                                                            \
  X(kJumpIfZero, pc = *top-- == 0 ? code + *pc : pc + 1)                                           \
  X(kJump, pc = code + *pc)
// clang-format on

#define NAME(name, ...) name,
enum operation { OPERATIONS(NAME) kHalt };
#undef NAME

enum local { kIndex, kRandom, kSum, kLocals };

static uint8_t code[128];
static uint32_t locals[kLocals];
static uint32_t cells[64];

// -- The program

static unsigned size;

static void put(unsigned byte) {
  code[size++] = (uint8_t)byte;
}

static void put_with(enum operation operation, unsigned operand) {
  put(operation);
  put(operand);
}

static void put_wide(uint32_t value) {
  put(kPushWide);
  for (int shift = 24; shift >= 0; shift -= 8)
    put(value >> shift);
}

// A jump whose target is set by land() later.
static unsigned put_jump(enum operation operation) {
  put_with(operation, 0);
  return size - 1;
}

static void land(unsigned jump) {
  code[jump] = (uint8_t)size;
}

// for (index = 0; index < 500; ++index) {
//   random = random * 1664525 + 12345;
//   cells[index] = random >> 7 ^ cells[random];
//   sum = random & 65536 ? sum + cells[index] : sum - index;
// }
static void prepare_program(void) {
  memset(cells, 0, sizeof cells);
  memset(locals, 0, sizeof locals);
  size = 0;
  put_with(kPush, 0), put_with(kStore, kIndex);
  const unsigned begin = size;
  put_with(kLoad, kIndex), put_wide(500), put(kLess);
  const unsigned leave = put_jump(kJumpIfZero);
  put_with(kLoad, kRandom), put_wide(1664525), put(kMultiply), put_wide(12345), put(kAdd);
  put(kDuplicate), put_with(kStore, kRandom);
  put_with(kPush, 7), put(kShift), put_with(kLoad, kRandom), put(kFetch), put(kXor);
  put_with(kLoad, kIndex), put(kPut);
  put_with(kLoad, kRandom), put_wide(65536), put(kAnd);
  const unsigned otherwise = put_jump(kJumpIfZero);
  put_with(kLoad, kSum), put_with(kLoad, kIndex), put(kFetch), put(kAdd);
  const unsigned next = put_jump(kJump);
  land(otherwise);
  put_with(kLoad, kSum), put_with(kLoad, kIndex), put(kSubtract);
  land(next);
  put_with(kStore, kSum);
  put_with(kLoad, kIndex), put_with(kPush, 1), put(kAdd), put_with(kStore, kIndex);
  put_with(kJump, begin);
  land(leave);
  put(kHalt);
}

// -- The interpreters

static __attribute__((noinline)) void interpret_by_switch(void) {
  uint32_t stack[16];
  uint32_t* top = stack;
  const uint8_t* pc = code;
  for (;;) {
    switch (*pc++) {
#define CASE(name, ...)                                                                            \
  case name: __VA_ARGS__; break;
      OPERATIONS(CASE)
#undef CASE
    default: return;
    }
  }
}

static __attribute__((noinline)) void interpret_by_goto(void) {
#define LABEL(name, ...) &&do_##name,
  static const void* const kLabels[] = {OPERATIONS(LABEL) && halt};
#undef LABEL
  uint32_t stack[16];
  uint32_t* top = stack;
  const uint8_t* pc = code;
  goto* kLabels[*pc++];
#define BODY(name, ...)                                                                            \
  do_##name : __VA_ARGS__;                                                                         \
  goto* kLabels[*pc++];
  OPERATIONS(BODY)
#undef BODY
halt:
  return;
}

static uint64_t run_interp(uint64_t iterations) {
  for (; iterations != 0; --iterations)
    interpret_by_switch();
  return fold(locals[kRandom], locals[kSum]);
}

static uint64_t run_interpcg(uint64_t iterations) {
  for (; iterations != 0; --iterations)
    interpret_by_goto();
  return fold(locals[kRandom], locals[kSum]);
}

const struct workload kInterpreterWorkloads[] = {
    {"interp", "integer", prepare_program, run_interp},
    {"interpcg", "integer", prepare_program, run_interpcg},
    {0, 0, 0, 0}};
