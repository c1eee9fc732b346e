// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine.h"

#include <atomic>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "devices/guest_time_port.h"
#include "vmm/boot_fdt.h"
#include "vmm/checkpoint/checkpoints.h"
#include "vmm/guest_ram.h"
#include "vmm/interrupts.h"
#include "vmm/loader/initramfs.h"
#include "vmm/loader/kernel.h"
#include "vmm/machine_devices.h"
#include "vmm/memory_hash.h"
#include "vmm/session.h"

namespace kindling::vmm {

namespace {

// What devices write to RAM, made known to the engine of the current session and to checkpoints.
class DeviceWrites final : public devices::DirtyLog {
public:
  void connect(vstate::Vm* vm) { vm_ = vm; }
  void connect(Checkpoints* checkpoints) { checkpoints_ = checkpoints; }
  void device_will_write(u64 address, u64 size) override {
    if (checkpoints_ != nullptr) {
      checkpoints_->before_write(address, size);
    }
  }
  void device_wrote(u64 address, u64 size) override {
    if (vstate::Vm* vm = vm_.load(std::memory_order_acquire); vm != nullptr) {
      vm->memory_changed(address, size);
    }
  }

private:
  std::atomic<vstate::Vm*> vm_{nullptr};
  Checkpoints* checkpoints_ = nullptr;
};

struct BootFiles {
  Kernel kernel;
  std::optional<Initramfs> initramfs;
  std::optional<arch::AddressRange> initramfs_range;
};

Result<BootFiles> open_boot_files(const MachineConfig& config) {
  auto kernel = Kernel::open(config.kernel, config.ram_size);
  if (!kernel) {
    return kernel.error();
  }
  BootFiles files{std::move(*kernel), std::nullopt, std::nullopt};
  if (config.initramfs) {
    auto initramfs = Initramfs::open(*config.initramfs);
    if (!initramfs) {
      return initramfs.error();
    }
    const auto range = initramfs->place(config.ram_size, files.kernel.range());
    if (!range) {
      return range.error();
    }
    files.initramfs.emplace(std::move(*initramfs));
    files.initramfs_range = *range;
  }
  return files;
}

// The time of a session, for devices.
class SessionClock final : public devices::GuestTimePort::Clock {
public:
  explicit SessionClock(vstate::Vm& vm) : vm_(vm) {}
  u64 now_ns() override { return vm_.time_ns(); }
  void set_alarm(u64 ns) override { vm_.set_event_time(ns); }

private:
  vstate::Vm& vm_;
};

enum class Ending : u8 { kNone, kReset, kPowerOff, kQuit, kFailure };

} // namespace

class Machine::Impl {
public:
  Impl(const MachineConfig& config, const vstate::Capabilities& capabilities, BootFiles files,
       std::unique_ptr<GuestRam> ram, const Log& log)
      : config_(config), capabilities_(capabilities), files_(std::move(files)),
        ram_(std::move(ram)), log_(log), memory_(arch::kRamBase, ram_->bytes(), &device_writes_),
        interrupts_(log) {
    if (config_.icount) {
      guest_time_port_.emplace(config_.icount->seed);
    }
  }

  ~Impl() { stop(); }

  Status add_devices(const MachineHost& host) {
    const bool scripted = config_.icount && config_.icount->script;
    auto devices = MachineDevices::create(
        config_.disks, host,
        {memory_, interrupts_, port(), scripted ? &*config_.icount->script : nullptr});
    if (!devices) {
      return devices.error();
    }
    devices_ = std::move(*devices);
    checkpoints_ = std::make_unique<Checkpoints>(ram_->bytes(), *devices_);
    device_writes_.connect(checkpoints_.get());
    return {};
  }

  Status run() {
    for (;;) {
      Status s = boot();
      if (s && !initramfs_check_.joinable()) {
        s = start_initramfs_check();
      }
      if (!s) {
        stop();
        return s;
      }
      wait_for_end();
      stop();
      const Ending ending = take_ending();
      if (ending == Ending::kFailure) {
        return *failure_;
      }
      if (ending != Ending::kReset) {
        return {};
      }
      log_.line(LogLevel::kInfo, checkpoints_->empty()
                                     ? "the guest reboots"
                                     : "the guest reboots; its checkpoints are gone");
      checkpoints_->clear();
      devices_->reset();
      if (Status s = ram_->reset(); !s) {
        return s;
      }
    }
  }

  [[nodiscard]] RunReport report() const { return {instructions_, sha256(ram_->bytes())}; }

  // The gravest ending that was asked for wins.
  void end(Ending ending, std::optional<Error> error = std::nullopt) {
    const std::lock_guard lock(mutex_);
    if (ending > ending_) {
      ending_ = ending;
      failure_ = std::move(error);
      changed_.notify_all();
    }
  }

