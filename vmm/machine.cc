// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine.h"

#include <atomic>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "arch/cpu_features.h"
#include "devices/guest_time_port.h"
#include "vmm/boot_fdt.h"
#include "vmm/boot_files.h"
#include "vmm/checkpoint/checkpoints.h"
#include "vmm/clone_memory.h"
#include "vmm/ending.h"
#include "vmm/guest_ram.h"
#include "vmm/interrupts.h"
#include "vmm/machine_devices.h"
#include "vmm/memory_hash.h"
#include "vmm/session.h"
#include "vmm/snapshot.h"
#include "vmm/snapshot_config.h"
#include "vmm/state/machine_state.h"
#include "vmm/write_tracker.h"

namespace kindling::vmm {

namespace {

// The time of a session, for devices.
class SessionClock final : public devices::GuestTimePort::Clock {
public:
  explicit SessionClock(vstate::Vm& vm) : vm_(vm) {}
  u64 now_ns() override { return vm_.time_ns(); }
  void set_alarm(u64 ns) override { vm_.set_event_time(ns); }

private:
  vstate::Vm& vm_;
};

} // namespace

class Machine::Impl {
public:
  Impl(const MachineConfig& config, const MachineHost& host,
       const vstate::Capabilities& capabilities, std::optional<BootFiles> files,
       std::unique_ptr<GuestRam> ram, const Log& log)
      : config_(config), host_(host), capabilities_(capabilities), files_(std::move(files)),
        ram_(std::move(ram)), log_(log),
        working_set_(Store(config_.store).working_sets(), *ram_, log_),
        memory_(arch::kRamBase, ram_->bytes(), &writes_), interrupts_(log) {
    if (config_.icount) {
      guest_time_port_.emplace(config_.icount->seed);
    }
  }

  ~Impl() { stop(); }

  // `came_from`: the snapshot that the machine is to go on from; takes its disks.
  Status add_devices(std::optional<SnapshotChain> came_from) {
    if (Status s = add_disks(came_from ? &*came_from : nullptr); !s) {
      return s;
    }
    const bool scripted = config_.icount && config_.icount->script;
    MachineHost host = host_;
    host.event = [this](const MachineEvent& event) { tell(event); };
    auto devices = MachineDevices::create(
        disks_, host,
        {memory_, interrupts_, port(), scripted ? &*config_.icount->script : nullptr});
    if (!devices) {
      return devices.error();
    }
    devices_ = std::move(*devices);
    if (came_from) {
      devices_->pause(); // what is typed before they are restored is for afterwards
    }
    checkpoints_ = std::make_unique<Checkpoints>(ram_->bytes(), *devices_, writes_);
    snapshots_ = std::make_unique<Snapshots>(
        config_.store, SnapshotParts{*ram_, *devices_, disks_, writes_}, config_.track_dirty);
    writes_.add(*checkpoints_);
    writes_.add(*snapshots_);
    came_from_ = std::move(came_from);
    return {};
  }

  Status run() {
    const Result<EndReason> reason = run_sessions();
    const std::lock_guard lock(session_mutex_);
    ended_ = true;
    tell(reason ? Ended{*reason, ""} : Ended{EndReason::kFailure, reason.error().message});
    return reason ? Status() : reason.error();
  }

  MachineStatus status() {
    MachineStatus status;
    status.vcpus = config_.vcpus;
    status.ram_size = config_.ram_size;
    status.backend = capabilities_.backend;
    if (capabilities_.software) {
      const bool jit = capabilities_.jit && config_.engine.engine != arch::Engine::kInterpreter;
      status.engine = jit ? arch::Engine::kJit : arch::Engine::kInterpreter;
    }
    const std::lock_guard lock(session_mutex_);
    status.uptime = std::chrono::steady_clock::now() - host_.started;
    status.state = ended_    ? MachineStatus::State::kEnded
                   : paused_ ? MachineStatus::State::kPaused
                             : MachineStatus::State::kRunning;
    if (session_) {
      status.guest_time = std::chrono::nanoseconds(session_->guest_time_ns());
      status.checkpoints = checkpoints_->size();
    }
    if (const i64 ms = boot_time_ms_; ms >= 0) {
      status.boot_time = std::chrono::milliseconds(ms);
    }
    return status;
  }

