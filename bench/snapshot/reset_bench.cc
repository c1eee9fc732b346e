// SPDX-License-Identifier: Apache-2.0
// What it takes to take a guest back to a checkpoint, in this process, and to pause it.
//
// Each round the guest writes to its pages, and then: `paused` rolls back a guest that was paused
// before; `idle` and `busy` stop, roll back and resume one whose vCPUs sleep or write on. The
// goals for 100 pages are medians of 20 us with one vCPU and 100 us with four, paused.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>
#include <vector>

#include <benchmark/benchmark.h>

#include "vmm/testing/console_machine.h"

namespace kindling::bench {
namespace {

using Clock = std::chrono::steady_clock;

// Runs dirty.S.
class Guest : public vmm::testing::ConsoleMachine {
public:
  explicit Guest(i64 vcpus) : ConsoleMachine(config(vcpus)) {
    ready_ = ConsoleMachine::works() && !take_up_to("r").empty();
  }
  [[nodiscard]] bool works() const { return ready_; }

  // Has `command` done. False: it does not get done.
  bool tell(char command) { return type({&command, 1}) && !take_up_to("d").empty(); }

private:
  static vmm::MachineConfig config(i64 vcpus) {
    vmm::MachineConfig config;
    config.vcpus = static_cast<u32>(vcpus);
    config.ram_size = 64ULL << 20;
    config.kernel = KINDLING_GUEST_PROGRAMS "/dirty.bin";
    return config;
  }

  bool ready_;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of all threads of this process.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void report(benchmark::State& state, std::vector<double>& seconds) {
  if (seconds.empty()) {
    return;
  }
  std::sort(seconds.begin(), seconds.end());
  state.counters["median_us"] = 1e6 * seconds[seconds.size() / 2];
  state.counters["p99_us"] = 1e6 * seconds[seconds.size() * 99 / 100];
}

// A guest that has made its first checkpoint, or the reason why there is none.
std::unique_ptr<Guest> checkpointed(benchmark::State& state, i64 vcpus) {
  auto guest = std::make_unique<Guest>(vcpus);
  if (!guest->works() || !guest->machine().checkpoint()) {
    state.SkipWithError("no guest, or no checkpoint of it");
    return nullptr;
  }
  return guest;
}

enum class Before : u8 { kPaused, kRunning };

void reset(benchmark::State& state, char command, Before before) {
  const auto guest = checkpointed(state, state.range(0));
  if (guest == nullptr) {
    return;
  }
  vmm::Machine& machine = guest->machine();
  std::vector<double> seconds;
  for (auto _ : state) {
    const bool paused = before == Before::kPaused;
    if (!guest->tell(command) || (paused && !machine.pause())) {
      state.SkipWithError("the guest does not do what it is told");
      return;
    }
    const Clock::time_point start = Clock::now();
    const Result<unsigned> back = machine.roll_back();
    const double taken = seconds_since(start);
    if (!back || (paused && !machine.resume())) {
      state.SkipWithError("the guest does not go back");
      return;
    }
    state.SetIterationTime(taken);
    seconds.push_back(taken);
  }
  report(state, seconds);
}

#define RESET_BENCHMARK(name, command, before)                                                     \
  BENCHMARK_CAPTURE(reset, name, command, before)                                                  \
      ->ArgName("vcpus")                                                                           \
      ->Arg(1)                                                                                     \
      ->Arg(4)                                                                                     \
      ->UseManualTime()                                                                            \
      ->Iterations(1000)                                                                           \
      ->Unit(benchmark::kMicrosecond);
RESET_BENCHMARK(100_pages_paused, '1', Before::kPaused)
RESET_BENCHMARK(100_pages_idle, '1', Before::kRunning)
RESET_BENCHMARK(100_pages_busy, 'a', Before::kRunning)
RESET_BENCHMARK(800_pages_paused, '8', Before::kPaused)
#undef RESET_BENCHMARK

// From a checkpoint on, to where the pages are written to, and back: what a program that tries one
// input after another does.
void executions(benchmark::State& state) {
  const auto guest = checkpointed(state, 1);
  if (guest == nullptr) {
    return;
  }
  const double cpu_before = cpu_seconds();
  for (auto _ : state) {
    if (!guest->tell('1') || !guest->machine().roll_back()) {
      state.SkipWithError("the guest does not go back");
      return;
    }
  }
  state.counters["cpu_us"] =
      1e6 * (cpu_seconds() - cpu_before) / static_cast<double>(state.iterations());
}
BENCHMARK(executions)->UseRealTime()->Iterations(2000)->Unit(benchmark::kMicrosecond);

void pause(benchmark::State& state, char command) {
  const auto guest = std::make_unique<Guest>(state.range(0));
  if (!guest->works() || !guest->tell(command)) {
    state.SkipWithError("no guest");
    return;
  }
  vmm::Machine& machine = guest->machine();
  std::vector<double> seconds;
  for (auto _ : state) {
    const Clock::time_point start = Clock::now();
    const Status paused = machine.pause();
    const double taken = seconds_since(start);
    if (!paused || !machine.resume()) {
      state.SkipWithError("the guest does not pause");
      return;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(300)); // well into what it does
    state.SetIterationTime(taken);
    seconds.push_back(taken);
  }
  report(state, seconds);
}
#define PAUSE_BENCHMARK(name, command)                                                             \
  BENCHMARK_CAPTURE(pause, name, command)                                                          \
      ->ArgName("vcpus")                                                                           \
      ->Arg(1)                                                                                     \
      ->Arg(4)                                                                                     \
      ->UseManualTime()                                                                            \
      ->Iterations(1000)                                                                           \
      ->Unit(benchmark::kMicrosecond);
PAUSE_BENCHMARK(idle, '1')
PAUSE_BENCHMARK(busy, 'a')
#undef PAUSE_BENCHMARK

// CPU time that a guest takes to write to memory twice, its pages having been written to before.
std::optional<double> seconds_of_writing(bool with_checkpoint) {
  Guest guest(1);
  if (!guest.works() || (with_checkpoint && !guest.machine().checkpoint()) || !guest.tell('w')) {
    return std::nullopt;
  }
  const double before = cpu_seconds();
  if (!guest.tell('w') || !guest.tell('w')) {
    return std::nullopt;
  }
  return cpu_seconds() - before;
}

// What a guest that writes to memory pays for there being a checkpoint: CPU time with one over CPU
// time without, the median of pairs that begin with either. The goal is 1.05.
void tracking_tax(benchmark::State& state) {
  std::vector<double> ratios;
  bool tracked_first = false;
  for (auto _ : state) {
    const auto first = seconds_of_writing(tracked_first);
    const auto second = seconds_of_writing(!tracked_first);
    if (!first || !second) {
      state.SkipWithError("no guest, or it does not do what it is told");
      return;
    }
    ratios.push_back(tracked_first ? *first / *second : *second / *first);
    tracked_first = !tracked_first;
  }
  std::sort(ratios.begin(), ratios.end());
  state.counters["ratio"] = ratios[ratios.size() / 2];
}
BENCHMARK(tracking_tax)->Iterations(20)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace kindling::bench
