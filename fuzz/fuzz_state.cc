// SPDX-License-Identifier: Apache-2.0
// A snapshot's state file of any contents. A machine refuses it or goes on from it; what it saves
// then is taken by another machine, to which nothing is different.
//
// Input: one byte of which bit 0 tells that the rest is a state file, bit 1 chooses the interpreter
// and bit 2 a second vCPU. Else the rest are a program of up to 255 words, which lies where vCPU 0
// is to go on, and changes to the state of a machine that can be saved.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <unistd.h>

#include "devices/guest_time_port.h"
#include "devices/virtio/testing/memory_disk.h"
#include "fuzz/input.h"
#include "vmm/guest_ram.h"
#include "vmm/interrupts.h"
#include "vmm/machine_devices.h"
#include "vmm/session.h"
#include "vmm/state/machine_state.h"
#include "vmm/write_tracker.h"

namespace kindling::fuzz {
namespace {

using namespace vmm;

constexpr u64 kRamSize = 16ULL << 20;
constexpr u64 kInstructions = 2000; // and how many ns they take

void check(const Status& status) {
  if (!status) {
    (void)!::write(STDERR_FILENO, status.error().message.data(), status.error().message.size());
    std::abort();
  }
}

template <typename T>
T must(Result<T> result) {
  if (!result) {
    check(result.error());
  }
  return std::move(*result);
}

class Machine {
public:
  Machine(u32 vcpus, arch::Engine engine);
  ~Machine() { interrupts_.connect(nullptr); }

  Status restore(StateTable table);
  StateTable save();
  void load(std::span<const u8> program);
  // Lets the guest execute some instructions.
  void run();

private:
  static std::vector<MachineDisk> make_disks();
  void end_turn();

  const Log log_{STDERR_FILENO, "fuzz", LogLevel::kError};
  std::unique_ptr<GuestRam> ram_ = must(GuestRam::create(kRamSize));
  WriteTracker writes_;
  devices::GuestMemory memory_{arch::kRamBase, ram_->bytes(), &writes_};
  Interrupts interrupts_{log_};
  devices::GuestTimePort port_{1}; // devices have no threads
  std::vector<MachineDisk> disks_ = make_disks();
  std::unique_ptr<MachineDevices> devices_;
  std::unique_ptr<Session> session_;

  std::mutex mutex_; // of what follows
  std::condition_variable changed_;
  bool turn_ended_ = false;
};

std::vector<MachineDisk> Machine::make_disks() {
  std::vector<MachineDisk> disks(1);
  disks[0].backend = std::make_unique<devices::UndoDisk>(
      std::make_unique<devices::virtio::testing::MemoryDisk>(64, false));
  disks[0].disk = disks[0].backend.get();
  return disks;
}

Machine::Machine(u32 vcpus, arch::Engine engine) {
  MachineHost host;
  host.console_output = [](std::span<const u8>) {};
  host.console_ready = [] {};
  host.event = [](const MachineEvent&) {};
  devices_ = must(MachineDevices::create(disks_, host, {memory_, interrupts_, port_}));
  devices_->pause();
  const SessionEvents events{[this] { end_turn(); }, [this] { end_turn(); },
                             [](const Error& error) { check(error); }};
  session_ = must(Session::create(
      {must(vstate::discover(vstate::Backend::kSoft)),
       vcpus,
       {.engine = engine},
       *ram_,
       devices_->bus(),
       log_,
       events,
       vstate::InstructionTime{.shift = 0, .live = false, .event = [this] { end_turn(); }}}));
  interrupts_.connect(&session_->vm());
  writes_.connect(&session_->vm());
  check(session_->create_vcpus());
  check(session_->stop());
}

Status Machine::restore(StateTable table) {
  return restore_machine(*session_, *devices_, table);
}

StateTable Machine::save() {
  StateTable table;
  check(save_machine(*session_, *devices_, table));
  return table;
}

void Machine::load(std::span<const u8> program) {
  std::ranges::copy(program, ram_->bytes().begin());
}

void Machine::end_turn() {
  const std::lock_guard lock(mutex_);
  turn_ended_ = true;
  changed_.notify_all();
}

void Machine::run() {
  session_->vm().set_event_time(session_->vm().time_ns() + kInstructions);
  devices_->resume();
  session_->go_on();
  {
    // No time passes for vCPUs that are all off.
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(20), [this] { return turn_ended_; });
  }
  check(session_->stop());
  devices_->pause();
}

// Of a machine that is about to execute the start of RAM.
StateTable whole_state(u32 vcpus) {
  StateTable table = Machine(vcpus, arch::Engine::kInterpreter).save();
  table.put("vcpu0/power", static_cast<u64>(CpuPower::kOn));
  table.put("vcpu0/PC", arch::kRamBase);
  return table;
}

void change_bytes(std::vector<u8>& bytes, Input& input) {
  const size_t at = input.take<u16>() % (bytes.size() + 1);
  const auto more = input.bytes(input.take<u8>());
  bytes.resize(std::max(bytes.size(), at + more.size()));
  std::ranges::copy(more, bytes.begin() + static_cast<long>(at));
}

void change(StateTable& table, Input& input) {
  const std::vector<std::string> names = table.names();
  const std::string& name = names[input.take<u16>() % names.size()];
  const u8 kind = input.take<u8>();
  if (auto bytes = table.take_bytes(name); bytes) {
    change_bytes(*bytes, input);
    table.put(name, std::move(*bytes));
    return;
  }
  const u64 old = *table.take_number(name);
  switch (kind % 8) {
  case 0: break; // there is none
  case 1: table.put(name + "x", old); break;
  case 2: table.put(name, std::vector<u8>(kind)); break;
  case 3: table.put(name, old ^ u64{1} << input.take<u8>() % 64); break;
  case 4: table.put(name, ~old); break;
  default: table.put(name, input.take<u64>()); break;
  }
}

StateTable changed_state(u32 vcpus, Input& input) {
  static const StateTable kStates[] = {whole_state(1), whole_state(2)};
  StateTable table = kStates[vcpus - 1];
  while (!input.empty() && !table.names().empty()) {
    change(table, input);
  }
  return table;
}

// One machine after the other: there is only one at a time.
void check_state(const StateTable& table, u32 vcpus, arch::Engine engine,
                 std::span<const u8> program) {
  StateTable saved;
  {
    Machine machine(vcpus, engine);
    machine.load(program);
    if (!machine.restore(table)) {
      return;
    }
    saved = machine.save();
    machine.run();
  }
  Machine clone(vcpus, engine);
  clone.load(program);
  check(clone.restore(saved));
  if (clone.save() != saved) {
    std::abort();
  }
}

} // namespace
} // namespace kindling::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kindling;
  fuzz::Input input(data, size);
  const auto mode = input.take<u8>();
  const auto engine = (mode & 2) != 0 ? arch::Engine::kInterpreter : arch::Engine::kAuto;
  const u32 vcpus = (mode & 4) != 0 ? 2 : 1;
  if ((mode & 1) == 0) {
    const auto program = input.bytes(4 * size_t{input.take<u8>()});
    fuzz::check_state(fuzz::changed_state(vcpus, input), vcpus, engine, program);
    return 0;
  }
  const auto table = vmm::StateTable::decode(input.bytes(size));
  if (!table) {
    return 0;
  }
  const auto again = vmm::StateTable::decode(table->encode());
  if (!again || *again != *table) {
    std::abort();
  }
  fuzz::check_state(*table, vcpus, engine, {});
  return 0;
}
