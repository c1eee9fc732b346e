// SPDX-License-Identifier: Apache-2.0
// soak_snapshot: see kAbout.
#include <chrono>
#include <fstream>
#include <random>
#include <vector>

#include <fmt/format.h>

#include "arch/testing/temporary_directory.h"
#include "bench/snapshot/soak_options.h"
#include "vmm/testing/console_machine.h"
#include "vmm/testing/laps.h"

namespace kindling::bench {
namespace {

constexpr char kAbout[] = "Takes a guest that computes in memory, on a disk and with timers back "
                          "to checkpoints of it, again "
                          "and again and at any moment, and looks at whatever it prints and at the "
                          "disk. Ends with 1 at the "
                          "first difference.";
constexpr size_t kDiskSize = 65536;

struct Moment {
  std::string begun; // of a line
  std::string disk;
};

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Soak {
public:
  Soak(u32 vcpus, u32 seed)
      : random_(seed), disk_(dir_.file("disk", std::string(kDiskSize, 'x'))),
        guest_(config(vcpus, disk_)) {}

  // False: something came back wrong.
  bool run(unsigned resets) {
    if (!guest_.works() || guest_.take_up_to("r").empty() || !guest_.type("g")) {
      return false;
    }
    while (resets_ < resets) {
      if (!step()) {
        return false;
      }
    }
    return true;
  }

  [[nodiscard]] std::string report() const {
    return fmt::format("{} resets, {} different laps", resets_, laps_.count());
  }

private:
  static vmm::MachineConfig config(u32 vcpus, const std::string& disk) {
    vmm::MachineConfig config;
    config.vcpus = vcpus;
    config.ram_size = 16ULL << 20;
    config.kernel = KINDLING_GUEST_PROGRAMS "/work.bin";
    config.disks.push_back({.path = disk, .read_only = false, .id = {}});
    return config;
  }

  // Lets the guest go on for up to two laps, or hardly at all, and then takes it back, or makes a
  // checkpoint.
  bool step() {
    for (unsigned lines = random_() % 3; lines > 0; --lines) {
      const std::string line = guest_.take_up_to("\n");
      if (line.empty() || !laps_.check(line)) {
        return false;
      }
    }
    vmm::Machine& machine = guest_.machine();
    if (!machine.pause()) {
      return false;
    }
    const std::string printed = guest_.take();
    std::string begun = printed.substr(printed.rfind('\n') + 1);
    bool right = laps_.check(printed);
    if (moments_.empty() || (random_() % 8 == 0 && moments_.size() < vmm::kMaxCheckpoints)) {
      right = right && machine.checkpoint();
      moments_.push_back({begun, content(disk_)});
    } else {
      // Mostly the newest, which leaves the others.
      const size_t back = random_() % 4 != 0 ? 0 : random_() % moments_.size();
      moments_.resize(moments_.size() - back);
      right = right && machine.roll_back(static_cast<unsigned>(moments_.size())) &&
              content(disk_) == moments_.back().disk;
      begun = moments_.back().begun;
      ++resets_;
    }
    guest_.set_printed(begun);
    return right && machine.resume();
  }

  std::mt19937 random_;
  TemporaryDirectory dir_;
  const std::string disk_;
  vmm::testing::ConsoleMachine guest_;
  vmm::testing::Laps laps_;
  std::vector<Moment> moments_;
  unsigned resets_ = 0;
};

} // namespace
} // namespace kindling::bench

int main(int argc, char** argv) { // NOLINT(bugprone-exception-escape): ends with a message
  using namespace kindling::bench;
  SoakOptions options{100'000};
  if (const auto status = SoakOptions::parse(argc, argv, kAbout, "RESETS", options)) {
    return *status;
  }
  Soak soak(options.vcpus, options.seed);
  const auto start = std::chrono::steady_clock::now();
  const bool right = soak.run(options.count);
  fmt::print("{}: {}, {:.1f} s\n", right ? "no divergence" : "DIVERGED", soak.report(),
             std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return right ? 0 : 1;
}
