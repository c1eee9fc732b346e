// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine_devices.h"

#include <optional>

#include <fmt/format.h>

#include "devices/boot_timer.h"
#include "devices/console.h"
#include "devices/device_manager.h"
#include "devices/event_port.h"
#include "devices/pl031.h"
#include "devices/serial16550.h"
#include "devices/state.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/console.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/rng.h"
#include "vmm/guest_helper.h"

namespace kindling::vmm {

namespace {

namespace virtio = devices::virtio;

constexpr u32 kStateVersion = 1;

class HostConsoleOutput final : public devices::ConsoleOutput {
public:
  explicit HostConsoleOutput(const MachineHost& host) : host_(host) {}
  void write(std::span<const u8> bytes) override { host_.console_output(bytes); }

private:
  const MachineHost& host_;
};

u64 nanoseconds(std::chrono::steady_clock::time_point time) {
  return static_cast<u64>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

} // namespace

struct MachineDevices::Impl {
  Impl(const MachineHost& machine_host, const Surroundings& surroundings)
      : host(machine_host), port(surroundings.port), input([this] { host.console_ready(); }),
        output(host), helper(port, host.event), manager(bus, surroundings.irqs) {
    if (surroundings.script != nullptr) {
      script.emplace(*surroundings.script);
    }
  }

  Status add_platform();
  Status add_disks(std::span<MachineDisk> configured, devices::GuestMemory& memory);
  Status add_entropy(devices::GuestMemory& memory);
  Status add_helper(devices::GuestMemory& memory);

  const MachineHost host;
  devices::EventPort& port;
  devices::ConsoleQueue input;
  std::optional<devices::ConsoleScript> script; // instead of `input`
  HostConsoleOutput output;
  GuestHelper helper;
  devices::Bus bus;
  devices::DeviceManager manager; // its devices use everything above
  devices::Serial16550* serial = nullptr;
  std::vector<devices::UndoDisk*> disks;
};

Status MachineDevices::Impl::add_platform() {
  devices::ConsoleInput& line = script ? static_cast<devices::ConsoleInput&>(*script) : input;
  const auto console = manager.create<devices::Serial16550>(
      "serial", devices::Serial16550::Wiring{port, line, output});
  if (!console) {
    return console.error();
  }
  serial = *console;
  if (const auto clock = manager.create<devices::Pl031>("rtc", port); !clock) {
    return clock.error();
  }
  const auto timer = manager.create_at<devices::BootTimer>(
      "boot-timer", {arch::kBootTimerBase, arch::kBootTimerSize}, port,
      [this](u64 milliseconds) { host.event(GuestIsUp{std::chrono::milliseconds(milliseconds)}); });
  if (!timer) {
    return timer.error();
  }
  if (!port.synchronous()) { // else it is the guest's time, which starts with the guest
    (*timer)->start(nanoseconds(host.started));
  }
  return {};
}

Status MachineDevices::Impl::add_disks(std::span<MachineDisk> configured,
                                       devices::GuestMemory& memory) {
  for (size_t i = 0; i < configured.size(); ++i) {
    disks.push_back(configured[i].disk);
    const auto disk = manager.create<virtio::MmioTransport>(
        fmt::format("disk{}", i),
        std::make_unique<virtio::Blk>(std::move(configured[i].backend), port, configured[i].id),
        memory);
    if (!disk) {
      return disk.error();
    }
  }
  return {};
}

Status MachineDevices::Impl::add_entropy(devices::GuestMemory& memory) {
  const auto entropy =
      manager.create<virtio::MmioTransport>("rng", std::make_unique<virtio::Rng>(port), memory);
  return entropy ? Status() : entropy.error();
}

Status MachineDevices::Impl::add_helper(devices::GuestMemory& memory) {
  auto console = std::make_unique<virtio::Console>(port, helper, GuestHelper::kPortName);
  helper.connect(*console);
  const auto added = manager.create<virtio::MmioTransport>("helper", std::move(console), memory);
  return added ? Status() : added.error();
}

Result<std::unique_ptr<MachineDevices>> MachineDevices::create(std::span<MachineDisk> disks,
                                                               const MachineHost& host,
                                                               const Surroundings& surroundings) {
  auto impl = std::make_unique<Impl>(host, surroundings);
  if (Status s = impl->add_platform(); !s) {
    return s.error();
  }
  if (Status s = impl->add_disks(disks, surroundings.memory); !s) {
    return s.error();
  }
  if (Status s = impl->add_entropy(surroundings.memory); !s) {
    return s.error();
  }
  if (Status s = impl->add_helper(surroundings.memory); !s) {
    return s.error();
  }
  return std::unique_ptr<MachineDevices>(new MachineDevices(std::move(impl)));
}

MachineDevices::MachineDevices(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MachineDevices::~MachineDevices() = default;

const devices::Bus& MachineDevices::bus() const {
  return impl_->bus;
}

std::string MachineDevices::stdout_path() const {
  return devices::Serial16550::fdt_path(*impl_->manager.slot("serial"));
}

void MachineDevices::describe(arch::FdtBuilder& fdt) const {
  impl_->manager.describe(fdt);
}

size_t MachineDevices::console_input(std::span<const u8> bytes) {
  const size_t taken = impl_->input.push(bytes);
  if (taken != 0) {
    impl_->serial->input_ready();
  }
  return taken;
}

void MachineDevices::pause() {
  impl_->manager.pause();
}

void MachineDevices::resume() {
  impl_->manager.resume();
}

void MachineDevices::reset() {
  impl_->manager.reset();
  impl_->helper.forget();
}

// A run that can be repeated depends on nothing from outside, time and random numbers included.
void MachineDevices::went_on_from_snapshot() {
  if (!impl_->port.synchronous()) {
    impl_->helper.restored();
  }
}

// version 1: the devices, the event port, u64 how far the script has been read.
std::vector<u8> MachineDevices::save() const {
  devices::StateWriter state(kStateVersion);
  state.put_bytes(impl_->manager.save());
  state.put_bytes(impl_->port.save());
  state.put(impl_->script ? impl_->script->position() : u64{0});
  return state.take();
}

Status MachineDevices::restore(std::span<const u8> state) {
  devices::StateReader reader(state, kStateVersion);
  const std::vector<u8> devices = reader.get_bytes();
  const std::vector<u8> port = reader.get_bytes();
  const u64 position = reader.get<u64>();
  const bool sound = impl_->script ? impl_->script->seek(position) : position == 0;
  if (Status whole = reader.finish("the machine's devices", sound); !whole) {
    return whole;
  }
  if (Status s = impl_->port.restore(port); !s) {
    return s;
  }
  return impl_->manager.restore(devices);
}

std::span<devices::UndoDisk* const> MachineDevices::disks() const {
  return impl_->disks;
}

} // namespace kindling::vmm
