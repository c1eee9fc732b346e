// SPDX-License-Identifier: Apache-2.0
// Engine speed: guest instructions per second ("MIPS", in millions) on one host core, each run's
// result checked against the host's.
#include <benchmark/benchmark.h>

#include "bench/mark/mark.h"
#include "bench/mark/runner.h"

namespace kindling::bench {
namespace {

void mark(benchmark::State& state, u32 workload, u64 iterations) {
  Result<std::unique_ptr<MarkRunner>> runner = MarkRunner::create();
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
    instructions += static_cast<double>(run->instructions);
  }
  state.counters["MIPS"] = benchmark::Counter(instructions / 1e6, benchmark::Counter::kIsRate);
  state.counters["iter/s"] =
      benchmark::Counter(static_cast<double>(iterations) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(mark, loop, kMarkLoop, 2'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mark, list, kMarkList, 1'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mark, matrix, kMarkMatrix, 300)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mark, state, kMarkState, 5'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(mark, all, kMarkAll, 300)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace kindling::bench