  Result<EndReason> run_sessions() {
    for (;;) {
      Status s = came_from_ ? go_on_from_snapshot() : boot();
      if (s && !initramfs_check_.joinable()) {
        s = start_initramfs_check();
      }
      if (!s) {
        stop();
        return s.error();
      }
      ending_.wait();
      stop();
      const Ending ending = ending_.take();
      if (ending == Ending::kFailure) {
        return ending_.failure();
      }
      if (ending != Ending::kReset) {
        return ending == Ending::kQuit ? EndReason::kQuit : EndReason::kPowerOff;
      }
      log_.line(LogLevel::kInfo, checkpoints_->empty()
                                     ? "the guest reboots"
                                     : "the guest reboots; its checkpoints are gone");
      checkpoints_->clear();
      snapshots_->forget();
      devices_->reset();
      if (Status s = ram_->reset(); !s) {
        return s.error();
      }
    }
  }

  RunReport report() {
    const std::lock_guard lock(session_mutex_);
    const u64 present = session_ ? session_->vm().instructions() : 0;
    return {instructions_ + present, sha256(ram_->bytes())};
  }

  void end(Ending ending, std::optional<Error> error = std::nullopt) {
    ending_.ask(ending, std::move(error));
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
    if (paused_) {
      tell(Paused{});
    }
    return s;
  }

  Status resume() {
    const std::lock_guard lock(session_mutex_);
    if (!paused_) {
      return Error{"the machine is not paused"};
    }
    paused_ = false;
    tell(Resumed{});
    continue_session();
    return {};
  }

  Result<unsigned> checkpoint() {
    unsigned number = 0;
    Status s = while_stopped([&] {
      Status pushed = checkpoints_->push(*session_);
      number = static_cast<unsigned>(checkpoints_->size());
      if (pushed) {
        tell(CheckpointMade{number});
      }
      return pushed;
    });
    return s ? Result<unsigned>(number) : s.error();
  }

  Result<unsigned> roll_back(std::optional<unsigned> number) {
    unsigned to = 0;
    Status done = while_stopped([&]() -> Status {
      const size_t count = checkpoints_->size();
      to = number.value_or(static_cast<unsigned>(count));
      Status s = checkpoints_->roll_back(*session_, to);
      drive_wires_again();
      // Some of it may have been done.
      if (!s && to != 0 && to <= count) {
        end(Ending::kFailure, s.error().with_context("the guest cannot be taken back"));
      }
      if (s) {
        tell(RolledBack{to});
      }
      return s;
    });
    return done ? Result<unsigned>(to) : done.error();
  }

