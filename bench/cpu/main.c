// SPDX-License-Identifier: Apache-2.0
// bench_cpu: runs one of the benchmark suite's workloads and says how long it took. The same
// program is the init of a guest (see guest.c).
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/cpu/bench.h"

static const struct workload* const kLists[] = {
    kIntegerWorkloads, kControlWorkloads, kInterpreterWorkloads, kFloatWorkloads,
    kVectorWorkloads,  kMemoryWorkloads,  kSystemWorkloads,      kBuildWorkloads};
enum { kListCount = sizeof kLists / sizeof kLists[0] };

void die(const char* what) {
  fprintf(stderr, "bench_cpu: error: %s: %s\n", what, strerror(errno));
  exit(1);
}

static const struct workload* find(const char* name) {
  for (unsigned i = 0; i < kListCount; ++i)
    for (const struct workload* workload = kLists[i]; workload->name != 0; ++workload)
      if (strcmp(workload->name, name) == 0)
        return workload;
  return 0;
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t timed_run(const struct workload* workload, uint64_t count, uint64_t* nanoseconds) {
  if (workload->prepare != 0)
    workload->prepare();
  const uint64_t begin = now();
  const uint64_t checksum = workload->run(count);
  *nanoseconds = now() - begin;
  return checksum;
}

// Doubles until a run is long enough to be extrapolated.
static uint64_t count_for(const struct workload* workload, double seconds) {
  uint64_t nanoseconds = 0;
  for (uint64_t count = 1;; count *= 2) {
    timed_run(workload, count, &nanoseconds);
    if ((double)nanoseconds >= seconds * 0.2e9) {
      const double wanted = (double)count * seconds * 1e9 / (double)nanoseconds;
      return wanted < 1 ? 1 : (uint64_t)wanted;
    }
  }
}

int measure(const char* name, uint64_t count, double seconds) {
  const struct workload* workload = find(name);
  if (workload == 0) {
    fprintf(stderr, "bench_cpu: error: there is no workload %s; --list prints them\n", name);
    return 2;
  }
  uint64_t nanoseconds = 0;
  if (count == 0)
    count = count_for(workload, seconds);
  else
    timed_run(workload, (count + 3) / 4, &nanoseconds); // warms up
  const uint64_t checksum = timed_run(workload, count, &nanoseconds);
  printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", name, count, nanoseconds, checksum);
  fflush(stdout);
  return 0;
}

static int list(void) {
  for (unsigned i = 0; i < kListCount; ++i)
    for (const struct workload* workload = kLists[i]; workload->name != 0; ++workload)
      printf("%s %s\n", workload->name, workload->group);
  return 0;
}

static int help(int status) {
  fputs("Usage: bench_cpu NAME [ITERATIONS | SECONDSs]\n"
        "       bench_cpu --list\n"
        "Runs a workload so many times, or for about so long (0.3s), and prints its name, the\n"
        "iterations, nanoseconds, and a checksum that depends on the iterations only.\n"
        "--list prints the workloads and their groups.\n",
        status == 0 ? stdout : stderr);
  return status;
}

// "1000" is a number of iterations, "0.5s" a time.
static int measure_as_told(const char* name, const char* how_long) {
  char* end = 0;
  const double seconds = strtod(how_long, &end);
  if (strcmp(end, "s") == 0 && seconds > 0)
    return measure(name, 0, seconds);
  const uint64_t count = strtoull(how_long, &end, 10);
  return *end == 0 && count > 0 ? measure(name, count, 0) : help(2);
}

int main(int argc, char** argv) {
  const char* first = argc > 1 ? argv[1] : "";
  if (getpid() == 1 && strcmp(argv[0], "/init") == 0)
    serve_guest();
  if (strcmp(first, kExitArgument) == 0)
    return 0;
  if (strcmp(first, kCompileArgument) == 0) {
    compile_standard_input();
    return 0;
  }
  if (strcmp(first, "--list") == 0)
    return list();
  if (strcmp(first, "--help") == 0)
    return help(0);
  if (argc < 2 || argc > 3 || first[0] == '-')
    return help(2);
  return measure_as_told(first, argc > 2 ? argv[2] : "0.3s");
}
