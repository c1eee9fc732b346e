// SPDX-License-Identifier: Apache-2.0
// build: like a parallel make. A worker for each processor takes jobs from a pipe; for each it
// starts a "compiler", feeds it a text and reads its answer. A compiler is a new process that
// reads, allocates, hashes, sorts and computes. An iteration is a job; no result depends on who
// does it.
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/cpu/bench.h"

enum { kTextSize = 16384, kTables = 4, kTableSize = 4096, kPasses = 48 };

// -- The compiler

struct word {
  struct word* next;
  uint32_t hash;
  uint32_t uses;
  uint64_t padding[12]; // a node of a syntax tree is not small
};

static void read_all(int file, void* data, size_t size) {
  for (uint8_t* to = data; size > 0;) {
    const ssize_t got = read(file, to, size);
    if (got <= 0)
      die("a pipe ended early");
    to += got;
    size -= (size_t)got;
  }
}

static void write_all(int file, const void* data, size_t size) {
  for (const uint8_t* from = data; size > 0;) {
    const ssize_t put = write(file, from, size);
    if (put <= 0)
      die("writing to a pipe");
    from += put;
    size -= (size_t)put;
  }
}

static int compare_words(const void* a, const void* b) {
  const struct word* left = *(struct word* const*)a;
  const struct word* right = *(struct word* const*)b;
  return left->hash < right->hash ? -1 : left->hash > right->hash;
}

// Collects the words of a text with the number of their uses; returns how many there are.
static size_t collect(const char* text, struct word** words) {
  struct word** table = calloc(kTableSize, sizeof table[0]);
  size_t count = 0;
  while (table != 0 && *text != 0) {
    uint32_t hash = 2166136261u;
    for (; *text != 0 && *text != ' '; ++text)
      hash = (hash ^ (uint8_t)*text) * 16777619u;
    text += *text == ' ';
    struct word** at = &table[hash % kTableSize];
    while (*at != 0 && (*at)->hash != hash)
      at = &(*at)->next;
    if (*at == 0) {
      *at = words[count++] = calloc(1, sizeof **at);
      if (*at == 0)
        die("memory for words");
      (*at)->hash = hash;
    }
    ++(*at)->uses;
  }
  free(table);
  return count;
}

// Passes over fresh memory, as an optimizer's: every word looks at others and changes its value.
static uint64_t optimize(struct word* const* words, size_t count) {
  uint64_t sum = 0;
  for (unsigned turn = 0; turn < kTables; ++turn) {
    uint64_t* values = malloc((kTableSize << 3) * sizeof values[0]); // fresh pages from the kernel
    if (values == 0)
      die("memory for values");
    for (size_t i = 0; i < kTableSize; ++i)
      values[i << 3] = words[i % count]->hash + turn;
    for (unsigned pass = 0; pass < kPasses; ++pass) {
      for (size_t i = 0; i < kTableSize; ++i) {
        const uint64_t other = values[(values[i << 3] + i * 31) % kTableSize << 3];
        values[i << 3] = (other & 3) == 0   ? values[i << 3] + other
                         : (other & 3) == 1 ? values[i << 3] ^ other >> 3
                                            : values[i << 3] * 5 + words[i % count]->uses;
      }
    }
    for (size_t i = 0; i < kTableSize; ++i)
      sum = fold(sum, values[i << 3]);
    free(values);
  }
  return sum;
}

void compile_standard_input(void) {
  static char text[kTextSize + 1];
  static struct word* words[kTextSize];
  read_all(0, text, kTextSize);
  const size_t count = collect(text, words);
  qsort(words, count, sizeof words[0], compare_words);
  const uint64_t sum = optimize(words, count);
  write_all(1, &sum, sizeof sum);
}

// -- The workers

static void write_text(char* text, uint32_t job) {
  uint32_t seed = job;
  for (unsigned i = 0; i < kTextSize; ++i) {
    const uint32_t random = next_random(&seed) >> 16;
    text[i] = (random & 3) == 0 ? ' ' : (char)('a' + random % 11);
  }
}

static uint64_t do_job(uint32_t job) {
  static char text[kTextSize];
  int there[2];
  int back[2];
  write_text(text, job);
  if (pipe(there) != 0 || pipe(back) != 0)
    die("pipe");
  const pid_t child = fork();
  if (child < 0)
    die("fork");
  if (child == 0) {
    dup2(there[0], 0);
    dup2(back[1], 1);
    close(there[0]), close(there[1]), close(back[0]), close(back[1]);
    execl("/proc/self/exe", "bench_cpu", kCompileArgument, (char*)0);
    _exit(1);
  }
  close(there[0]);
  close(back[1]);
  write_all(there[1], text, sizeof text);
  close(there[1]);
  uint64_t sum = 0;
  read_all(back[0], &sum, sizeof sum);
  close(back[0]);
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0)
    die("a compiler failed");
  return sum;
}

static void work(int jobs, int results) {
  uint64_t sum = 0;
  uint32_t job = 0;
  while (read(jobs, &job, sizeof job) == sizeof job)
    sum += do_job(job);
  write_all(results, &sum, sizeof sum);
}

static unsigned processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0)
    die("sched_getaffinity");
  return (unsigned)CPU_COUNT(&set);
}

static uint64_t run_build(uint64_t iterations) {
  int jobs[2];
  int results[2];
  if (pipe(jobs) != 0 || pipe(results) != 0)
    die("pipe");
  const unsigned workers = processors();
  for (unsigned i = 0; i < workers; ++i) {
    const pid_t worker = fork();
    if (worker < 0)
      die("fork");
    if (worker == 0) {
      close(jobs[1]);
      close(results[0]);
      work(jobs[0], results[1]);
      _exit(0);
    }
  }
  close(jobs[0]);
  close(results[1]);
  for (uint64_t job = 0; job < iterations; ++job) {
    const uint32_t number = (uint32_t)job + 1;
    write_all(jobs[1], &number, sizeof number);
  }
  close(jobs[1]);
  uint64_t sum = 0;
  for (unsigned i = 0; i < workers; ++i) {
    uint64_t part = 0;
    read_all(results[0], &part, sizeof part);
    sum += part;
  }
  close(results[0]);
  while (wait(0) > 0) {
  }
  return sum;
}

const struct workload kBuildWorkloads[] = {{"build", "smp", 0, run_build}, {0, 0, 0, 0}};
