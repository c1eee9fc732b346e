// SPDX-License-Identifier: Apache-2.0
// How long a running vCPU takes to come back after hv_vcpus_exit: from the call until hv_vcpu_run
// has returned in the vCPU's thread, in microseconds. The goal is 100.
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include <Hypervisor/Hypervisor.h>
#include <benchmark/benchmark.h>

namespace kindling::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kRamBase = 0x4000'0000;
constexpr size_t kRamSize = 1 << 20;
constexpr uint64_t kEl1hMasked = 0x3c5;

// Endless loops: a branch to itself; BL to a RET; stores to one address after another.
const std::vector<uint32_t> kSelf = {0x1400'0000};
const std::vector<uint32_t> kCalls = {0x9400'0002, 0x17ff'ffff, 0xd65f'03c0};
const std::vector<uint32_t> kStores = {
    0x9100'2021, // add x1, x1, #8
    0x927d'2c21, // and x1, x1, #0x7ff8
    0x8b01'0002, // add x2, x0, x1
    0xf900'0443, // str x3, [x2, #8]
    0x17ff'fffc, // b .-16
};

// A vCPU in a thread of its own, which runs whenever `go` says so.
class Looper {
public:
  explicit Looper(const std::vector<uint32_t>& words) {
    ram_ = mmap(nullptr, kRamSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ram_ == MAP_FAILED)
      return;
    std::memcpy(ram_, words.data(), 4 * words.size());
    vm_ = hv_vm_create(nullptr) == HV_SUCCESS;
    const hv_memory_flags_t all = HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC;
    if (!vm_ || hv_vm_map(ram_, kRamBase, kRamSize, all) != HV_SUCCESS)
      return;
    thread_ = std::thread([this] { serve(); });
    state_.wait(State::kStarting);
  }
  ~Looper() {
    if (thread_.joinable()) {
      set(State::kStop);
      thread_.join();
    }
    if (vm_)
      hv_vm_destroy();
    if (ram_ != MAP_FAILED)
      munmap(ram_, kRamSize);
  }
  Looper(const Looper&) = delete;
  Looper& operator=(const Looper&) = delete;

  [[nodiscard]] bool works() const { return state_ == State::kIdle; }

  // Seconds from the request until the vCPU was back; negative: it came back for another reason.
  double stop_once() {
    set(State::kRunning);
    std::this_thread::sleep_for(std::chrono::microseconds(300)); // well into the loop
    const Clock::time_point asked = Clock::now();
    hv_vcpus_exit(&vcpu_, 1);
    state_.wait(State::kRunning);
    return cancelled_ ? std::chrono::duration<double>(back_ - asked).count() : -1;
  }

private:
  enum class State { kStarting, kIdle, kRunning, kFailed, kStop };

  void set(State state) {
    state_ = state;
    state_.notify_all();
  }

  void serve() {
    hv_vcpu_exit_t* exit = nullptr;
    if (hv_vcpu_create(&vcpu_, &exit, nullptr) != HV_SUCCESS) {
      set(State::kFailed);
      return;
    }
    hv_vcpu_set_reg(vcpu_, HV_REG_CPSR, kEl1hMasked);
    hv_vcpu_set_reg(vcpu_, HV_REG_X0, kRamBase + kRamSize / 2);
    hv_vcpu_set_reg(vcpu_, HV_REG_PC, kRamBase);
    for (set(State::kIdle); state_ != State::kStop; state_.wait(State::kIdle)) {
      if (state_ != State::kRunning)
        continue;
      const bool ran = hv_vcpu_run(vcpu_) == HV_SUCCESS;
      back_ = Clock::now();
      cancelled_ = ran && exit->reason == HV_EXIT_REASON_CANCELED;
      set(State::kIdle);
    }
    hv_vcpu_destroy(vcpu_);
  }

  void* ram_ = MAP_FAILED;
  bool vm_ = false;
  hv_vcpu_t vcpu_ = 0;
  std::atomic<State> state_{State::kStarting};
  Clock::time_point back_;
  bool cancelled_ = false;
  std::thread thread_;
};

void exit_latency(benchmark::State& state, const std::vector<uint32_t>& loop) {
  Looper looper(loop);
  if (!looper.works()) {
    state.SkipWithError("no vCPU could be made");
    return;
  }
  std::vector<double> seconds;
  for (auto _ : state) {
    const double taken = looper.stop_once();
    if (taken < 0) {
      state.SkipWithError("the vCPU came back by itself");
      return;
    }
    state.SetIterationTime(taken);
    seconds.push_back(taken);
  }
  std::sort(seconds.begin(), seconds.end());
  state.counters["median_us"] = 1e6 * seconds[seconds.size() / 2];
  state.counters["p99_us"] = 1e6 * seconds[seconds.size() * 99 / 100];
}

#define EXIT_BENCHMARK(name, loop)                                                                 \
  BENCHMARK_CAPTURE(exit_latency, name, loop)                                                      \
      ->UseManualTime()                                                                            \
      ->Iterations(1000)                                                                           \
      ->Unit(benchmark::kMicrosecond);
EXIT_BENCHMARK(branch_to_self, kSelf)
EXIT_BENCHMARK(calls, kCalls)
EXIT_BENCHMARK(stores, kStores)
#undef EXIT_BENCHMARK

} // namespace
} // namespace kindling::bench
