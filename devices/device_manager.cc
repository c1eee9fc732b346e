// SPDX-License-Identifier: Apache-2.0
#include "devices/device_manager.h"

#include <algorithm>

#include <fmt/format.h>

#include "devices/state.h"

namespace kindling::devices {
namespace {

// version 1: u32 number of devices, then for each its name and its state.
constexpr u32 kStateVersion = 1;

} // namespace

std::pair<DeviceSlot, Result<std::unique_ptr<IrqLine>>> DeviceManager::next_slot() {
  if (next_window_ >= arch::kMmioWindowCount) {
    return {DeviceSlot{},
            Error{fmt::format("a machine holds {} devices and no more", arch::kMmioWindowCount)}};
  }
  const u32 index = next_window_++;
  const DeviceSlot slot{.base = arch::kMmioBase + index * arch::kMmioWindowSize,
                        .size = arch::kMmioWindowSize,
                        .intid = arch::kFirstSpi + index};
  return {slot, irqs_.create_line(slot.intid)};
}

Status DeviceManager::insert(std::string name, DeviceSlot slot,
                             std::unique_ptr<MmioDevice> device) {
  if (this->slot(name) != nullptr) {
    return Error{
        fmt::format("there is a device called {} already: a name of its own would do", name)};
  }
  if (Status added = bus_.add(slot.base, slot.size, *device); !added) {
    return added.error().with_context(name);
  }
  entries_.push_back({std::move(name), slot, std::move(device)});
  return {};
}

const DeviceSlot* DeviceManager::slot(const std::string& name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.name == name; });
  return found == entries_.end() ? nullptr : &found->slot;
}

void DeviceManager::describe(arch::FdtBuilder& fdt) const {
  for (const Entry& entry : entries_) {
    entry.device->describe(fdt, entry.slot);
  }
}

void DeviceManager::pause() {
  for (const Entry& entry : entries_) {
    entry.device->pause();
  }
}

void DeviceManager::resume() {
  for (const Entry& entry : entries_) {
    entry.device->resume();
  }
}

void DeviceManager::reset() {
  for (const Entry& entry : entries_) {
    entry.device->reset();
  }
}

std::vector<u8> DeviceManager::save() const {
  StateWriter state(kStateVersion);
  state.put(static_cast<u32>(entries_.size()));
  for (const Entry& entry : entries_) {
    state.put_string(entry.name);
    state.put_bytes(entry.device->save());
  }
  return state.take();
}

Status DeviceManager::restore(std::span<const u8> state) {
  Status status = restore_each(state);
  if (!status) {
    reset();
  }
  return status;
}

Status DeviceManager::restore_each(std::span<const u8> state) {
  StateReader reader(state, kStateVersion);
  std::vector<std::pair<std::string, std::vector<u8>>> saved;
  const u32 count = reader.get<u32>();
  for (u32 i = 0; i < std::min<size_t>(count, entries_.size()); ++i) {
    std::string name = reader.get_string();
    saved.emplace_back(std::move(name), reader.get_bytes());
  }
  if (count != entries_.size()) {
    return Error{fmt::format("the saved state has {} devices and this machine {}: a machine built "
                             "alike would do",
                             count, entries_.size())};
  }
  if (Status whole = reader.finish("the devices"); !whole) {
    return whole;
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (saved[i].first != entries_[i].name) {
      return Error{fmt::format("the saved state has {} where this machine has {}: a machine built "
                               "alike would do",
                               saved[i].first, entries_[i].name)};
    }
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    MmioDevice& device = *entries_[i].device;
    if (device.save() == saved[i].second) {
      continue;
    }
    if (Status one = device.restore(saved[i].second); !one) {
      return one.error().with_context(entries_[i].name);
    }
  }
  return {};
}

std::vector<DeviceManager::DeviceMetrics> DeviceManager::metrics() const {
  std::vector<DeviceMetrics> all;
  for (const Entry& entry : entries_) {
    all.push_back({entry.name, entry.device->metrics()});
  }
  return all;
}

} // namespace kindling::devices