  [[nodiscard]] const std::vector<arch::Statistic>& statistics() const { return statistics_; }

  size_t console_input(std::span<const u8> bytes) { return devices_->console_input(bytes); }

  Status pause(const std::stop_token& cancel) {
    const std::lock_guard lock(session_mutex_);
    if (paused_) {
      return Error{"the machine is paused already"};
    }
    Status s = stop_session(cancel);
    paused_ = s.ok();
    return s;
  }

  Status resume() {
    const std::lock_guard lock(session_mutex_);
    if (!paused_) {
      return Error{"the machine is not paused"};
    }
    paused_ = false;
    continue_session();
    return {};
  }

  Result<unsigned> checkpoint() {
    unsigned number = 0;
    Status s = while_stopped([&] {
      Status pushed = checkpoints_->push(*session_);
      number = static_cast<unsigned>(checkpoints_->size());
      return pushed;
    });
    return s ? Result<unsigned>(number) : s.error();
  }

  Status roll_back(std::optional<unsigned> number) {
    return while_stopped([&]() -> Status {
      const size_t count = checkpoints_->size();
      const unsigned to = number.value_or(static_cast<unsigned>(count));
      Status s = checkpoints_->roll_back(*session_, to);
      interrupts_.connect(&session_->vm());
      // Some of it may have been done.
      if (!s && to != 0 && to <= count) {
        end(Ending::kFailure, s.error().with_context("the guest cannot be taken back"));
      }
      return s;
    });
  }

  std::vector<CheckpointInfo> checkpoints() {
    std::vector<CheckpointInfo> all;
    // A machine that does not run has none.
    (void)while_stopped([&]() -> Status {
      all = checkpoints_->list();
      return {};
    });
    return all;
  }

private:
  Status stop_session(const std::stop_token& cancel = {}) {
    if (!session_) {
      return Error{"the machine is not running"};
    }
    if (Status s = session_->stop(cancel); !s) {
      return s;
    }
    devices_->pause();
    return {};
  }

  void continue_session() {
    if (session_) {
      devices_->resume();
      session_->go_on();
    }
  }

  Status while_stopped(const std::function<Status()>& work) {
    const std::lock_guard lock(session_mutex_);
    if (paused_) {
      return work();
    }
    if (Status s = stop_session(); !s) {
      return s;
    }
    Status done = work();
    continue_session();
    return done;
  }

  devices::EventPort& port() {
    return guest_time_port_ ? static_cast<devices::EventPort&>(*guest_time_port_) : host_port_;
  }

  std::optional<vstate::InstructionTime> instruction_time() {
    if (!config_.icount) {
      return std::nullopt;
    }
    return vstate::InstructionTime{config_.icount->shift, !config_.icount->script,
                                   [this] { guest_time_port_->ring(); }};
  }

  // From a machine that is off, devices reset and RAM all zeros, to one whose first vCPU runs.
  Status boot() {
    auto session = Session::create(
        {capabilities_, config_.vcpus, config_.engine, *ram_, devices_->bus(), log_,
         SessionEvents{[this] { end(Ending::kPowerOff); }, [this] { end(Ending::kReset); },
                       [this](const Error& error) { end(Ending::kFailure, error); }},
         instruction_time()});
    if (!session) {
      return session.error();
    }
    vstate::Vm& vm = (*session)->vm();
    if (Status s = load(vm.gic()); !s) {
      return s;
    }
    interrupts_.connect(&vm);
    device_writes_.connect(&vm);
    if (guest_time_port_) {
      clock_.emplace(vm);
      guest_time_port_->connect(&*clock_);
    }
    const u64 dtb = arch::dtb_address(config_.ram_size);
    const std::lock_guard lock(session_mutex_);
    session_ = std::move(*session);
    devices_->resume();
    return session_->start(arch::primary_boot_state(files_.kernel.range().base, dtb));
  }

  Status load(const arch::GicPlacement& gic) {
    if (Status s = files_.kernel.load(ram_->bytes()); !s) {
      return s;
    }
    if (files_.initramfs) {
      if (Status s = files_.initramfs->load(ram_->bytes(), *files_.initramfs_range); !s) {
        return s;
      }
    }
    const auto seeds = make_boot_seeds(port());
    if (!seeds) {
      return seeds.error();
    }
    FdtInput input;
    input.vcpus = config_.vcpus;
    input.ram_size = config_.ram_size;
    input.command_line = config_.command_line;
    input.stdout_path = devices_->stdout_path();
    input.initramfs = files_.initramfs_range;
    input.gic = gic;
    input.seeds = *seeds;
    input.describe_devices = [this](arch::FdtBuilder& fdt) { devices_->describe(fdt); };
    const auto fdt = build_boot_fdt(input);
    if (!fdt) {
      return fdt.error();
    }
    const u64 offset = arch::dtb_address(config_.ram_size) - arch::kRamBase;
    std::memcpy(ram_->bytes().subspan(offset, fdt->size()).data(), fdt->data(), fdt->size());
    return {};
  }

