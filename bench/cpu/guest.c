// SPDX-License-Identifier: Apache-2.0
// The first process of a guest that measures: reads lines of "NAME ITERATIONS" from the console,
// runs each workload in a process of its own, whose output goes to the console, and powers off at
// "poweroff". A line "done" follows each run.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "bench/cpu/bench.h"

// What is sent to the guest shall not come back with its answers.
static void turn_echo_off(void) {
  struct termios settings;
  if (tcgetattr(0, &settings) == 0) {
    settings.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(0, TCSANOW, &settings);
  }
}

static void run_line(const char* line) {
  char name[32];
  uint64_t count = 0;
  if (sscanf(line, "%31s %" SCNu64, name, &count) != 2 || count == 0) {
    puts("bench_cpu: error: expected NAME ITERATIONS");
    return;
  }
  const pid_t child = fork();
  if (child == 0)
    exit(measure(name, count, 0));
  if (child < 0 || waitpid(child, 0, 0) != child)
    die("running a workload");
}

void serve_guest(void) {
  mkdir("/proc", 0755);
  if (mount("proc", "/proc", "proc", 0, 0) != 0)
    perror("mounting /proc");
  turn_echo_off();
  puts("bench_cpu is ready");
  fflush(stdout);
  char line[128];
  while (fgets(line, sizeof line, stdin) != 0 && strcmp(line, "poweroff\n") != 0) {
    run_line(line);
    puts("done");
    fflush(stdout);
  }
  sync();
  reboot(RB_POWER_OFF);
  for (;;)
    pause();
}
