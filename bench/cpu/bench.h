// SPDX-License-Identifier: Apache-2.0
// The benchmark program's workloads. The same sources are compiled for the guest and for the host;
// what a workload computes depends on its iteration count alone, so that the results of equal
// counts can be compared between machines.
#pragma once

#include <stdint.h>

struct workload {
  const char* name;
  const char* group;     // integer, float, neon, memory, system or smp
  void (*prepare)(void); // sets the data up afresh, not timed; may be null
  uint64_t (*run)(uint64_t iterations);
};

// Each ends with an entry without a name.
extern const struct workload kIntegerWorkloads[];
extern const struct workload kControlWorkloads[];
extern const struct workload kInterpreterWorkloads[];
extern const struct workload kFloatWorkloads[];
extern const struct workload kVectorWorkloads[];
extern const struct workload kMemoryWorkloads[];
extern const struct workload kSystemWorkloads[];
extern const struct workload kBuildWorkloads[];

// The next number of a generator with 32 bits of state; the upper bits are the better ones.
static inline uint32_t next_random(uint32_t* state) {
  *state = *state * 1664525u + 1013904223u;
  return *state;
}

// Folds a value into a checksum so that every bit and the order count.
static inline uint64_t fold(uint64_t sum, uint64_t value) {
  sum = (sum ^ value) * 0x9e3779b97f4a7c15u;
  return sum ^ sum >> 29;
}

// The bits of a number, for fold.
static inline uint64_t bits_of(double value) {
  union {
    double number;
    uint64_t bits;
  } both = {.number = value};
  return both.bits;
}

// Prints what failed, with errno's text, and ends the process.
_Noreturn void die(const char* what);

// The work of the child that the forkexec workload starts, and of a compiler process of the build
// workload: reads standard input to its end, writes eight bytes to standard output.
#define kExitArgument "--exit"
#define kCompileArgument "--compile"
void compile_standard_input(void);

// Serves the console as the first process of a guest; never returns.
_Noreturn void serve_guest(void);

// Runs `name`, `count` times (0: as many as take `seconds`), and prints a line of
// "name iterations nanoseconds checksum". Returns the exit status.
int measure(const char* name, uint64_t count, double seconds);