  // Decompressing the initramfs to see that it is whole need not hold the guest up.
  Status start_initramfs_check() {
    if (!files_.initramfs || files_.initramfs->checked()) {
      return {};
    }
    try {
      initramfs_check_ = std::jthread([this](const std::stop_token& stop) {
        if (Status s = files_.initramfs->check(stop); !s) {
          end(Ending::kFailure, s.error());
        }
      });
    } catch (const std::system_error& error) {
      return Error{fmt::format("the host gives no thread: {}", error.what())};
    }
    return {};
  }

  void wait_for_end() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ending_ != Ending::kNone; });
  }

  // What the session that has ended wanted, all its vCPUs together: two may ask for a reset at
  // once, and one may power off while another resets.
  Ending take_ending() {
    const std::lock_guard lock(mutex_);
    return ending_ == Ending::kReset ? std::exchange(ending_, Ending::kNone) : ending_;
  }

  // vCPUs first, then the devices, then what both of them use.
  void stop() {
    const std::lock_guard lock(session_mutex_);
    if (!session_) {
      return;
    }
    session_->end();
    devices_->pause();
    instructions_ += session_->vm().instructions();
    if (guest_time_port_) {
      guest_time_port_->connect(nullptr);
    }
    if (config_.statistics) {
      if (const auto counted = session_->vm().statistics(); counted) {
        arch::merge_statistics(statistics_, *counted);
      }
    }
    device_writes_.connect(static_cast<vstate::Vm*>(nullptr));
    interrupts_.connect(nullptr);
    session_.reset();
    paused_ = false;
  }

  const MachineConfig config_;
  const vstate::Capabilities capabilities_;
  const BootFiles files_;
  const std::unique_ptr<GuestRam> ram_;
  const Log& log_;
  DeviceWrites device_writes_;
  devices::GuestMemory memory_;
  Interrupts interrupts_;
  devices::HostEventPort host_port_;
  std::optional<devices::GuestTimePort> guest_time_port_; // instead, when instructions are counted
  std::optional<SessionClock> clock_;
  std::unique_ptr<MachineDevices> devices_;
  std::unique_ptr<Checkpoints> checkpoints_; // never null after add_devices()

  std::mutex session_mutex_; // held while the session is replaced or stopped
  std::unique_ptr<Session> session_;
  bool paused_ = false;                     // by pause()
  std::vector<arch::Statistic> statistics_; // of the sessions that have ended
  u64 instructions_ = 0;                    // likewise

  std::mutex mutex_; // of what follows
  std::condition_variable changed_;
  Ending ending_ = Ending::kNone;
  std::optional<Error> failure_;

  std::jthread initramfs_check_; // ends before what it uses
};

Result<std::unique_ptr<Machine>> Machine::create(const MachineConfig& config,
                                                 const MachineHost& host, const Log& log) {
  const auto capabilities = vstate::discover(config.backend);
  if (!capabilities) {
    return capabilities.error();
  }
  if (Status s = vstate::check_engine(*capabilities, config.engine, config.statistics); !s) {
    return s.error();
  }
  auto files = open_boot_files(config);
  if (!files) {
    return files.error();
  }
  auto ram = GuestRam::create(config.ram_size);
  if (!ram) {
    return ram.error();
  }
  auto impl =
      std::make_unique<Impl>(config, *capabilities, std::move(*files), std::move(*ram), log);
  if (Status s = impl->add_devices(host); !s) {
    return s.error();
  }
  return std::unique_ptr<Machine>(new Machine(std::move(impl)));
}

Machine::Machine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Machine::~Machine() = default;

Status Machine::run() {
  return impl_->run();
}

const std::vector<arch::Statistic>& Machine::statistics() const {
  return impl_->statistics();
}

RunReport Machine::report() const {
  return impl_->report();
}

void Machine::quit() {
  impl_->end(Ending::kQuit);
}

void Machine::fail(Error error) {
  impl_->end(Ending::kFailure, std::move(error));
}

size_t Machine::console_input(std::span<const u8> bytes) {
  return impl_->console_input(bytes);
}

Status Machine::pause(const std::stop_token& cancel) {
  return impl_->pause(cancel);
}

Status Machine::resume() {
  return impl_->resume();
}

Result<unsigned> Machine::checkpoint() {
  return impl_->checkpoint();
}

Status Machine::roll_back(std::optional<unsigned> number) {
  return impl_->roll_back(number);
}

std::vector<CheckpointInfo> Machine::checkpoints() {
  return impl_->checkpoints();
}

} // namespace kindling::vmm
