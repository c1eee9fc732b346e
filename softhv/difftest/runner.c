/* SPDX-License-Identifier: Apache-2.0 */
/* The arm64 side of the differential tester: runs each case read from standard input and writes its
 * outcome to standard output. Built static for arm64 Linux and run under qemu-aarch64.
 *
 * The loop lives in a signal handler: every case ends in a signal (SIGTRAP from the BRK that
 * follows it, or a fault), whose context holds all registers; the handler reports them, loads those
 * of the next case into the context and returns into it. */
#define _GNU_SOURCE
#include "softhv/difftest/protocol.h"

#include <asm/sigcontext.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static uint32_t* const kSlot = (uint32_t*)DIFFTEST_SLOT;
static struct difftest_case current;
static int started;

static void fail(const char* what) {
  perror(what);
  _exit(1);
}

static void read_fully(void* out, size_t size) {
  char* p = out;
  while (size > 0) {
    const ssize_t n = read(STDIN_FILENO, p, size);
    if (n == 0)
      _exit(0);
    if (n < 0)
      fail("difftest runner: read");
    p += n;
    size -= (size_t)n;
  }
}

static void write_fully(const void* in, size_t size) {
  const char* p = in;
  while (size > 0) {
    const ssize_t n = write(STDOUT_FILENO, p, size);
    if (n <= 0)
      fail("difftest runner: write");
    p += n;
    size -= (size_t)n;
  }
}

static struct fpsimd_context* fpsimd_of(ucontext_t* context) {
  char* p = (char*)context->uc_mcontext.__reserved;
  for (;;) {
    struct _aarch64_ctx* head = (struct _aarch64_ctx*)p;
    if (head->magic == FPSIMD_MAGIC)
      return (struct fpsimd_context*)head;
    if (head->magic == 0)
      fail("difftest runner: no FPSIMD context");
    p += head->size;
  }
}

static void report(const ucontext_t* context, const struct fpsimd_context* fp, int signal) {
  static struct difftest_outcome outcome;
  outcome.signal = (uint32_t)signal;
  struct difftest_registers* r = &outcome.registers;
  memcpy(r->x, context->uc_mcontext.regs, sizeof r->x);
  r->sp = context->uc_mcontext.sp;
  r->pc = context->uc_mcontext.pc;
  r->nzcv = context->uc_mcontext.pstate & 0xf0000000u;
  r->fpcr = fp->fpcr;
  r->fpsr = fp->fpsr;
  memcpy(r->v, fp->vregs, sizeof r->v);
  memcpy(outcome.window, (char*)DIFFTEST_DATA_BASE + current.window, DIFFTEST_WINDOW);
  write_fully(&outcome, sizeof outcome);
}

static void restore_memory(void) {
  uint32_t* data = (uint32_t*)(DIFFTEST_DATA_BASE + current.window);
  const uint32_t first = current.window / 4;
  for (uint32_t i = 0; i < DIFFTEST_WINDOW / 4; ++i)
    data[i] = difftest_data_word(first + i);
}

static void start_next(ucontext_t* context, struct fpsimd_context* fp) {
  read_fully(&current, sizeof current);
  const struct difftest_registers* r = &current.registers;
  for (uint32_t i = 0; i < DIFFTEST_MAX_WORDS; ++i)
    kSlot[i] = i < current.count ? current.words[i]
                                 : difftest_code_word((DIFFTEST_SLOT - DIFFTEST_CODE_BASE) / 4 + i);
  __builtin___clear_cache((char*)kSlot, (char*)(kSlot + DIFFTEST_MAX_WORDS));
  memcpy(context->uc_mcontext.regs, r->x, sizeof r->x);
  context->uc_mcontext.sp = r->sp;
  context->uc_mcontext.pc = DIFFTEST_SLOT;
  context->uc_mcontext.pstate = (context->uc_mcontext.pstate & ~0xf0000000ull) | r->nzcv;
  fp->fpcr = (uint32_t)r->fpcr;
  fp->fpsr = (uint32_t)r->fpsr;
  memcpy(fp->vregs, r->v, sizeof r->v);
  /* The exclusive monitor starts open on both sides. */
  __asm__ volatile("clrex" ::: "memory");
}

static void on_signal(int signal, siginfo_t* info, void* ucontext) {
  (void)info;
  ucontext_t* context = ucontext;
  struct fpsimd_context* fp = fpsimd_of(context);
  if (started) {
    report(context, fp, signal);
    restore_memory();
  }
  started = 1;
  start_next(context, fp);
}

static uint32_t* map_region(uint64_t base, uint64_t size, int protection) {
  void* p = mmap((void*)base, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (p == MAP_FAILED)
    fail("difftest runner: mmap");
  return p;
}

int main(void) {
  uint32_t* code =
      map_region(DIFFTEST_CODE_BASE, DIFFTEST_CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
  for (uint32_t i = 0; i < DIFFTEST_CODE_SIZE / 4; ++i)
    code[i] = difftest_code_word(i);
  uint32_t* data = map_region(DIFFTEST_DATA_BASE, DIFFTEST_DATA_SIZE, PROT_READ | PROT_WRITE);
  for (uint32_t i = 0; i < DIFFTEST_DATA_SIZE / 4; ++i)
    data[i] = difftest_data_word(i);

  const size_t stack_size = 1 << 20;
  const stack_t stack = {.ss_sp = malloc(stack_size), .ss_size = stack_size};
  if (stack.ss_sp == NULL || sigaltstack(&stack, NULL) != 0)
    fail("difftest runner: sigaltstack");
  struct sigaction action = {.sa_sigaction = on_signal,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  static const int kSignals[] = {SIGTRAP, SIGILL, SIGSEGV, SIGBUS, SIGFPE};
  for (size_t i = 0; i < sizeof kSignals / sizeof kSignals[0]; ++i)
    if (sigaction(kSignals[i], &action, NULL) != 0)
      fail("difftest runner: sigaction");
  __asm__ volatile("brk #0");
  return 1; /* the handler never comes back here */
}
