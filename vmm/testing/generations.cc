// SPDX-License-Identifier: Apache-2.0
#include "vmm/testing/generations.h"

#include <fmt/format.h>

#include "vmm/store/store.h"
#include "vmm/testing/console_machine.h"

namespace kindling::vmm::testing {

namespace {
constexpr size_t kLongestChain = 12;
} // namespace

Generations::Generations(const MachineConfig& first, u32 seed) : config_(first), random_(seed) {
  config_.track_dirty = true;
}

Status Generations::run(unsigned generations) {
  for (; generations > 0; --generations) {
    const std::string name = fmt::format("generation{}", ++count_);
    if (Status s = live(name); !s) {
      return s.error().with_context(name);
    }
  }
  return {};
}

Status Generations::live(const std::string& name) {
  ConsoleMachine guest(config_);
  if (!guest.works() || !guest.wait_for_boot()) {
    return Error{"there is no machine"};
  }
  if (!config_.restore && (guest.take_up_to("r").empty() || !guest.type("g"))) {
    return Error{"the guest does not come up"};
  }
  for (unsigned lines = random_() % 3; lines > 0; --lines) {
    const std::string line = guest.take_up_to("\n");
    if (line.empty() || !laps_.check(begun_ + line)) {
      return Error{fmt::format("the guest prints \"{}{}\"", begun_, line)};
    }
    begun_.clear();
  }
  Machine& machine = guest.machine();
  if (Status s = machine.pause(); !s) {
    return s;
  }
  const std::string printed = begun_ + guest.take();
  if (!laps_.check(printed)) {
    return Error{fmt::format("the guest prints \"{}\"", printed)};
  }
  begun_ = printed.substr(printed.rfind('\n') + 1);
  SnapshotRequest request;
  request.name = name;
  request.kind = random_() % 8 == 0 ? SnapshotKind::kFull : SnapshotKind::kAuto;
  const auto made = machine.snapshot(request);
  if (!made) {
    return made.error();
  }
  if (!made->base && request.kind != SnapshotKind::kFull && config_.restore) {
    return Error{"its snapshot is no difference"};
  }
  chain_.push_back(name);
  config_.restore = name;
  full_ += made->base ? 0 : 1;
  return tidy(!made->base);
}

// Removes what nothing needs any more.
Status Generations::tidy(bool alone) {
  const Store store(config_.store);
  if (!alone && chain_.size() >= kLongestChain) {
    if (Status s = store.flatten(chain_.back()); !s) {
      return s;
    }
    ++flattened_;
    alone = true;
  }
  if (random_() % 8 == 0) {
    if (Status s = store.verify(chain_.back()); !s) {
      return s;
    }
  }
  while (alone && chain_.size() > 1) {
    const std::string name = chain_[chain_.size() - 2];
    if (Status s = store.remove(name, /*although_used=*/true); !s) { // by this generation
      return s;
    }
    chain_.erase(chain_.end() - 2);
  }
  return {};
}

} // namespace kindling::vmm::testing
