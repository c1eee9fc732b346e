// SPDX-License-Identifier: Apache-2.0
// A small, fixed piece of integer work in the manner of embedded CPU benchmarks: list processing,
// matrix multiplication, a state machine over text, CRC. The same source is compiled for the guest
// (and run by an engine) and for the host (and run directly), so that every timed run is also
// checked.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum mark_workload {
  kMarkLoop = 1,   // registers only: kMarkLoopInstructions per iteration
  kMarkList = 2,   // search, merge sort and reversal of a linked list
  kMarkMatrix = 3, // 16-bit matrices, 32-bit sums
  kMarkState = 4,  // classifies the words of a text
  kMarkAll = 5,    // list, matrix and state, their results folded into a CRC
  kMarkEnd = 6
};

#define kMarkLoopInstructions 8

// Runs a workload; the value depends on every step of it. An unknown workload gives 0.
uint64_t mark_run(uint32_t workload, uint64_t iterations);

#ifdef __cplusplus
}
#endif
