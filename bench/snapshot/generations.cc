// SPDX-License-Identifier: Apache-2.0
// soak_generations: see kAbout.
#include <chrono>

#include <fmt/format.h>

#include "arch/testing/temporary_directory.h"
#include "bench/snapshot/soak_options.h"
#include "vmm/testing/generations.h"

int main(int argc, char** argv) { // NOLINT(bugprone-exception-escape): ends with a message
  using namespace kindling;
  constexpr char kAbout[] =
      "Runs machines of which each goes on from a snapshot of the one before, with full snapshots, "
      "differences and flattened chains. Ends with 1 when anything was not passed on.";
  bench::SoakOptions options{1000};
  if (const auto status = bench::SoakOptions::parse(argc, argv, kAbout, "GENERATIONS", options)) {
    return *status;
  }
  const TemporaryDirectory dir;
  vmm::MachineConfig config;
  config.vcpus = options.vcpus;
  config.ram_size = 16ULL << 20;
  config.kernel = KINDLING_GUEST_PROGRAMS "/work.bin";
  config.store = dir.path() + "/store";
  config.disks.push_back(
      {.path = dir.file("disk", std::string(65536, 'x')), .read_only = false, .id = {}});
  vmm::testing::Generations generations(config, options.seed);
  const auto start = std::chrono::steady_clock::now();
  const Status ran = generations.run(options.count);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  if (!ran) {
    fmt::print("DIVERGED: {}\n", ran.error().message);
    return 1;
  }
  fmt::print("no divergence: {} generations, {} full, {} flattened, {} different laps, {:.1f} s\n",
             options.count, generations.full(), generations.flattened(), generations.laps(),
             taken.count());
  return 0;
}
