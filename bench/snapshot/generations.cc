// SPDX-License-Identifier: Apache-2.0
// soak_generations [GENERATIONS [VCPUS [SEED]]]: machines of which each goes on from a snapshot of
// the one before, with full snapshots, differences and flattened chains. Ends with 1 when anything
// was not passed on.
#include <chrono>
#include <cstdlib>

#include <fmt/format.h>

#include "arch/testing/temporary_directory.h"
#include "vmm/testing/generations.h"

int main(int argc, char** argv) {
  using namespace kindling;
  const auto number = [&](int index, unsigned otherwise) {
    return argc > index ? static_cast<unsigned>(std::strtoul(argv[index], nullptr, 10)) : otherwise;
  };
  const TemporaryDirectory dir;
  vmm::MachineConfig config;
  config.vcpus = number(2, 4);
  config.ram_size = 16ULL << 20;
  config.kernel = KINDLING_GUEST_PROGRAMS "/work.bin";
  config.store = dir.path() + "/store";
  config.disks.push_back(
      {.path = dir.file("disk", std::string(65536, 'x')), .read_only = false, .id = {}});
  vmm::testing::Generations generations(config, number(3, 1));
  const auto start = std::chrono::steady_clock::now();
  const unsigned count = number(1, 1000);
  const Status ran = generations.run(count);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  if (!ran) {
    fmt::print("DIVERGED: {}\n", ran.error().message);
    return 1;
  }
  fmt::print("no divergence: {} generations, {} full, {} flattened, {} different laps, {:.1f} s\n",
             count, generations.full(), generations.flattened(), generations.laps(), taken.count());
  return 0;
}
