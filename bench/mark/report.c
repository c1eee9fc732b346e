// SPDX-License-Identifier: Apache-2.0
// The stand-alone part of the mark program: measures by the virtual counter, prints on the UART.
// One line for each workload: "mark NAME ITERATIONS NANOSECONDS RESULT".
#include "bench/mark/mark.h"

static void put(char c) {
  // The transmit register of a 16550 and of a PL011 alike.
  *(volatile uint32_t*)0x09000000ul = (unsigned char)c;
}

static void put_text(const char* text) {
  while (*text != 0)
    put(*text++);
}

static void put_number(uint64_t value) {
  if (value >= 10)
    put_number(value / 10);
  put((char)('0' + value % 10));
}

static uint64_t counter(void) {
  uint64_t value;
  __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value)::"memory");
  return value;
}

static uint64_t counter_frequency(void) {
  uint64_t value;
  __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(value));
  return value;
}

static const char* name_of(uint32_t workload) {
  switch (workload) {
  case kMarkLoop: return "loop";
  case kMarkList: return "list";
  case kMarkMatrix: return "matrix";
  case kMarkState: return "state";
  default: return "all";
  }
}

void mark_report(void) {
  const uint64_t frequency = counter_frequency();
  for (uint32_t workload = kMarkLoop; workload < kMarkEnd; ++workload) {
    // Grows until a run takes a second; the runs before it have warmed everything up.
    uint64_t iterations = 64;
    uint64_t ticks = 0;
    uint64_t result = 0;
    while (ticks < frequency) {
      iterations *= 2;
      const uint64_t begin = counter();
      result = mark_run(workload, iterations);
      ticks = counter() - begin;
    }
    put_text("mark ");
    put_text(name_of(workload));
    put(' ');
    put_number(iterations);
    put(' ');
    put_number(ticks / (frequency / 1000) * 1000000);
    put(' ');
    put_number(result);
    put_text("\r\n");
  }
}
