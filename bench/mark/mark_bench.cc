// SPDX-License-Identifier: Apache-2.0
// Engine speed: guest instructions per second ("MIPS", in millions) on one host core, each run's
// result checked against the host's.
#include <benchmark/benchmark.h>

#include "bench/mark/mark.h"
#include "bench/mark/runner.h"

namespace kindling::bench {
namespace {

u64 instructions_of(u32 workload, u64 iterations) {
  Result<std::unique_ptr<MarkRunner>> runner = MarkRunner::create({.counts = true});
  if (!runner)
    return 0;
  const Result<MarkRun> run = (*runner)->run(workload, iterations);
  return run ? run->instructions : 0;
}

void run_mark(benchmark::State& state, const MarkRunner::Options& options, u32 workload,
              u64 iterations) {
  const u64 in_a_run = instructions_of(workload, iterations);
  Result<std::unique_ptr<MarkRunner>> runner = MarkRunner::create(options);
  if (!runner) {
    state.SkipWithError(runner.error().message.c_str());
    return;
  }
  const u64 expected = mark_run(workload, iterations);
  double instructions = 0;
  for (auto _ : state) {
    const Result<MarkRun> run = (*runner)->run(workload, iterations);
    if (!run || run->result != expected) {
      state.SkipWithError(run ? "the guest computed a wrong result" : run.error().message.c_str());
      return;
    }
    instructions += static_cast<double>(in_a_run);
  }
  state.counters["MIPS"] = benchmark::Counter(instructions / 1e6, benchmark::Counter::kIsRate);
  state.counters["iter/s"] =
      benchmark::Counter(static_cast<double>(iterations) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

void mark(benchmark::State& state, u32 workload, u64 iterations) {
  run_mark(state, {}, workload, iterations);
}
void mark_counted(benchmark::State& state, u32 workload, u64 iterations) {
  run_mark(state, {.counts = true}, workload, iterations);
}
void mark_interpreted(benchmark::State& state, u32 workload, u64 iterations) {
  run_mark(state, {.interpreter = true}, workload, iterations);
}

#define MARK_BENCHMARKS(function)                                                                  \
  BENCHMARK_CAPTURE(function, loop, kMarkLoop, 2'000'000)->Unit(benchmark::kMillisecond);          \
  BENCHMARK_CAPTURE(function, list, kMarkList, 1'000)->Unit(benchmark::kMillisecond);              \
  BENCHMARK_CAPTURE(function, matrix, kMarkMatrix, 300)->Unit(benchmark::kMillisecond);            \
  BENCHMARK_CAPTURE(function, state, kMarkState, 5'000)->Unit(benchmark::kMillisecond);            \
  BENCHMARK_CAPTURE(function, all, kMarkAll, 300)->Unit(benchmark::kMillisecond);
MARK_BENCHMARKS(mark)
MARK_BENCHMARKS(mark_counted)
MARK_BENCHMARKS(mark_interpreted)
#undef MARK_BENCHMARKS

} // namespace
} // namespace kindling::bench