  Result<SnapshotInfo> snapshot(const SnapshotRequest& request) {
    const std::lock_guard one_at_a_time(snapshot_mutex_);
    working_set_.finish(); // a full snapshot reads all of RAM
    std::optional<Snapshots::Captured> captured;
    std::chrono::steady_clock::time_point stopped;
    Status s = while_stopped([&]() -> Status {
      stopped = std::chrono::steady_clock::now();
      auto result =
          snapshots_->capture(*session_, request, describe(config_, capabilities_.backend));
      if (!result) {
        return result.error();
      }
      captured.emplace(std::move(*result));
      return {};
    });
    const auto running = std::chrono::steady_clock::now();
    if (!s) {
      return s.error();
    }
    auto info = Snapshots::commit(std::move(*captured));
    if (info) {
      info->name = request.name;
      tell(SnapshotMade{request.name});
      info->stopped = running - stopped;
    }
    return info;
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
  void tell(const MachineEvent& event) {
    if (const auto* up = std::get_if<GuestIsUp>(&event)) {
      boot_time_ms_ = up->after.count();
    } else if (const auto* adjusted = std::get_if<GuestAdjusted>(&event)) {
      log_.line(LogLevel::kInfo, adjusted->error.empty()
                                     ? "the guest's clock is set and its random numbers are new"
                                     : "the guest's helper: " + adjusted->error);
    }
    host_.event(event);
  }

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

  Status add_disks(SnapshotChain* came_from) {
    if (came_from != nullptr) {
      auto directory = Store(config_.store).begin_clone(came_from->top());
      if (!directory) {
        return directory.error();
      }
      instance_.emplace(std::move(*directory));
    }
    auto disks = came_from != nullptr ? clone_disks(*came_from, instance_->path())
                                      : open_disks(config_.disks);
    if (!disks) {
      return disks.error();
    }
    disks_ = std::move(*disks);
    return {};
  }

  // The Vm and what is wired to it, without vCPUs.
  Status make_session() {
    auto session = Session::create(
        {capabilities_, config_.vcpus, config_.engine, *ram_, devices_->bus(), log_,
         SessionEvents{[this] { end(Ending::kPowerOff); }, [this] { end(Ending::kReset); },
                       [this](const Error& error) { end(Ending::kFailure, error); }},
         instruction_time(), config_.watch_by_faults});
    if (!session) {
      return session.error();
    }
    vstate::Vm& vm = (*session)->vm();
    interrupts_.connect(&vm);
    writes_.connect(&vm);
    if (guest_time_port_) {
      clock_.emplace(vm);
      guest_time_port_->connect(&*clock_);
    }
    boot_time_ms_ = -1;
    tell(GuestBoots{booted_});
    booted_ = true;
    session_ = std::move(*session);
    return {};
  }

  // From a machine that is off, devices reset and RAM all zeros, to one whose first vCPU runs.
  Status boot() {
    if (!files_) {
      auto files = BootFiles::open(config_.kernel, config_.initramfs, config_.ram_size);
      if (!files) {
        return files.error().with_context("the guest wants to boot again");
      }
      files_.emplace(std::move(*files));
    }
    const std::lock_guard lock(session_mutex_);
    if (Status s = make_session(); !s) {
      return s;
    }
    if (Status s = load(session_->vm().gic()); !s) {
      return s;
    }
    if (Status s = session_->create_vcpus(); !s) {
      return s;
    }
    devices_->resume();
    const u64 dtb = arch::dtb_address(config_.ram_size);
    session_->start(arch::primary_boot_state(files_->kernel.range().base, dtb));
    return {};
  }

  // Likewise, to one that goes on where the snapshot was made.
  Status go_on_from_snapshot() {
    SnapshotChain chain = std::move(*came_from_);
    came_from_.reset();
    if (Status s = show_snapshot(*ram_, chain, Store(config_.store), log_); !s) {
      return s;
    }
    if (config_.prefetch) {
      working_set_.begin(chain.top().id, *config_.prefetch);
    }
    const std::lock_guard lock(session_mutex_);
    if (Status s = make_session(); !s) {
      return s;
    }
    if (Status s = session_->create_vcpus(); !s) {
      return s;
    }
    if (Status s = session_->stop(); !s) {
      return s;
    }
    if (Status s = restore_state(chain); !s) {
      return s.error().with_context(fmt::format("snapshot {}", chain.top().name));
    }
    devices_->went_on_from_snapshot();
    continue_session();
    log_.write(LogLevel::kInfo, "goes on from snapshot {}, {} us after the start", chain.top().name,
               std::chrono::duration_cast<std::chrono::microseconds>(
                   std::chrono::steady_clock::now() - host_.started)
                   .count());
    return {};
  }

  Status restore_state(const SnapshotChain& chain) {
    const auto missing = arch::missing_features(chain.top().cpu, session_->features());
    if (!missing.empty()) {
      return Error{fmt::format("its guest may use what this engine's CPU does not have: {}",
                               fmt::join(missing, ", "))};
    }
    auto state = StateTable::decode(chain.state);
    if (!state) {
      return state.error();
    }
    if (Status s = restore_machine(*session_, *devices_, *state); !s) {
      return s;
    }
    drive_wires_again();
    return snapshots_->came_from(chain.top());
  }

  // After the GIC was restored.
  void drive_wires_again() {
    if (!session_->vm().restoring_gic_keeps_inputs()) {
      interrupts_.connect(&session_->vm());
    }
  }

  Status load(const arch::GicPlacement& gic) {
    if (Status s = files_->load(ram_->bytes()); !s) {
      return s;
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
    input.initramfs = files_->initramfs_range;
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
    if (!files_ || !files_->initramfs || files_->initramfs->checked()) {
      return {};
    }
    try {
      initramfs_check_ = std::jthread([this](const std::stop_token& stop) {
        if (Status s = files_->initramfs->check(stop); !s) {
          end(Ending::kFailure, s.error());
        }
      });
    } catch (const std::system_error& error) {
      return Error{fmt::format("the host gives no thread: {}", error.what())};
    }
    return {};
  }

  // vCPUs first, then the devices, then what both of them use.
  void stop() {
    working_set_.finish();
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
    writes_.connect(nullptr);
    interrupts_.connect(nullptr);
    session_.reset();
    paused_ = false;
  }

  const MachineConfig config_;
  const MachineHost host_;
  const vstate::Capabilities capabilities_;
  std::optional<BootFiles> files_; // a machine from a snapshot opens them when it reboots
  const std::unique_ptr<GuestRam> ram_;
  const Log& log_;
  WorkingSet working_set_;
  WriteTracker writes_;
  devices::GuestMemory memory_;
  Interrupts interrupts_;
  devices::HostEventPort host_port_;
  std::optional<devices::GuestTimePort> guest_time_port_; // instead, when instructions are counted
  std::optional<SessionClock> clock_;
  std::optional<OwnedDirectory> instance_; // files of a clone
  std::vector<MachineDisk> disks_;
  std::unique_ptr<MachineDevices> devices_;
  std::unique_ptr<Checkpoints> checkpoints_; // never null after add_devices()
  std::unique_ptr<Snapshots> snapshots_;     // likewise
  std::optional<SnapshotChain> came_from_;   // until it is there

  std::mutex snapshot_mutex_; // before the next one
  std::mutex session_mutex_;  // held while the session is replaced or stopped
  std::unique_ptr<Session> session_;
  bool paused_ = false; // by pause()
  bool booted_ = false;
  bool ended_ = false;                      // run() has
  std::atomic<i64> boot_time_ms_{-1};       // GuestIsUp's in this boot, if not negative
  std::vector<arch::Statistic> statistics_; // of the sessions that have ended
  u64 instructions_ = 0;                    // likewise

  EndingRequest ending_;

  std::jthread initramfs_check_; // ends before what it uses
};

Result<std::unique_ptr<Machine>> Machine::create(const MachineConfig& wanted,
                                                 const MachineHost& host, const Log& log) {
  MachineConfig config = wanted;
  const auto capabilities = vstate::discover(config.backend);
  if (!capabilities) {
    return capabilities.error();
  }
  if (Status s = vstate::check_engine(*capabilities, config.engine, config.statistics); !s) {
    return s.error();
  }
  std::optional<SnapshotChain> came_from;
  std::optional<BootFiles> boot_files;
  if (config.restore) {
    const Store store(config.store);
    (void)store.collect(); // whatever it is, it keeps nobody from going on
    auto chain = store.open(*config.restore);
    if (!chain) {
      return chain.error().with_context("--restore");
    }
    came_from.emplace(std::move(*chain));
    if (Status s = configure_from(config, came_from->top()); !s) {
      return s.error();
    }
  } else {
    auto files = BootFiles::open(config.kernel, config.initramfs, config.ram_size);
    if (!files) {
      return files.error();
    }
    boot_files.emplace(std::move(*files));
  }
  auto ram = GuestRam::create(config.ram_size);
  if (!ram) {
    return ram.error();
  }
  auto impl = std::make_unique<Impl>(config, host, *capabilities, std::move(boot_files),
                                     std::move(*ram), log);
  if (Status s = impl->add_devices(std::move(came_from)); !s) {
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

RunReport Machine::report() {
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

MachineStatus Machine::status() {
  return impl_->status();
}

Result<unsigned> Machine::roll_back(std::optional<unsigned> number) {
  return impl_->roll_back(number);
}

Result<SnapshotInfo> Machine::snapshot(const SnapshotRequest& request) {
  return impl_->snapshot(request);
}

std::vector<CheckpointInfo> Machine::checkpoints() {
  return impl_->checkpoints();
}

} // namespace kindling::vmm
