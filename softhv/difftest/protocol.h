/* SPDX-License-Identifier: Apache-2.0 */
/* What the differential tester and its runner say to each other over pipes: one Case in, one
 * Outcome out. Plain C and little-endian, shared by a C++ program for the host and a C program for
 * arm64. */
#pragma once

#include <stdint.h>

/* The same virtual addresses are used on both sides, so that PC-relative results and pointers
 * compare equal. The code region is filled with BRK instructions of varying immediates: every way
 * out of a case ends in one, and literal loads read them. */
#define DIFFTEST_CODE_BASE UINT64_C(0x4000000000)
#define DIFFTEST_CODE_SIZE (UINT64_C(4) << 20)
#define DIFFTEST_SLOT (DIFFTEST_CODE_BASE + DIFFTEST_CODE_SIZE / 2)
#define DIFFTEST_DATA_BASE UINT64_C(0x4800000000)
#define DIFFTEST_DATA_SIZE (UINT64_C(256) << 10)
#define DIFFTEST_WINDOW 512 /* bytes of the data region that an Outcome carries */
#define DIFFTEST_MAX_WORDS 4

struct difftest_registers {
  uint64_t x[31];
  uint64_t sp;
  uint64_t pc;
  uint64_t nzcv; /* where PSTATE has it, bits 31:28 */
  uint64_t fpcr;
  uint64_t fpsr;
  uint64_t v[32][2];
};

struct difftest_case {
  uint32_t count; /* instruction words at DIFFTEST_SLOT */
  uint32_t words[DIFFTEST_MAX_WORDS];
  uint32_t window; /* offset into the data region of the bytes to report, and to restore after */
  struct difftest_registers registers; /* pc is ignored */
};

struct difftest_outcome {
  uint32_t signal; /* SIGTRAP when the case ran into a BRK */
  uint32_t reserved;
  struct difftest_registers registers;
  uint8_t window[DIFFTEST_WINDOW];
};

/* The contents of the two regions before every case. */
static inline uint32_t difftest_mix(uint32_t i) {
  i = (i ^ (i >> 15)) * UINT32_C(0x2c1b3c6d);
  i = (i ^ (i >> 12)) * UINT32_C(0x297a2d39);
  return i ^ (i >> 15);
}
static inline uint32_t difftest_code_word(uint32_t index) {
  return UINT32_C(0xd4200000) | ((difftest_mix(index) & 0xffff) << 5);
}
static inline uint32_t difftest_data_word(uint32_t index) {
  const uint32_t r = difftest_mix(index + 0x10000);
  /* Some words that are special as integers and as floating-point numbers. */
  switch (r & 15) {
  case 0: return 0;
  case 1: return UINT32_C(0xffffffff);
  case 2: return UINT32_C(0x80000000);
  case 3: return UINT32_C(0x7fc00001);
  default: return difftest_mix(r);
  }
}
