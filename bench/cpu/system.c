// SPDX-License-Identifier: Apache-2.0
// System workloads: what costs exceptions, page tables, context switches and new processes.
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/cpu/bench.h"

// -- syscall: 100 system calls an iteration that do next to nothing

static uint64_t run_syscall(uint64_t iterations) {
  uint64_t calls = 0;
  for (; iterations != 0; --iterations)
    for (unsigned i = 0; i < 100; ++i)
      calls += syscall(SYS_getppid) >= 0;
  return calls;
}

// -- pgfault: an iteration maps 256 pages, writes to each, and unmaps them

static uint64_t run_pgfault(uint64_t iterations) {
  const size_t page = 4096;
  const size_t size = 256 * page;
  uint64_t sum = 0;
  for (; iterations != 0; --iterations) {
    volatile uint8_t* memory =
        mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      die("mmap");
    for (size_t at = 0; at < size; at += page)
      memory[at] = (uint8_t)(at / page);
    sum += memory[(iterations & 255) * page] + 1u;
    munmap((void*)memory, size);
  }
  return sum;
}

// -- ctxsw: a byte goes to another process and back, on one processor

static void stay_on_this_processor(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    die("sched_setaffinity");
}

static void wait_for(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0)
    die("a child failed");
}

static pid_t make_child(void) {
  const pid_t child = fork();
  if (child < 0)
    die("fork");
  return child;
}

static uint64_t run_ctxsw(uint64_t iterations) {
  int there[2];
  int back[2];
  stay_on_this_processor();
  if (pipe(there) != 0 || pipe(back) != 0)
    die("pipe");
  const pid_t child = make_child();
  uint8_t byte = 0;
  if (child == 0) {
    close(there[1]);
    while (read(there[0], &byte, 1) == 1) {
      byte = byte * 5 + 1;
      if (write(back[1], &byte, 1) != 1)
        _exit(1);
    }
    _exit(0);
  }
  close(there[0]);
  close(back[1]);
  uint64_t sum = 0;
  for (; iterations != 0; --iterations) {
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
      die("pipe to the other process");
    sum += byte;
  }
  close(there[1]);
  close(back[0]);
  wait_for(child);
  return sum;
}

// -- forkexit, forkexec: a process that ends at once, or that starts this program to end at once

static uint64_t run_forkexit(uint64_t iterations) {
  uint64_t children = 0;
  for (; iterations != 0; --iterations, ++children) {
    const pid_t child = make_child();
    if (child == 0)
      _exit(0);
    wait_for(child);
  }
  return children;
}

static uint64_t run_forkexec(uint64_t iterations) {
  uint64_t children = 0;
  for (; iterations != 0; --iterations, ++children) {
    const pid_t child = make_child();
    if (child == 0) {
      execl("/proc/self/exe", "bench_cpu", kExitArgument, (char*)0);
      _exit(1);
    }
    wait_for(child);
  }
  return children;
}

// -- mprotect: a page is written, made read-only, and made writable again

static uint64_t run_mprotect(uint64_t iterations) {
  const size_t page = 4096;
  volatile uint64_t* memory =
      mmap(0, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    die("mmap");
  uint64_t sum = 0;
  for (; iterations != 0; --iterations) {
    memory[0] += iterations;
    if (mprotect((void*)memory, page, PROT_READ) != 0)
      die("mprotect");
    sum += memory[0];
    if (mprotect((void*)memory, page, PROT_READ | PROT_WRITE) != 0)
      die("mprotect");
  }
  munmap((void*)memory, page);
  return sum;
}

const struct workload kSystemWorkloads[] = {{"syscall", "system", 0, run_syscall},
                                            {"pgfault", "system", 0, run_pgfault},
                                            {"ctxsw", "system", 0, run_ctxsw},
                                            {"forkexit", "system", 0, run_forkexit},
                                            {"forkexec", "system", 0, run_forkexec},
                                            {"mprotect", "system", 0, run_mprotect},
                                            {0, 0, 0, 0}};
