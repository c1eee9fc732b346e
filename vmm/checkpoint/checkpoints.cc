// SPDX-License-Identifier: Apache-2.0
#include "vmm/checkpoint/checkpoints.h"

#include <fmt/format.h>

namespace kindling::vmm {

Checkpoints::Checkpoints(std::span<u8> ram, MachineDevices& devices, WriteTracker& writes)
    : devices_(devices), writes_(writes), history_(ram) {}

Status Checkpoints::push(Session& session) {
  if (moments_.size() == kMaxCheckpoints) {
    return Error{fmt::format("there are {} checkpoints already; going back to one makes room",
                             kMaxCheckpoints)};
  }
  Moment moment;
  if (Status s = session.save(moment.session); !s) {
    return s;
  }
  moment.devices = devices_.save();
  moment.time = std::chrono::steady_clock::now();
  if (Status s = push_disks(); !s) {
    return s;
  }
  if (!history_.push()) {
    for (devices::UndoDisk* disk : devices_.disks()) {
      disk->pop();
    }
    return Error{"the host has no memory for a checkpoint"};
  }
  moments_.push_back(std::move(moment));
  return writes_.begin_anew();
}

// All of them, or none.
Status Checkpoints::push_disks() {
  const auto disks = devices_.disks();
  for (size_t i = 0; i < disks.size(); ++i) {
    if (Status s = disks[i]->push(); !s) {
      for (size_t k = 0; k < i; ++k) {
        disks[k]->pop();
      }
      return s;
    }
  }
  return {};
}

Status Checkpoints::roll_back(Session& session, unsigned number) {
  if (number == 0 || number > moments_.size()) {
    return Error{moments_.empty() ? std::string("there is no checkpoint yet")
                                  : fmt::format("there is no checkpoint {}; there are 1 to {}",
                                                number, moments_.size())};
  }
  if (lost_) {
    return Error{"the host had no memory to keep what the guest overwrote"};
  }
  const size_t index = number - 1;
  for (devices::UndoDisk* disk : devices_.disks()) {
    if (Status s = disk->roll_back(index); !s) {
      return s;
    }
  }
  changed_.clear();
  history_.roll_back(index, changed_);
  for (u64& page : changed_) {
    page += arch::kRamBase;
  }
  writes_.changed(changed_, *this);
  moments_.resize(number);
  // Before vCPUs are what they were: this makes them forget what they know of translation tables.
  if (Status s = writes_.begin_anew(); !s) {
    return s;
  }
  if (Status s = devices_.restore(moments_[index].devices); !s) {
    return s;
  }
  return session.restore(moments_[index].session);
}

void Checkpoints::before_write(u64 address, u64 size) {
  if (!history_.before_write(address - arch::kRamBase, size)) {
    lost_ = true;
  }
}

std::vector<CheckpointInfo> Checkpoints::list() const {
  std::vector<CheckpointInfo> all;
  const auto now = std::chrono::steady_clock::now();
  for (size_t i = 0; i < moments_.size(); ++i) {
    CheckpointInfo info;
    info.number = static_cast<unsigned>(i + 1);
    info.age = now - moments_[i].time;
    info.ram_bytes = history_.changed_pages(i) * kPageSize;
    for (const devices::UndoDisk* disk : devices_.disks()) {
      info.disk_bytes += disk->changed_bytes(i);
    }
    all.push_back(info);
  }
  return all;
}

void Checkpoints::clear() {
  moments_.clear();
  history_.clear();
  for (devices::UndoDisk* disk : devices_.disks()) {
    disk->clear();
  }
  lost_ = false;
}

} // namespace kindling::vmm
